#include "capture/calibrate/share_skin.h"

#include <doctest/doctest.h>

#include <cmath>

#include "capture/calibrate/calibrate_subject.h"
#include "capture/solve/solve_steps.h"
#include "engine/math/exponential.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

// Ten seconds in which all joints turn at once.
file::MarkerClip recordMotion(const subject::Subject& subject) {
  const solve::SolveModel model = solve::makePlainSolveModel(subject);
  file::MarkerClip clip{.rate_hz = 60.0, .frames = 600};
  for (const subject::SubjectMarker& marker : subject.markers) clip.names.push_back(marker.name);
  std::vector<math::RigidTransformd> local = model.rest, world(model.joints());
  for (std::size_t f = 0; f < clip.frames; ++f) {
    for (std::size_t j = 0; j < local.size(); ++j) {
      const double phase = 0.07 * static_cast<double>(f) + static_cast<double>(j);
      if (subject.joints[j].motion != subject::JointMotion::ball) continue;
      const glm::dvec3 turn(std::sin(phase), std::cos(1.3 * phase), std::sin(0.7 * phase));
      local[j].rotation = model.rest[j].rotation * math::rotationFromVector(0.35 * turn);
    }
    solve::worldFromJoints(model, local, world);
    for (const subject::SubjectMarker& marker : subject.markers) {
      clip.positions.emplace_back(solve::markerPosition(marker, world));
    }
  }
  return clip;
}

subject::Subject calibrated(const subject::Subject& worn) {
  auto found = calibrate::calibrateSubject(recordMotion(worn), worn, {});
  REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
  return found->subject;
}

}  // namespace

TEST_SUITE("calibrate/share_skin") {
  TEST_CASE("a marker between two segments is found with its share, and no other") {
    subject::Subject worn = test::figureStage(test::perfectSettings()).subjects()[0];
    for (const subject::SubjectMarker& marker : calibrated(worn).markers) {
      CAPTURE(marker.name);
      CHECK(marker.also.joint == -1);
    }
    const auto part = [&](anim::HumanoidJoint joint) {
      return worn.humanoid.joint[static_cast<std::size_t>(joint)];
    };
    const int upper = part(anim::HumanoidJoint::left_upper_leg);
    const int lower = part(anim::HumanoidJoint::left_lower_leg);
    std::size_t m = 0;
    while (worn.markers[m].joint != upper) ++m;
    const math::RigidTransform& knee =
        worn.skeleton.parent_from_joint[static_cast<std::size_t>(lower)];
    worn.markers[m].also = {lower, 0.35f, math::inverse(knee) * worn.markers[m].offset_joint};
    const subject::SkinShare found = calibrated(worn).markers[m].also;
    CHECK(found.joint == lower);
    CHECK(found.share == doctest::Approx(0.35).epsilon(0.25));
  }
}
