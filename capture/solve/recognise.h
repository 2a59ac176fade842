#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"
#include "engine/core/result.h"

namespace understudy::solve {

/// Tolerances and budgets of recognition.
struct RecogniseSettings {
  double tolerance =
      0.02;  ///< Two markers of one segment may change their distance by this, metres.
  double smallest_share = 0.5;  ///< Share of the subject's markers that must be found.
  double lone_share = 0.4;  ///< Likewise where only one performer is expected at all: nobody else's
                            ///< markers can be taken for theirs.
  double largest_rms = 0.012;  ///< RMS distance of found markers from the fitted model, metres.
  double sure_share = 0.75;    ///< With this share of the markers and ...
  double sure_rms =
      0.007;  ///< ... this RMS a body is the subject's: its points are not searched again.
  std::uint32_t sure_hypotheses = 4;  ///< Places tried for every subject in search of such a body.
  std::uint32_t hypotheses = 12;      ///< Likewise per body that may be there when that has failed.
  std::uint32_t tests = 12000000;     ///< Point tests per frame while nobody is tracked ...
  std::uint32_t tests_beside = 250000;  ///< ... and while somebody is: about a millisecond.
  std::uint32_t rivals = 3;             ///< Subjects that are fitted to a body to tell whose it is.
  double marker_sigma = 0.005;  ///< Of a marker against its own model, for telling whose, metres.
  double margin = 12.0;  ///< By this much, in halves of a chi square, the owner must fit better.
  std::uint32_t patience = 10;  ///< Attempts after which the better fit counts without the margin.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const RecogniseSettings& settings);

/// Where recognition found a subject.
struct Placement {
  bool found = false;
  double rms = 0;  ///< Metres.
  std::size_t matched = 0;
  std::vector<math::RigidTransformd> parent_from_joint;  ///< The fitted pose.
  std::vector<std::int32_t> point_of_marker;             ///< Index of the point, -1 for none.
};

/// Scratch; one per thread, for the largest subject.
struct RecogniseWorkspace {
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

/// One known subject among unnamed points: what the steps of recognition and of repair work on.
struct RecogniseSubject {
  const RecogniseSettings& settings;
  const subject::Subject& subject;
  const solve::SolveModel& model;
  const solve::SolveSettings& solve_settings;
  const solve::TreeKernels& kernels;
  std::span<const glm::dvec3> points;  ///< World, metres; at most the workspace's capacity.
  solve::SolveWorkspace& solve_workspace;
  RecogniseWorkspace& workspace;
};

}  // namespace understudy::solve
