// The scorer itself is scored: an error of known size is planted into what a flawless capture path
// would say, and must show by exactly that size, in the figures that it belongs to and in no other.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/scoring/scorer_fixture.h"

using namespace understudy;
using scoring::CaptureRecord;
using scoring::StageScore;
using test::ScorerFixture;

namespace {

constexpr int kFrames = 120;

// Every figure of a score under the name that the report gives it.
std::map<std::string, double> figures(const StageScore& score) {
  return {{"frames", double(score.frames)},
          {"missing_frames", double(score.missing_frames)},
          {"recall", score.recall},
          {"recall_3", score.recall_3},
          {"ghosts", score.ghosts_per_frame},
          {"error_mm.rms", score.marker_error_mm.rms},
          {"error_mm.p50", score.marker_error_mm.p50},
          {"error_mm.p99", score.marker_error_mm.p99},
          {"crb_ratio", score.crb_ratio},
          {"nees", score.nees},
          {"correct", score.label_correct},
          {"swaps", double(score.swaps)},
          {"swaps_over_100ms", double(score.swaps_over_100ms)},
          {"idf1", score.idf1},
          {"outages", double(score.recovery_ms.count)},
          {"recovery_ms.max", score.recovery_ms.max},
          {"subject_outages", double(score.subject_recovery_ms.count)},
          {"subject_recovery_ms.max", score.subject_recovery_ms.max},
          {"not_recovered", double(score.not_recovered)},
          {"right_at_first", score.right_at_first},
          {"boot_frame", double(score.boot_frame)},
          {"joint_mm.mean", score.joint_error_mm.mean},
          {"joint_mm.p99", score.joint_error_mm.p99},
          {"joint_deg.mean", score.joint_error_deg.mean},
          {"joint_deg.p99", score.joint_error_deg.p99},
          {"marker_mm.rms", score.marker_model_mm},
          {"diverged", double(score.diverged)},
          {"untracked", double(score.untracked)},
          {"predict_20ms_mm.p50", score.predict_20ms_mm.p50},
          {"predict_20ms_mm.mean", score.predict_20ms_mm.mean},
          {"jitter_mm", score.jitter_mm}};
}

const auto kNothing = [](CaptureRecord&, int) {};

source::StageSettings pair() {
  source::StageSettings settings = test::perfectSettings();
  settings.actors = 2;
  settings.spacing = 1.2;
  return settings;
}

// The score of a run of two performers with these errors. The markers lie 0.4 mm off, so that no
// figure is 0 by accident.
template <class Spoil>
StageScore runWith(Spoil spoil) {
  ScorerFixture test(pair());
  return test.run(kFrames, [&](CaptureRecord& record, int frame) {
    for (std::size_t c = 0; c < record.cloud.markers.size(); ++c) {
      record.cloud.markers[c].position[int(c % 3)] += 0.0004f;
      record.cloud.markers[c].covariance = glm::mat3(1e-7f);
    }
    spoil(record, frame);
  });
}

// Names of the figures that differ between two scores, in one line.
std::string differences(const StageScore& one, const StageScore& other) {
  constexpr double kRounding = 1e-5;
  const auto before = figures(one), after = figures(other);
  std::string names;
  for (const auto& [name, value] : after) {
    const double was = before.at(name);
    if (std::isnan(was) != std::isnan(value) || std::abs(was - value) > kRounding) {
      names += (names.empty() ? "" : " ") + name;
    }
  }
  return names;
}

// What differs from the run without planted errors.
std::string changes(const StageScore& score) {
  static const StageScore clean = runWith(kNothing);
  return differences(clean, score);
}

// The same names in the same order.
std::string names(std::set<std::string> of) {
  std::string line;
  for (const std::string& name : of) line += (line.empty() ? "" : " ") + name;
  return line;
}

double slotsOfRun() { return kFrames * 2.0 * double(ScorerFixture(pair()).markers()); }

}  // namespace

TEST_SUITE("scoring/planted_errors") {
  TEST_CASE("a run without planted errors repeats itself") {
    CHECK(changes(runWith(kNothing)) == "");
  }

  TEST_CASE("two names of one subject exchanged for n frames") {
    for (const int length : {1, 23, 24, 25, 60}) {
      const StageScore score = runWith([&](CaptureRecord& record, int f) {
        auto& slots = record.labels.subjects[1].markers;
        if (f >= 20 && f < 20 + length) std::swap(slots[3], slots[40]);
      });
      std::set<std::string> expected{"correct", "idf1", "swaps", "outages", "recovery_ms.max"};
      if (length > 24) expected.insert("swaps_over_100ms");  // 24 frames are 100 ms.
      CHECK(changes(score) == names(expected));
      CHECK(score.swaps == 2);
      CHECK(score.swaps_over_100ms == (length > 24 ? 2 : 0));
      CHECK(score.label_correct == doctest::Approx(1.0 - 2.0 * length / slotsOfRun()));
      CHECK(score.idf1 == doctest::Approx(1.0 - 2.0 * length / slotsOfRun()));
      CHECK(score.recovery_ms.count == 2);
      CHECK(score.recovery_ms.max == doctest::Approx(length / 0.24));
    }
  }

  TEST_CASE("names exchanged between two subjects") {
    const StageScore score = runWith([](CaptureRecord& record, int f) {
      if (f < 30 || f >= 80) return;
      for (std::size_t m = 0; m < 4; ++m) {
        std::swap(record.labels.subjects[0].markers[m], record.labels.subjects[1].markers[m]);
      }
    });
    CHECK(changes(score) ==
          names({"correct", "idf1", "swaps", "swaps_over_100ms", "outages", "recovery_ms.max"}));
    CHECK(score.swaps == 8);
    CHECK(score.swaps_over_100ms == 8);
    CHECK(score.label_correct == doctest::Approx(1.0 - 8.0 * 50 / slotsOfRun()));
  }

  TEST_CASE("two whole subjects exchanged to the end are an outage of both that does not end") {
    const StageScore score = runWith([](CaptureRecord& record, int f) {
      if (f >= 90) std::swap(record.labels.subjects[0], record.labels.subjects[1]);
    });
    CHECK(changes(score) ==
          names({"correct", "idf1", "swaps", "swaps_over_100ms", "outages", "recovery_ms.max",
                 "subject_outages", "subject_recovery_ms.max", "not_recovered"}));
    const std::uint64_t markers = 2 * ScorerFixture(pair()).markers();
    CHECK(score.swaps == markers);
    CHECK(score.not_recovered == markers);
    CHECK(score.subject_recovery_ms.count == 2);
    CHECK(score.subject_recovery_ms.max == doctest::Approx(30 / 0.24));
    CHECK(score.label_correct == doctest::Approx(0.75));
    // Three quarters of the frames agree with the better pairing of identities.
    CHECK(score.idf1 == doctest::Approx(0.75));
  }

  TEST_CASE("identities exchanged from the beginning keep their IDF1, and no label is right") {
    const StageScore score = runWith([](CaptureRecord& record, int) {
      std::swap(record.labels.subjects[0], record.labels.subjects[1]);
    });
    CHECK(score.label_correct == 0.0);
    CHECK(score.idf1 == 1.0);
    CHECK(score.boot_frame == -1);
    CHECK(score.right_at_first == 0.0);
  }

  TEST_CASE("one subject wrong at first is half of two, and boot waits for it") {
    const StageScore score = runWith([](CaptureRecord& record, int f) {
      if (f >= 7) return;
      for (auto& slot : record.labels.subjects[1].markers) slot.position.y += 2.5f;
    });
    CHECK(score.right_at_first == 0.5);
    CHECK(score.boot_frame == 7);
    CHECK(score.swaps == 0);
  }

  TEST_CASE("joints d millimetres off") {
    for (const float d_mm : {0.5f, 7.0f, 80.0f}) {
      const StageScore score = runWith([&](CaptureRecord& record, int) {
        for (auto& pose : record.poses) {
          pose.parent_from_joint[0].translation += 0.001f * d_mm * glm::vec3(0.6f, 0.0f, 0.8f);
        }
      });
      CHECK(changes(score) == names({"joint_mm.mean", "joint_mm.p99", "marker_mm.rms",
                                     "predict_20ms_mm.mean", "predict_20ms_mm.p50"}));
      CHECK(score.joint_error_mm.mean == doctest::Approx(d_mm).epsilon(1e-3));
      CHECK(score.joint_error_mm.p99 == doctest::Approx(d_mm).epsilon(0.01));
      CHECK(score.marker_model_mm == doctest::Approx(d_mm).epsilon(1e-3));
    }
  }

  TEST_CASE("one joint of eighteen turned by some degrees") {
    ScorerFixture figure(pair());
    const auto toes = std::size_t(figure.subjects()[0].humanoid[anim::HumanoidJoint::left_toes]);
    for (const float degrees : {1.0f, 9.0f, 170.0f}) {
      const StageScore score = runWith([&](CaptureRecord& record, int) {
        for (auto& pose : record.poses) {
          glm::quat& rotation = pose.parent_from_joint[toes].rotation;
          rotation = rotation * glm::angleAxis(glm::radians(degrees), glm::vec3(0, 0, 1));
        }
      });
      std::set<std::string> expected{"joint_deg.mean", "joint_deg.p99", "marker_mm.rms"};
      CHECK(changes(score) == names(expected));
      CHECK(score.joint_error_deg.mean == doctest::Approx(degrees / 18.0).epsilon(1e-3));
    }
  }

  TEST_CASE("k ghosts a frame") {
    for (const int k : {1, 3, 40}) {
      const StageScore score = runWith([&](CaptureRecord& record, int) {
        for (int i = 0; i < k; ++i) {
          record.cloud.markers.push_back({.position = glm::vec3(0.1f * float(i), 3.5f, 0.0f)});
        }
      });
      CHECK(changes(score) == names({"ghosts"}));
      CHECK(score.ghosts_per_frame == double(k));
    }
  }

  TEST_CASE("a marker more than 20 mm off is lost and a ghost, one less far is neither") {
    const auto moved = [](float by) {
      return runWith([=](CaptureRecord& record, int) {
        record.cloud.markers[11].position = glm::vec3(0.0f, 3.5f + by, 0.0f);
      });
    };
    const StageScore score = moved(0.0f);
    CHECK(score.ghosts_per_frame == 1.0);
    CHECK(score.recall == doctest::Approx(1.0 - kFrames / slotsOfRun()));
    const StageScore near =
        runWith([](CaptureRecord& record, int) { record.cloud.markers[11].position.y += 0.009f; });
    CHECK(near.ghosts_per_frame == 0.0);
    CHECK(near.recall == 1.0);
  }

  TEST_CASE("lost markers") {
    constexpr std::size_t kLost = 5;
    const StageScore score = runWith([](CaptureRecord& record, int) {
      auto& cloud = record.cloud.markers;
      cloud.erase(cloud.begin(), cloud.begin() + kLost);
    });
    const double share = double(kLost * kFrames) / slotsOfRun();
    CHECK(score.recall == doctest::Approx(1.0 - share));
    CHECK(score.recall_3 == doctest::Approx(1.0 - share));
    CHECK(score.ghosts_per_frame == 0.0);
    CHECK(score.label_correct == 1.0);
    CHECK(score.marker_error_mm.rms == doctest::Approx(0.4).epsilon(1e-3));
  }

  TEST_CASE("empty slots") {
    const StageScore score = runWith([](CaptureRecord& record, int f) {
      if (f >= 40 && f < 52) record.labels.subjects[0].markers[5].confidence = 0.0f;
    });
    CHECK(changes(score) == names({"correct", "idf1", "outages", "recovery_ms.max"}));
    CHECK(score.label_correct == doctest::Approx(1.0 - 12 / slotsOfRun()));
    CHECK(score.recovery_ms.count == 1);
    CHECK(score.recovery_ms.max == doctest::Approx(50.0));
  }

  TEST_CASE("lost frames") {
    ScorerFixture test(pair());
    for (int f = 0; f < kFrames; ++f) {
      test.stage.simulate(test.frame);
      CaptureRecord record = test::perfectRecord(test.frame, test.subjects());
      if (f % 10 == 9) {
        test.scorer.addMissing(test.frame);
      } else {
        test.scorer.add(test.frame, record);
      }
    }
    const StageScore score = test.scorer.score();
    CHECK(score.frames == kFrames);
    CHECK(score.missing_frames == kFrames / 10);
    CHECK(score.recall == doctest::Approx(0.9));
    CHECK(score.label_correct == doctest::Approx(0.9));
    CHECK(score.idf1 == doctest::Approx(2 * 0.9 / (2 * 0.9 + 0.1)));
    CHECK(score.untracked == 2 * kFrames / 10);
    CHECK(score.ghosts_per_frame == 0.0);
    CHECK(score.swaps == 0);
    CHECK(score.marker_error_mm.rms == 0.0);
    CHECK(score.joint_error_mm.p99 < 0.01);
    // The last frame is one of the lost ones: that outage has not ended.
    CHECK(score.subject_recovery_ms.count == 2 * kFrames / 10);
    CHECK(score.subject_recovery_ms.max == doctest::Approx(1 / 0.24));
  }

  TEST_CASE("a covariance made k times too small raises NEES by exactly k, and nothing else") {
    const auto noisy = [](float k) {
      std::mt19937 engine(7);
      std::normal_distribution<float> normal;
      return runWith([&](CaptureRecord& record, int) {
        for (frame::Marker& marker : record.cloud.markers) {
          // Independent errors of 0.3, 0.5 and 0.9 mm along the axes.
          const glm::vec3 sigma(0.0003f, 0.0005f, 0.0009f);
          for (int axis = 0; axis < 3; ++axis) {
            marker.position[axis] += sigma[axis] * normal(engine);
            marker.covariance[axis] = glm::vec3(0.0f);
            marker.covariance[axis][axis] = sigma[axis] * sigma[axis] / k;
          }
        }
      });
    };
    const StageScore honest = noisy(1.0f);
    CHECK(honest.nees > 1.0);  // Besides the noise there are the 0.4 mm of every run.
    for (const float k : {2.0f, 4.0f, 0.25f}) {
      const StageScore score = noisy(k);
      CHECK(score.nees == doctest::Approx(k * honest.nees).epsilon(1e-6));
      CHECK(differences(honest, score) == "nees");
    }
  }

  TEST_CASE("NEES of errors that are drawn from their covariance is 1") {
    ScorerFixture test;
    std::mt19937 engine(11);
    std::normal_distribution<float> normal;
    const StageScore score = test.run(400, [&](CaptureRecord& record, int) {
      for (frame::Marker& marker : record.cloud.markers) {
        // A covariance with correlation: L L^T of this L.
        const glm::mat3 root(glm::vec3(3e-4f, 2e-4f, -1e-4f), glm::vec3(0.0f, 5e-4f, 3e-4f),
                             glm::vec3(0.0f, 0.0f, 9e-4f));
        marker.position += root * glm::vec3(normal(engine), normal(engine), normal(engine));
        marker.covariance = root * glm::transpose(root);
      }
    });
    // 21 200 errors of three axes each: a deviation of 0.6 %.
    CHECK(score.nees == doctest::Approx(1.0).epsilon(0.02));
  }

  TEST_CASE("a marker that is hidden, seen again and named 12 frames later took 50 ms") {
    ScorerFixture test;
    for (int f = 0; f < kFrames; ++f) {
      test.stage.simulate(test.frame);
      CaptureRecord record = test::perfectRecord(test.frame, test.subjects());
      source::MarkerTruth& truth = test.frame.performers[0].markers[8];
      if (f >= 20 && f < 60) truth.seen_2 = truth.seen_3 = false;
      if (f >= 20 && f < 72) record.labels.subjects[0].markers[8].confidence = 0.0f;
      // Another one is named in the very frame in which it is seen again.
      source::MarkerTruth& other = test.frame.performers[0].markers[9];
      if (f >= 30 && f < 50) {
        other.seen_2 = other.seen_3 = false;
        record.labels.subjects[0].markers[9].confidence = 0.0f;
      }
      test.scorer.add(test.frame, record);
    }
    const StageScore score = test.scorer.score();
    CHECK(score.recovery_ms.count == 2);
    CHECK(score.recovery_ms.p50 == 0.0);
    CHECK(score.recovery_ms.p99 == doctest::Approx(50.0).epsilon(0.01));
    CHECK(score.recovery_ms.max == doctest::Approx(50.0));
    CHECK(score.not_recovered == 0);
    CHECK(score.subject_recovery_ms.count == 0);
  }
}
