#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"

namespace understudy::solve {

/// Tolerances and budgets of recognition.
struct RecogniseSettings {
  double tolerance =
      0.02;  ///< Two markers of one segment may change their distance by this, metres.
  double smallest_share = 0.5;    ///< Share of the subject's markers that must be found.
  double largest_rms = 0.016;     ///< RMS distance of found markers from the fitted model, metres.
  std::uint32_t tests = 4000000;  ///< Point tests per attempt; the attempt ends early beyond that.
  std::uint32_t hypotheses =
      12;  ///< Best placements of an anchor segment that are grown to the whole body.
};

/// Where recognition found a subject.
struct Placement {
  bool found = false;
  double score = 0;  ///< Larger is better; comparable between subjects.
  double rms = 0;    ///< Metres.
  std::size_t matched = 0;
  std::vector<math::RigidTransformd> parent_from_joint;  ///< The fitted pose.
  std::vector<std::int32_t> point_of_marker;             ///< Index of the point, -1 for none.
};

/// Scratch; one per thread, for the largest subject.
struct RecogniseWorkspace {
  struct Hypothesis {
    std::size_t joint = 0;
    math::RigidTransformd world_from_joint;
    std::size_t inliers = 0;
    double squared = 0;
  };
  std::vector<Hypothesis> hypotheses;
  std::vector<math::RigidTransformd> world_from_joint;
  std::vector<std::uint8_t> placed, doubted;
  std::vector<glm::dvec3>
      points;  ///< Of RecoverLimbs: unnamed markers, then those of doubted joints.
  std::vector<frame::Marker> pool;  ///< Beside `points`.
  std::vector<double> slack;
  std::vector<std::uint8_t> point_used;
  std::vector<std::int32_t> near;
  std::vector<std::int32_t> order;
  std::vector<std::int32_t> point_of_marker;
  std::vector<std::int32_t> best_marker_of_point;
  std::vector<double> best_distance;
  std::vector<math::RigidTransformd> pose, kept_pose;
  frame::LabelledSubject labelled, fixed;
  Placement trial;
  std::uint32_t tests = 0;
};

RecogniseWorkspace makeRecogniseWorkspace(const subject::Subject& largest, std::size_t most_points);
void reserve(Placement& placement, const subject::Subject& subject);

/// Finds a known subject among unnamed 3D points, in any pose, from one frame: segments with three
/// or more markers are found by their distances, the best placements grow along the tree, every
/// joint turned to where its markers' distances fit, and the whole is polished by the solver.
struct RecogniseSubject {
  const RecogniseSettings& settings;
  const subject::Subject& subject;
  const solve::SolveModel& model;
  const solve::SolveSettings& solve_settings;
  const solve::TreeKernels& kernels;
  std::span<const glm::dvec3> points;  ///< World, metres; at most the workspace's capacity.
  solve::SolveWorkspace& solve_workspace;
  RecogniseWorkspace& workspace;
  Placement& placement;

  void run() const;
};

}  // namespace understudy::solve
