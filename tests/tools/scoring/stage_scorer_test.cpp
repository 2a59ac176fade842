#include "tools/scoring/stage_scorer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/anim/kinematics.h"
#include "engine/math/exponential.h"
#include "tests/support/allocations.h"
#include "tests/tools/scoring/scorer_fixture.h"

using namespace understudy;

namespace {

using test::perfectRecord;
using Fixture = test::ScorerFixture;

const auto kNothing = [](scoring::CaptureRecord&, int) {};

}  // namespace

TEST_SUITE("scoring/stage_scorer") {
  TEST_CASE("a flawless capture path gets full marks") {
    Fixture test;
    const scoring::StageScore score = test.run(60, kNothing);
    CHECK(score.frames == 60);
    CHECK(score.missing_frames == 0);
    CHECK(score.recall == 1.0);
    CHECK(score.recall_3 == 1.0);
    CHECK(score.ghosts_per_frame == 0.0);
    CHECK(score.marker_error_mm.rms == 0.0);
    CHECK(score.label_correct == 1.0);
    CHECK(score.swaps == 0);
    CHECK(score.idf1 == 1.0);
    CHECK(score.boot_frame == 0);
    CHECK(score.joint_error_mm.count == 60 * 18);
    CHECK(score.joint_error_mm.p99 < 0.01);
    CHECK(score.joint_error_deg.p99 < 0.1);
    CHECK(score.diverged == 0);
    CHECK(score.untracked == 0);
    CHECK(score.joints_not_scored.empty());
  }

  TEST_CASE("two exchanged names for 10 frames are two short swaps and 20 wrong labels") {
    Fixture test;
    const scoring::StageScore score = test.run(100, [](scoring::CaptureRecord& record, int f) {
      auto& slots = record.labels.subjects[0].markers;
      if (f >= 20 && f < 30) std::swap(slots[3], slots[40]);
    });
    CHECK(score.swaps == 2);
    CHECK(score.swaps_over_100ms == 0);
    const double all = 100.0 * double(test.markers());
    CHECK(score.label_correct == doctest::Approx(1.0 - 20.0 / all).epsilon(1e-9));
    // 20 found wrongly, 20 missed.
    CHECK(score.idf1 == doctest::Approx(2 * (all - 20) / (2 * (all - 20) + 40)).epsilon(1e-9));
  }

  TEST_CASE("a swap is long from the first frame over 100 ms, and gaps in it do not shorten it") {
    const auto swapsOf = [](int frames, bool with_gap) {
      Fixture test;
      const scoring::StageScore score = test.run(80, [&](scoring::CaptureRecord& record, int f) {
        auto& slots = record.labels.subjects[0].markers;
        if (f < 20 || f >= 20 + frames) return;
        slots[3] = slots[40];
        if (with_gap && f > 21 && f < 18 + frames) slots[3].confidence = 0.0f;
      });
      return std::pair(score.swaps, score.swaps_over_100ms);
    };
    CHECK(swapsOf(24, false) == std::pair<std::uint64_t, std::uint64_t>(1, 0));
    CHECK(swapsOf(25, false) == std::pair<std::uint64_t, std::uint64_t>(1, 1));
    CHECK(swapsOf(25, true) == std::pair<std::uint64_t, std::uint64_t>(1, 1));
  }

  TEST_CASE("a slot that sits on nothing is wrong but no swap") {
    Fixture test;
    const scoring::StageScore score = test.run(10, [](scoring::CaptureRecord& record, int) {
      record.labels.subjects[0].markers[5].position += glm::vec3(0.0f, 3.0f, 0.0f);
    });
    CHECK(score.swaps == 0);
    CHECK(score.label_correct == doctest::Approx(1.0 - 1.0 / double(test.markers())));
  }

  TEST_CASE("an empty slot is a wrong label without a false one") {
    Fixture test;
    const scoring::StageScore score = test.run(10, [](scoring::CaptureRecord& record, int) {
      record.labels.subjects[0].markers[5].confidence = 0.0f;
    });
    const double all = 10.0 * double(test.markers()), right = all - 10.0;
    CHECK(score.label_correct == doctest::Approx(right / all));
    CHECK(score.idf1 == doctest::Approx(2 * right / (2 * right + 10)));
  }

  TEST_CASE("markers that two cameras do not see are not asked for") {
    Fixture test;
    test.stage.simulate(test.frame);
    scoring::CaptureRecord record = perfectRecord(test.frame, test.subjects());
    for (int m = 0; m < 10; ++m) {
      test.frame.performers[0].markers[std::size_t(m)].seen_2 = false;
      test.frame.performers[0].markers[std::size_t(m)].seen_3 = false;
      record.labels.subjects[0].markers[std::size_t(m)].confidence = 0.0f;
    }
    record.cloud.markers.erase(record.cloud.markers.begin(), record.cloud.markers.begin() + 10);
    test.scorer.add(test.frame, record);
    const scoring::StageScore score = test.scorer.score();
    CHECK(score.label_correct == 1.0);
    CHECK(score.recall == 1.0);
    CHECK(score.ghosts_per_frame == 0.0);
  }

  TEST_CASE("planted ghosts, doubles and lost markers are counted") {
    Fixture test;
    const scoring::StageScore score = test.run(20, [](scoring::CaptureRecord& record, int) {
      auto& cloud = record.cloud.markers;
      cloud.erase(cloud.begin(), cloud.begin() + 4);
      cloud.push_back({.position = glm::vec3(0.0f, 3.0f, 0.0f)});
      frame::Marker twice = cloud[10];
      twice.position.y += 0.004f;
      cloud.insert(cloud.begin(), twice);  // Comes before the better one.
    });
    CHECK(score.ghosts_per_frame == 2.0);
    CHECK(score.recall == doctest::Approx(1.0 - 4.0 / double(test.markers())));
    CHECK(score.marker_error_mm.rms == 0.0);
  }

  TEST_CASE("planted marker errors give their RMS, and NEES tells whether covariances are honest") {
    Fixture test;
    const scoring::StageScore score = test.run(50, [](scoring::CaptureRecord& record, int) {
      for (frame::Marker& marker : record.cloud.markers) {
        marker.position.x += 0.001f;
        marker.covariance = glm::mat3(1e-6f);
      }
    });
    CHECK(score.marker_error_mm.rms == doctest::Approx(1.0).epsilon(1e-3));
    CHECK(score.marker_error_mm.p50 == doctest::Approx(1.0).epsilon(0.01));
    CHECK(score.nees == doctest::Approx(1.0 / 3.0).epsilon(1e-3));
  }

  TEST_CASE("the Cramer-Rao bound is that of the cameras that see the marker") {
    // Three cameras at right angles to each other, 2 m away: each axis is measured by two.
    camera::Rig rig;
    const glm::dvec3 from[] = {{2, 0, 0}, {0, 2, 0}, {0, 0, 2}};
    for (const glm::dvec3& centre : from) {
      camera::Camera camera{.name = "c",
                            .width_px = 2000,
                            .height_px = 2000,
                            .fx_px = 1000,
                            .fy_px = 1000,
                            .cx_px = 1000,
                            .cy_px = 1000};
      const glm::dvec3 z = -glm::normalize(centre), x = glm::dvec3(-z.z, -z.x, -z.y),
                       y = glm::cross(z, x);
      camera.camera_from_world.rotation =
          glm::normalize(glm::quat_cast(glm::transpose(glm::dmat3(x, y, z))));
      camera.camera_from_world.translation = -(camera.camera_from_world.rotation * centre);
      rig.cameras.push_back(camera);
    }
    subject::Subject subject;
    subject.skeleton.names = {"root"};
    subject.skeleton.parents = {anim::kNoParent};
    subject.skeleton.parent_from_joint = {{}};
    subject.markers.push_back({.name = "m"});
    subject.humanoid.joint.fill(-1);
    scoring::StageScorer scorer({subject}, rig, {.noise_px = 0.5});
    source::StageFrame frame;
    frame.performers.resize(1);
    frame.performers[0].markers.push_back({.views = 3, .seen_2 = true, .seen_3 = true});
    for (int c = 0; c < 3; ++c) {
      frame.cameras.push_back({.received = true, .centroids = {{.radius_px = 2.0f}}});
      frame.centroid_truth.push_back({{.performer = 0, .marker = 0}});
    }
    scoring::CaptureRecord record = scoring::makeRecord({subject});
    // 1000 px over 2 m: 1 mm of noise per view and axis, two views per axis.
    record.cloud.markers.push_back({.position = glm::vec3(0.003f, 0.0f, 0.0f)});
    scorer.add(frame, record);
    const double bound = 0.001 * std::sqrt(3.0 / 2.0);
    CHECK(scorer.score().crb_ratio == doctest::Approx(0.003 / bound).epsilon(1e-4));
  }

  TEST_CASE("a root that is 7 mm and 2 degrees off is measured as that") {
    Fixture test;
    const scoring::StageScore score = test.run(30, [](scoring::CaptureRecord& record, int) {
      for (auto& slot : record.labels.subjects[0].markers) slot.confidence = 0.0f;
      record.poses[0].parent_from_joint[0].translation += glm::vec3(0.0f, 0.0f, 0.007f);
    });
    CHECK(score.joint_error_mm.mean == doctest::Approx(7.0).epsilon(1e-3));
    CHECK(score.joint_error_mm.p50 == doctest::Approx(7.0).epsilon(0.01));
    Fixture turned;
    const scoring::StageScore turns = turned.run(30, [](scoring::CaptureRecord& record, int) {
      math::RigidTransform& root = record.poses[0].parent_from_joint[0];
      root.rotation = root.rotation * glm::angleAxis(glm::radians(2.0f), glm::vec3(0, 1, 0));
    });
    CHECK(turns.joint_error_deg.mean == doctest::Approx(2.0).epsilon(1e-3));
  }

  TEST_CASE("poses that run away or are no numbers are counted as diverged") {
    Fixture test;
    const scoring::StageScore score = test.run(10, [](scoring::CaptureRecord& record, int f) {
      if (f == 3) record.poses[0].parent_from_joint[0].translation.x += 0.6f;
      if (f == 5) record.poses[0].parent_from_joint[4].translation.x = std::nanf("");
      if (f == 7) record.poses[0].tracked = false;
    });
    CHECK(score.diverged == 2);
    CHECK(score.untracked == 1);
    CHECK(std::isfinite(score.joint_error_mm.mean));
  }

  TEST_CASE("frames that the path lost count as missed, and booting is noted") {
    Fixture test;
    for (int f = 0; f < 20; ++f) {
      test.stage.simulate(test.frame);
      scoring::CaptureRecord record = perfectRecord(test.frame, test.subjects());
      if (f < 4) record.poses[0].tracked = false;
      if (f % 10 == 9) {
        test.scorer.addMissing(test.frame);
      } else {
        test.scorer.add(test.frame, record);
      }
    }
    const scoring::StageScore score = test.scorer.score();
    CHECK(score.frames == 20);
    CHECK(score.missing_frames == 2);
    CHECK(score.boot_frame == 4);
    CHECK(score.label_correct == doctest::Approx(0.9));
    CHECK(score.recall == doctest::Approx(0.9));
    CHECK(score.untracked == 2);
  }

  TEST_CASE("a pose with true velocities is predicted well, a frozen one by its motion's error") {
    // The root goes along x at 1 m/s; the clip of the figure is held still.
    source::StageSettings settings = test::perfectSettings();
    settings.still = true;
    const auto predicted = [&](float speed) {
      Fixture test(settings);
      test.stage.simulate(test.frame);
      const source::StageFrame first = test.frame;
      for (int f = 0; f < 60; ++f) {
        source::StageFrame frame = first;
        frame.stamp.sequence = std::uint64_t(f);
        for (auto& joint : frame.performers[0].world_from_joint) {
          joint.translation.x += float(f) / 240.0f;
        }
        scoring::CaptureRecord record = perfectRecord(frame, test.subjects());
        record.poses[0].velocity[0] = glm::vec3(speed, 0.0f, 0.0f);
        test.scorer.add(frame, record);
      }
      return test.scorer.score().predict_20ms_mm;
    };
    CHECK(predicted(1.0f).p99 < 0.01);
    CHECK(predicted(0.0f).mean == doctest::Approx(20.0).epsilon(1e-3));
    CHECK(predicted(0.0f).count == 55 * 18);
  }

  TEST_CASE("jitter is the spread about the mean, and only of performers who stand still") {
    source::StageSettings settings = test::perfectSettings();
    settings.still = true;
    const auto shake = [](scoring::CaptureRecord& record, int f) {
      record.poses[0].parent_from_joint[0].translation.y += f % 2 == 0 ? 0.002f : -0.002f;
    };
    Fixture still(settings);
    CHECK(still.run(100, shake).jitter_mm == doctest::Approx(2.0).epsilon(1e-3));
    Fixture moving;
    CHECK(std::isnan(moving.run(100, shake).jitter_mm));
  }

  TEST_CASE("performers without true joints get no joint figures") {
    Fixture test;
    test.stage.simulate(test.frame);
    const scoring::CaptureRecord record = perfectRecord(test.frame, test.subjects());
    test.frame.performers[0].world_from_joint.clear();
    test.frame.performers[0].markers[7].position = glm::vec3(std::nanf(""));  // A gap of the file.
    test.frame.performers[0].markers[7].seen_2 = false;
    test.scorer.add(test.frame, record);
    const scoring::StageScore score = test.scorer.score();
    CHECK(std::isnan(score.joint_error_mm.mean));
    CHECK(std::isnan(score.predict_20ms_mm.p50));
    CHECK(score.joints_not_scored.empty());
    CHECK(score.label_correct == 1.0);
    CHECK(score.marker_model_mm < 0.01);
  }

  TEST_CASE("named body joints that a clip does not have are listed") {
    Fixture test;
    std::vector<subject::Subject> subjects = test.subjects();
    subjects[0].humanoid.joint[std::size_t(anim::HumanoidJoint::left_toes)] = -1;
    scoring::StageScorer scorer(subjects, test.stage.knownRig(), {});
    test.stage.simulate(test.frame);
    scorer.add(test.frame, perfectRecord(test.frame, subjects));
    REQUIRE(scorer.score().joints_not_scored.size() == 1);
    CHECK(scorer.score().joints_not_scored[0] == "left_toes of performer 1");
    CHECK(scorer.score().joint_error_mm.count == 17);
  }

  TEST_CASE("scoring and copying allocate nothing") {
    Fixture test;
    test.stage.simulate(test.frame);
    const scoring::CaptureRecord record = perfectRecord(test.frame, test.subjects());
    pipeline::FrameResult result;
    result.labels = record.labels;
    result.cloud = record.cloud;
    result.poses = record.poses;
    scoring::CaptureRecord copy = scoring::makeRecord(test.subjects());
    const std::uint64_t before = test::allocationCount();
    for (std::uint64_t f = 0; f < 10; ++f) {
      test.frame.stamp.sequence = result.stamp.sequence = f;
      scoring::copyResult(result, copy);
      test.scorer.add(test.frame, copy);
    }
    CHECK(test::allocationCount() == before);
    CHECK(copy.cloud.markers.size() == test.markers());
  }
}
