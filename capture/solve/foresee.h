#pragma once

#include <array>
#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/solve_subject.h"

namespace understudy::solve {

/// Poses that a prediction looks back on, in frames before the newest.
inline constexpr std::array<std::size_t, 8> kForesightLags{1, 2, 3, 4, 6, 8, 12, 16};

/// How far predictions look ahead and how they learn.
struct ForesightSettings {
  double seconds = 0.02;     ///< What is learnt is the way that a joint goes in this time.
  double memory = 1.0;       ///< How long an example counts, seconds.
  double error_time = 0.25;  ///< Memory of the errors that are stated, seconds.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const ForesightSettings& settings);

/// The best weights of past poses of late: normal equations of the places that joints went to on
/// what was known before. One set for the root's place, one for all turns, learnt from the places
/// of joints about the root, so that turns count by what they move.
struct ForesightWeights {
  static constexpr std::size_t kCount = kForesightLags.size();
  std::array<double, kCount * kCount> matrix{};
  std::array<double, kCount> right{};
  std::array<double, kCount> weight{};
};

/// Four numbers of a ring, side by side in a vector register.
struct alignas(16) ForesightVector {
  float of[4];
};

using ForesightRoots = std::array<glm::dvec3, 32>;

/// What predictions of one subject remember; fixed size. Numbers are floats, which keeps the rings
/// in the cache; only the root's place is not.
struct ForesightState {
  static constexpr std::size_t kFrames = 32;  ///< Of the rings; the longest look back.
  std::vector<ForesightVector> turn;          ///< Ring, per joint: rotation x, y, z, w.
  std::vector<ForesightVector> place;         ///< Ring: places about the root, x, y, z per joint,
  std::vector<ForesightVector> foreseen, foreseen_steady;       ///< by weights, and by velocity.
  std::size_t root_joint = 0;                                   ///< The free one.
  ForesightRoots root_place{}, foreseen_root{}, steady_root{};  ///< Rings.
  ForesightWeights root, turns;
  double error = 0.0, steady_error = 0.0;  ///< Mean squares of late, all joints: which is better.
  std::vector<float> square_error;         ///< Per joint: mean square of the one that was used.
  std::uint64_t sequence = 0;              ///< Of the newest frame.
  std::size_t frames = 0;                  ///< In a row until then.
};

ForesightState makeForesightState(const SolveModel& model);

/// Foresees how a solved subject goes on: each pose ahead is a weighted sum of the newest and those
/// of the last frames, with the weights that would have foreseen best what this performer did of
/// late (linear prediction by recursive least squares; Haykin, "Adaptive Filter Theory", 2002,
/// chapter 13), or goes on at the filter's velocities
/// where going on as before was better. Call after every
/// solved frame: learns, then writes the velocities of the pose, which lead to where it will be
/// after ForesightSettings::seconds, and how far off its joints may be there.
struct ForeseeSubject {
  const ForesightSettings& settings;
  const SolveModel& model;
  double rate_hz;
  const SolveState& solved;  ///< Its newest frame; one that is not tracked starts anew.
  ForesightState& state;
  frame::SkeletonPose& pose;

  void run() const;
};

/// The pose after a time, by the velocities that ForeseeSubject left, and the standard deviation
/// per axis of each joint's place there, metres: the error now and what the predictions of late
/// were off, which grows with the time. Up to twice the foresight's time; spans of one entry per
/// joint.
void predictPose(const frame::SkeletonPose& pose, double seconds, double learnt_seconds,
                 std::span<math::RigidTransform> parent_from_joint, std::span<float> sigma);

}  // namespace understudy::solve
