#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/calibrate/calibrate_subject.h"
#include "capture/source/simulated_stage.h"
#include "engine/core/result.h"

namespace understudy::simulation {

/// How far a template is from the performer it is taken for; standard deviations per axis.
struct TemplateError {
  double bone = 0.004, bone_share = 0.05;  ///< Of a joint's place: metres, and share of the length.
  double offset = 0.012;                   ///< Of a marker's place, metres.
};

/// How far skin slides under each of the subject's markers, as the set says, as shares of the
/// usual; 1 for markers that are not in it.
std::vector<double> slideShares(const subject::Subject& subject, const subject::MarkerSet& set);

/// What a studio has before it calibrates: the kind of skeleton and the marker set, bones and
/// offsets of somebody else. Joints that cannot turn stay.
subject::Subject makeTemplate(const subject::Subject& truth, const TemplateError& error,
                              std::uint64_t seed);

/// A range-of-motion performance of the performer `motion` shows, as a motion of its own.
core::Result<source::PerformerMotion> rangeOfMotion(const source::PerformerMotion& motion,
                                                    double seconds, std::uint64_t seed);

/// Calibrates every performer of the stage that moves by a clip from 15 s of rehearsal
/// (SimulatedStage::rehearse), from a template. `subjects` are the true ones and become the
/// calibrated ones; frames of their joints are named as the true ones', so that poses can be
/// compared. Adds a line of what it did to `warnings`.
core::Result<void> calibrateSubjects(const source::SimulatedStage& stage,
                                     const subject::MarkerSet& marker_set, std::size_t threads,
                                     std::vector<subject::Subject>& subjects,
                                     std::vector<std::string>& warnings);

}  // namespace understudy::simulation
