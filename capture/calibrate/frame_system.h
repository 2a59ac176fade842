#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/calibrate/size_layout.h"
#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"

namespace understudy::calibrate {

/// How markers and poses are believed within one frame.
struct FrameTrust {
  double robust_radius = 0.02;  ///< A marker this far off has a quarter of its weight, metres.
  double rest_sigma = 0.8;      ///< Stray of joints from the rest pose, rad.
  double share_sigma = 0.35;    ///< How unlike two joints turn that no marker tells apart, rad.
  double largest_turn = 0.6;    ///< Of one step, rad.
};

/// A frame of the recording with its pose.
struct PosedFrame {
  std::size_t frame = 0;            ///< Of the clip.
  std::vector<glm::dvec3> seen;     ///< Per marker, world.
  std::vector<std::uint8_t> there;  ///< Per marker: it is seen.
  std::vector<math::RigidTransformd> parent_from_joint;
  std::vector<double> bend;  ///< Per joint, about its mean over all frames; empty: none.
  double rms = 0;            ///< Distance of the markers from the model, metres.
  std::size_t count = 0;     ///< Markers seen.
};

/// Two joints, one on the other, that no marker tells apart: they share a bend.
struct SharedBend {
  std::size_t upper = 0, lower = 0;
  glm::dmat3 lower_from_upper{1.0};  ///< Of rotation vectors, in the rest pose.
};

/// What does not change while sizes and poses do.
struct CalibrationProblem {
  const subject::Subject& subject;  ///< Markers are those that the recording shows.
  const solve::SolveModel& model;
  const SizeLayout& layout;
  std::vector<SharedBend> shared_bends;
};

/// How far a joint is turned out of its rest pose, whichever way, radians. Skin slides over the
/// bone with the angles of its joints, nearly linearly (Bonci, Camomilla, Dumas, Cheze and
/// Cappozzo, "A soft tissue artefact model driven by proximal and distal joint kinematics", J.
/// Biomechanics 47 (2014)); of those angles, this one number is used.
double bendOf(const glm::dquat& rest_from_joint);

std::vector<SharedBend> findSharedBends(const subject::Subject& subject,
                                        const solve::SolveModel& model);

/// Scratch for one thread.
struct FrameWorkspace {
  std::vector<math::RigidTransformd> world;
  std::vector<glm::dmat3> turn;             ///< Of `world`.
  std::vector<double> weight;               ///< Per marker.
  std::vector<glm::dvec3> place, residual;  ///< Per marker; place about the root.
  std::vector<solve::MarkerTerm> terms;
  std::vector<double> matrix, gradient, axes, moments, forces;
  std::vector<double> rows;  ///< Freedoms x sizes: how poses and sizes meet.
};

FrameWorkspace makeFrameWorkspace(const CalibrationProblem& problem);

/// One frame's normal equations about its pose.
struct FrameSystem {
  const CalibrationProblem& problem;
  const BodySizes& sizes;
  const std::vector<double>& marker_sigma;  ///< Per marker, metres.
  const FrameTrust& trust;
  FrameWorkspace& workspace;

  /// Poses the body at the frame's pose and measures its markers; fills the frame's rms.
  void measure(PosedFrame& frame) const;
  /// After measure: builds and factors the pose's normal equations; leaves the step that is best
  /// for given sizes in workspace.gradient.
  void factorPose(const PosedFrame& frame) const;
  /// Turns the pose by a step, per freedom.
  void move(std::span<const double> step, PosedFrame& frame) const;
  /// `iterations` steps for given sizes, then measure.
  void fitPose(int iterations, PosedFrame& frame) const;
};

}  // namespace understudy::calibrate
