#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "capture/file/marker_file.h"
#include "engine/math/exponential.h"
#include "tests/support/shared_data.h"
#include "tests/support/stage.h"
#include "tools/recorded/compare_motion.h"
#include "tools/recorded/marker_misfit.h"
#include "tools/recorded/recorded_subject.h"
#include "tools/recorded/reference_motion.h"

using namespace understudy;

namespace {

// A figure's true markers, and the clip that they make.
struct Figure {
  source::SimulatedStage stage = test::figureStage({});
  file::MarkerClip clip = stage.rehearse(0, 1.5);
  const subject::Subject& subject() const { return stage.subjects()[0]; }
};

}  // namespace

TEST_SUITE("recorded/solve_recording") {
  TEST_CASE("a figure's own markers are solved to the tenth of a millimetre that skin leaves") {
    const Figure figure;
    const recorded::RecordedMotion motion =
        recorded::solveRecording(figure.subject(), figure.clip, {});
    REQUIRE(motion.world_from_joint.size() == figure.clip.frames);
    CHECK(motion.restarts == 0);
    const recorded::MarkerMisfit misfit =
        recorded::measureMisfit(figure.subject(), motion, figure.clip);
    CHECK(misfit.mm.rms < 3.0);
    const recorded::MarkerMisfit held_out =
        recorded::measureHeldOut(figure.subject(), figure.clip, {});
    CHECK(held_out.mm.count == misfit.mm.count);
    CHECK(held_out.mm.rms > misfit.mm.rms);
  }

  TEST_CASE("a marker that carries a wrong name is found astray, and leaving it out is fair") {
    Figure figure;
    const std::size_t markers = figure.clip.names.size();
    for (std::size_t f = 20; f < 40; ++f) figure.clip.positions[f * markers + 5].x += 0.8f;
    const recorded::RecordedMotion motion =
        recorded::solveRecording(figure.subject(), figure.clip, {});
    const recorded::SampleMask strays =
        recorded::findStrays(figure.subject(), motion, figure.clip, 0.1);
    CHECK(std::count(strays.begin(), strays.end(), 1) == 20);
    CHECK(strays[30 * markers + 5] == 1);
    CHECK(recorded::measureMisfit(figure.subject(), motion, figure.clip).mm.rms > 10.0);
    CHECK(recorded::measureMisfit(figure.subject(), motion, figure.clip, strays).mm.rms < 3.0);
  }

  TEST_CASE("recordings of the same markers join by name") {
    file::MarkerClip a{.names = {"A", "B"}, .rate_hz = 100, .frames = 1};
    a.positions = {glm::vec3(1), glm::vec3(2)};
    file::MarkerClip b{.names = {"C", "A"}, .rate_hz = 60, .frames = 1};
    b.positions = {glm::vec3(3), glm::vec3(4)};
    const file::MarkerClip joined = recorded::joinClips(a, b);
    CHECK(joined.names == std::vector<std::string>{"A", "B", "C"});
    CHECK(joined.frames == 2);
    CHECK(joined.at(1, 0) == glm::vec3(4));
    CHECK(std::isnan(joined.at(1, 1).x));
    CHECK(joined.at(1, 2) == glm::vec3(3));
    CHECK(std::isnan(joined.at(0, 2).x));
  }
}

TEST_SUITE("recorded/compare_motion") {
  TEST_CASE("a constant offset and a sign are conventions; what is left is the difference") {
    std::vector<recorded::FlexionAngles> ours(100), theirs(100);
    for (std::size_t f = 0; f < 100; ++f) {
      ours[f].fill(std::nan(""));
      theirs[f].fill(std::nan(""));
      const double angle = 30.0 * std::sin(0.2 * static_cast<double>(f));
      ours[f][2] = angle + 7.0 + (f % 2 == 0 ? 1.0 : -1.0);
      theirs[f][2] = -angle;
    }
    const auto compared = recorded::compareFlexions(ours, theirs);
    REQUIRE(compared.size() == 1);
    CHECK(compared[0].flexion == recorded::Flexion::left_knee);
    CHECK(compared[0].sign == -1.0);
    CHECK(std::abs(compared[0].offset_deg - 7.0) < 0.5);
    CHECK(std::abs(compared[0].rms_deg - 1.0) < 0.02);
    CHECK(compared[0].correlation > 0.99);
  }

  TEST_CASE("the same motion in another world, under other axes, is the same motion") {
    const Figure figure;
    const subject::Subject& subject = figure.subject();
    const recorded::RecordedMotion motion = recorded::solveRecording(subject, figure.clip, {});
    const math::RigidTransformd there_from_here{
        math::rotationFromVector(glm::dvec3(0.3, 2.0, -0.4)), {1.0, -2.0, 0.5}};
    recorded::RecordedMotion other = recorded::moved(there_from_here, motion);
    const glm::dquat renamed = math::rotationFromVector(glm::dvec3(1.0, -0.5, 0.7));
    for (auto& frame : other.world_from_joint) {
      for (math::RigidTransformd& joint : frame) joint.rotation = joint.rotation * renamed;
    }
    const recorded::MovingBody mine{subject.skeleton, subject.humanoid, motion};
    const recorded::RecordedMotion back = recorded::moved(
        recorded::alignWorlds(mine, {subject.skeleton, subject.humanoid, other}), other);
    const auto parts = recorded::compareParts(mine, {subject.skeleton, subject.humanoid, back});
    REQUIRE(parts.size() == 13);
    for (const recorded::PartComparison& part : parts) {
      CHECK(part.turn_deg < 0.01);
      CHECK(part.place_mm < 0.01);
    }
    // Rigid seats are found whatever the axes are called.
    CHECK(recorded::measureBestMisfit(back, figure.clip).mm.rms < 3.0);
  }

  TEST_CASE("a straight leg is at zero, a bent one at its angle") {
    anim::Skeleton skeleton;
    anim::HumanoidMap humanoid;
    humanoid.joint.fill(-1);
    const auto add = [&](anim::HumanoidJoint part, int parent, const glm::vec3& place) {
      humanoid.joint[static_cast<std::size_t>(part)] = static_cast<int>(skeleton.size());
      skeleton.names.emplace_back(anim::humanoidName(part));
      skeleton.parents.push_back(parent);
      skeleton.parent_from_joint.push_back({glm::quat(1, 0, 0, 0), place});
    };
    using enum anim::HumanoidJoint;
    add(hips, -1, {0, 1, 0});
    add(left_upper_leg, 0, {0.1f, 0, 0});
    add(left_lower_leg, 1, {0, -0.45f, 0});
    add(left_foot, 2, {0, -0.45f, 0});
    add(right_upper_leg, 0, {-0.1f, 0, 0});
    add(right_lower_leg, 4, {0, -0.45f, 0});
    add(right_foot, 5, {0, -0.45f, 0});
    const auto pose = [&](double hip, double knee) {
      recorded::RecordedMotion motion{.joints = skeleton.size()};
      auto& world = motion.world_from_joint.emplace_back();
      for (std::size_t j = 0; j < skeleton.size(); ++j) {
        // Forward is +z: raising the thigh turns about -x, bending the knee about +x.
        const double angle = j == 1 ? -hip : j == 2 ? knee : 0.0;
        const math::RigidTransformd local{math::rotationFromVector(glm::dvec3(angle, 0, 0)),
                                          glm::dvec3(skeleton.parent_from_joint[j].translation)};
        const int parent = skeleton.parents[j];
        world.push_back(parent < 0 ? local : world[static_cast<std::size_t>(parent)] * local);
      }
      return recorded::measureFlexions(skeleton, humanoid, motion)[0];
    };
    const auto at = [](const recorded::FlexionAngles& angles, recorded::Flexion flexion) {
      return angles[static_cast<std::size_t>(flexion)];
    };
    const recorded::FlexionAngles straight = pose(0, 0), bent = pose(0.5, 1.0);
    CHECK(std::abs(at(straight, recorded::Flexion::left_hip)) < 1e-4);
    CHECK(std::abs(at(straight, recorded::Flexion::left_knee)) < 1e-4);
    CHECK(std::abs(at(straight, recorded::Flexion::left_ankle)) < 1e-4);
    CHECK(std::abs(at(bent, recorded::Flexion::left_hip) - glm::degrees(0.5)) < 1e-4);
    CHECK(std::abs(at(bent, recorded::Flexion::left_knee) - glm::degrees(1.0)) < 1e-4);
    CHECK(std::abs(at(bent, recorded::Flexion::right_knee)) < 1e-4);
    CHECK(std::isnan(at(bent, recorded::Flexion::left_elbow)));
  }
}

TEST_SUITE("recorded/real_data") {
  TEST_CASE("recordings of others are solved nearer to the markers than they did") {
    const std::string gait = "trc_osim/osimmodels/Pipelines/Gait2354_Simbody/";
    const std::string walk = "trc_osim/nimbletrc/data/grf/Subject4/";
    struct Set {  // Bounds: the table in tests/bench/results/solve_real.md, with room.
      std::string file, with, reference, model;
      double marker_mm, angle_deg;
    };
    for (const Set& set :
         {Set{"c3d/nimble/data/c3d/cmu_02_05.c3d", "", "asf_amc/cmuasf/02/02_05.amc", "", 5.0, 4.5},
          Set{walk + "MarkerData/walking2.trc", "", walk + "IK/walking2_ik.mot",
              walk + "Models/optimized_scale_and_markers.osim", 5.0, 6.0},
          Set{gait + "subject01_walk1.trc", gait + "subject01_static.trc",
              gait + "subject01_walk1_ik.mot", gait + "OutputReference/subject01_simbody.osim", 6.0,
              4.0}}) {
      const auto file = test::sharedData(set.file), reference = test::sharedData(set.reference);
      if (!file || !reference) continue;
      CAPTURE(set.file);
      recorded::SubjectOptions options{.file = *file};
      if (!set.with.empty()) options.others = {test::sharedData(set.with).value()};
      const auto recording = recorded::readRecordedSubject(options);
      REQUIRE(recording.has_value());
      const auto calibration = calibrate::calibrateSubject(recording->calibration,
                                                           recording->initial, recording->settings);
      REQUIRE(calibration.has_value());
      const subject::Subject subject =
          recorded::withShownMarkers(calibration->subject, recording->clip);
      const auto motion = recorded::solveRecording(subject, recording->clip, {});
      CHECK(recorded::measureMisfit(subject, motion, recording->clip).mm.rms < set.marker_mm);
      const std::string model = set.model.empty() ? "" : test::sharedData(set.model).value();
      const auto theirs = recorded::loadReference(*reference, recording->clip, model);
      REQUIRE(theirs.has_value());
      const auto angles = recorded::compareFlexions(
          recorded::measureFlexions(subject.skeleton, subject.humanoid, motion), theirs->angles);
      CHECK(angles.size() >= 6);
      for (const recorded::AngleComparison& angle : angles) {
        CAPTURE(recorded::flexionName(angle.flexion));
        CHECK(angle.rms_deg < set.angle_deg);
      }
      if (model.empty()) continue;
      // Their own marker error: large if their model were posed wrongly.
      const recorded::MarkerMisfit misfit =
          recorded::measureMisfit(*theirs->subject, *theirs->motion, recording->clip);
      CHECK(misfit.mm.rms < 25.0);
      CHECK(misfit.mm.p50 < 15.0);
    }
  }
}
