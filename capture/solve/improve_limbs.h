#pragma once

#include <array>
#include <vector>

#include "capture/solve/recognise.h"

namespace understudy::solve {

/// Scratch of `improveLimbs`.
struct LimbWorkspace {
  static constexpr std::size_t kMostJoints = 12;   ///< Of a limb, those with markers or between.
  static constexpr std::size_t kMostOptions = 4;   ///< Ways to place one joint that are tried.
  static constexpr std::size_t kMostMarkers = 12;  ///< Of one joint.
  static constexpr std::size_t kMostLimbs = 8;     ///< Of one body that are searched anew.

  /// One way to place a joint.
  struct Option {
    math::RigidTransformd world_from_joint;
    double cost = 0;
    double value = 0;  ///< What its markers add to the limb's value.
    double slack = 0;  ///< Metres.
    std::array<std::int32_t, kMostMarkers> points{};
  };
  /// One joint of the limb, in the order of the tree.
  struct Level {
    std::size_t joint = 0;
    std::size_t markers = 0;
    std::array<std::int32_t, kMostMarkers> marker{};
    std::size_t options = 0, next = 0;
    std::array<Option, kMostOptions> option;
    double value_before = 0, most_after = 0;
  };

  std::array<Level, kMostJoints> levels;
  std::vector<math::RigidTransformd> kept_world;
  std::vector<std::int32_t> kept_points;
  std::array<std::size_t, kMostLimbs> roots{};
  std::array<double, kMostLimbs> values{};  ///< What these limbs explained before.
  std::size_t root_count = 0;
  std::vector<math::RigidTransformd> pose_before;
  std::vector<std::int32_t> points_before;
};

void reserve(LimbWorkspace& workspace, const subject::Subject& largest);

/// What the body in the workspace explains: its markers, the less the farther they are from their
/// points, less a little for joints that are far from rest.
double bodyValue(const RecogniseSubject& job);

/// Takes limbs of a settled body whose markers do not all have a point, or one that is off, and
/// searches them anew on the trunk, which is fitted without them: for every joint outwards several
/// ways to stand are tried, and the limb that explains most counts. A forearm that was put on the
/// wrong way round comes right here. Returns true if a limb was changed: the body has to be settled
/// again, and compared with `pose_before` and `points_before`.
bool improveLimbs(const RecogniseSubject& job, LimbWorkspace& workspace);

}  // namespace understudy::solve
