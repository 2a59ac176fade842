#include "capture/pipeline/capture_path.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <vector>

#include "engine/asset/clip_file.h"
#include "tests/support/allocations.h"
#include "tests/support/capture.h"
#include "tests/support/stage.h"
#include "tools/scoring/stage_scorer.h"

using namespace understudy;

namespace {

scoring::StageScore scoreOf(source::SimulatedStage stage, int frames) {
  test::StageFeed feed{.stage = stage};
  const auto path = test::makePath(stage);
  scoring::StageScorer scorer(stage.subjects(), stage.knownRig(),
                              {.noise_px = stage.settings().noise_px});
  scoring::CaptureRecord record = scoring::makeRecord(stage.subjects());
  for (int f = 0; f < frames; ++f) {
    feed.advance(*path);
    test::closeFrame(*path);
    scoring::copyResult(path->result(), record);
    scorer.add(feed.frame, record);
    path->prepareNext();
  }
  return scorer.score();
}

bool happened(const pipeline::CapturePath& path, frame::CaptureEventKind kind, std::uint32_t who) {
  const auto& events = path.result().events;
  return std::any_of(events.begin(), events.end(), [&](const frame::CaptureEvent& event) {
    return event.kind == kind && event.subject == who;
  });
}

// Hash of the poses of a run over the invented figure.
std::uint64_t hashOf(const source::StageSettings& stage_settings,
                     const pipeline::PipelineSettings& settings = {}, int frames = 120) {
  source::SimulatedStage stage = test::figureStage(stage_settings);
  test::StageFeed feed{.stage = stage};
  const auto path = test::makePath(stage, settings);
  for (int f = 0; f < frames; ++f) {
    feed.advance(*path);
    test::closeFrame(*path);
    path->prepareNext();
  }
  REQUIRE(path->result().poses[0].tracked);
  return path->hash();
}

}  // namespace

TEST_SUITE("pipeline/capture_path") {
  TEST_CASE(
      "on a stage without errors every marker is named and joints are right to a millimetre") {
    const scoring::StageScore score = scoreOf(test::figureStage(test::perfectSettings()), 240);
    CHECK(score.boot_frame == 0);
    CHECK(score.label_correct >= 0.999);
    CHECK(score.swaps == 0);
    CHECK(score.recall >= 0.999);
    CHECK(score.ghosts_per_frame < 0.01);
    CHECK(score.marker_error_mm.rms < 0.1);
    CHECK(score.joint_error_mm.mean < 1.0);
    CHECK(score.diverged == 0);
  }

  TEST_CASE("with the default noise, gaps, soft tissue and occlusion the figure is held") {
    for (const std::uint64_t seed : {1, 2, 3}) {
      CAPTURE(seed);
      const scoring::StageScore score = scoreOf(test::figureStage({.seed = seed}), 960);
      CHECK(score.label_correct >= 0.995);
      CHECK(score.swaps_over_100ms == 0);
      CHECK(score.joint_error_mm.mean < 10.0);
      CHECK(score.recall >= 0.99);
      CHECK(score.diverged == 0);
      CHECK(score.untracked == 0);
    }
  }

  TEST_CASE("a recorded human performance is held") {
    const std::filesystem::path file = "/usr/share/assimp/models/BVH/01_01.bvh";
    if (!std::filesystem::exists(file)) {
      MESSAGE("SKIPPED: " << file << " is not installed (package assimp-testmodels)");
      return;
    }
    auto loaded = asset::loadClip(file);
    REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message));
    // The first frame is a T-pose from which the motion jumps.
    anim::Clip& clip = loaded->clip;
    clip.parent_from_joint.erase(
        clip.parent_from_joint.begin(),
        clip.parent_from_joint.begin() + static_cast<std::ptrdiff_t>(clip.skeleton.size()));
    --clip.frames;
    source::ClipMotion motion{.clip = clip, .humanoid = anim::recogniseHumanoid(clip.skeleton)};
    std::vector<source::PerformerMotion> motions{motion};
    auto stage = source::SimulatedStage::create({}, std::move(motions), test::bodySet(),
                                                camera::makeRingRig(16, 1, 240));
    REQUIRE_MESSAGE(stage, (stage ? "" : stage.error().message));
    const scoring::StageScore score = scoreOf(*std::move(stage), 960);
    CHECK(score.label_correct >= 0.995);
    CHECK(score.swaps_over_100ms == 0);
    CHECK(score.joint_error_mm.mean < 10.0);
    CHECK(score.diverged == 0);
  }

  TEST_CASE("a motion that turns about within a frame keeps its names") {
    // A third of a second, over and over, forwards and backwards.
    std::vector<source::PerformerMotion> motions;
    motions.emplace_back(test::figureMotion(40));
    auto stage = source::SimulatedStage::create({}, std::move(motions), test::bodySet(),
                                                camera::makeRingRig(16, 1, 240));
    REQUIRE_MESSAGE(stage, (stage ? "" : stage.error().message));
    const scoring::StageScore score = scoreOf(*std::move(stage), 480);
    CHECK(score.label_correct >= 0.995);
    CHECK(score.swaps_over_100ms == 0);
    CHECK(score.untracked == 0);
  }

  TEST_CASE("two performers are both held") {
    const scoring::StageScore score = scoreOf(test::figureStage({.actors = 2}), 480);
    CHECK(score.boot_frame == 0);
    CHECK(score.label_correct >= 0.995);
    CHECK(score.swaps_over_100ms == 0);
    CHECK(score.joint_error_mm.mean < 10.0);
  }

  TEST_CASE("the same seed gives the same poses, another seed others") {
    const std::uint64_t hash = hashOf({});
    CHECK(hashOf({}) == hash);
    CHECK(hashOf({.seed = 2}) != hash);
  }

  TEST_CASE("the order of packets within a frame does not change a byte") {
    CHECK(hashOf({.shuffle_packets = true}) == hashOf({}));
    CHECK(hashOf({.arrival_window_us = 0}) == hashOf({}));
  }

  TEST_CASE("baseline and x86-64-v3 kernels give the same bytes") {
    if (!__builtin_cpu_supports("avx2")) {
      MESSAGE("SKIPPED: this processor has no AVX2");
      return;
    }
    for (const std::uint64_t seed : {1, 5}) {
      const source::StageSettings stage{.actors = 2, .seed = seed};
      CHECK(hashOf(stage, {.kernels = pipeline::KernelChoice::v3}) ==
            hashOf(stage, {.kernels = pipeline::KernelChoice::baseline}));
    }
  }

  TEST_CASE("a camera that falls silent and comes back is reported, once each") {
    source::SimulatedStage stage = test::figureStage({});
    test::StageFeed feed{.stage = stage};
    const auto path = test::makePath(stage);
    int lost = -1, back = -1, events = 0;
    for (int f = 0; f < 260; ++f) {
      feed.simulate();
      feed.makePackets();
      const bool silent = f >= 60 && f < 200;
      for (const source::TimedPacket& packet : feed.packets.packets) {
        if (packet.camera != 3 || !silent) {
          path->packet(feed.packets.datagram(packet), core::Time(packet.departure));
        }
      }
      // While the camera is waited for, its frames are incomplete.
      if (lost < 0) CHECK(path->complete() == !silent);
      if (lost >= 0) CHECK(path->complete());
      test::closeFrame(*path);
      if (happened(*path, frame::CaptureEventKind::camera_lost, 3)) lost = f;
      if (happened(*path, frame::CaptureEventKind::camera_back, 3)) back = f;
      events += static_cast<int>(path->result().events.size());
      path->prepareNext();
    }
    CHECK(lost == 60 + 48 - 1);
    CHECK(back == 200);
    CHECK(events == 3);  // And the subject that was found.
    CHECK(path->counters().lost == 48);
    CHECK(path->counters().incomplete_frames == 48);
    CHECK(path->result().poses[0].tracked);
  }

  TEST_CASE(
      "frames without a packet are empty, the subject is lost after half a second and found") {
    source::SimulatedStage stage = test::figureStage({});
    test::StageFeed feed{.stage = stage};
    const auto path =
        test::makePath(stage, {.presence = {.hold_seconds = 0.1, .fade_seconds = 0.5}});
    int lost = -1, found = -1;
    std::vector<float> presence;
    for (int f = 0; f < 360; ++f) {
      feed.simulate();
      feed.makePackets();
      const bool silent = f >= 60 && f < 240;
      if (!silent) feed.give(*path);
      test::closeFrame(*path);
      CHECK(path->result().empty == silent);
      CHECK(path->result().stamp.sequence == std::uint64_t(f));
      presence.push_back(path->result().poses[0].presence);
      if (happened(*path, frame::CaptureEventKind::subject_lost, 0)) lost = f;
      if (f > 0 && happened(*path, frame::CaptureEventKind::subject_found, 0)) found = f;
      path->prepareNext();
    }
    CHECK(path->counters().empty_frames == 180);
    // Held for 24 frames, then faded: not yet gone when it was found again.
    CHECK(presence[static_cast<std::size_t>(lost) - 1] == 1.0f);
    CHECK(presence[static_cast<std::size_t>(lost) + 22] == 1.0f);
    CHECK(presence[static_cast<std::size_t>(lost) + 26] < 1.0f);
    CHECK(std::is_sorted(presence.begin() + lost, presence.begin() + 239, std::greater<>()));
    CHECK(presence.back() == 1.0f);
    CHECK(lost >= 60 + 118);
    CHECK(lost <= 60 + 123);
    CHECK(found >= 240);
    CHECK(found <= 252);
    CHECK(path->result().poses[0].tracked);
  }

  TEST_CASE("cameras that begin to count anew are followed, forwards and backwards") {
    source::SimulatedStage stage = test::figureStage({});
    test::StageFeed feed{.stage = stage};
    const auto path = test::makePath(stage);
    int lost = 0;
    std::uint64_t sequence = 0;
    const auto run = [&](std::uint64_t first, int frames, std::uint32_t silent_camera) {
      for (int f = 0; f < frames; ++f) {
        feed.simulate();
        sequence = feed.frame.stamp.sequence = first + std::uint64_t(f);
        feed.makePackets();
        for (const source::TimedPacket& packet : feed.packets.packets) {
          if (packet.camera == silent_camera) continue;
          path->packet(feed.packets.datagram(packet), core::Time(packet.departure));
        }
        // The deadline of whatever is open passes before the next frame comes.
        while (path->deadline() != core::Time::max()) {
          test::closeFrame(*path);
          for (const frame::CaptureEvent& event : path->result().events) {
            lost += event.kind == frame::CaptureEventKind::camera_lost;
          }
          path->prepareNext();
        }
      }
    };
    constexpr std::uint32_t kNone = 99;
    run(0, 60, kNone);
    for (const std::uint64_t first : {1000000u, 5000u}) {
      const std::uint64_t resyncs = path->counters().resyncs;
      run(first, 60, kNone);
      CHECK(path->counters().resyncs == resyncs + 1);
      CHECK(path->result().stamp.sequence == sequence);
      CHECK(path->result().poses[0].tracked);
      CHECK(lost == 0);
    }
    // A camera that falls silent after the jump back is still noticed.
    run(5060, 60, 4);
    CHECK(lost == 1);
  }

  TEST_CASE("a subject is looked for after cameras began to count anew") {
    // First a giant whom the path does not know, then the figure, under lower numbers.
    source::ClipMotion giant = test::figureMotion();
    for (auto& joint : giant.clip.skeleton.parent_from_joint) joint.translation *= 1.3f;
    for (auto& joint : giant.clip.parent_from_joint) joint.translation *= 1.3f;
    std::vector<source::PerformerMotion> motions{giant};
    auto giant_stage = source::SimulatedStage::create({}, std::move(motions), test::bodySet(),
                                                      camera::makeRingRig(16, 1, 240));
    REQUIRE(giant_stage);
    source::SimulatedStage stage = test::figureStage({});
    test::StageFeed giant_feed{.stage = *giant_stage}, feed{.stage = stage};
    const auto path = test::makePath(stage);
    for (int f = 0; f < 60; ++f) {
      test::StageFeed& now = f < 30 ? giant_feed : feed;
      now.simulate();
      if (f < 30) now.frame.stamp.sequence += 1000000;
      now.makePackets();
      now.give(*path);
      while (path->deadline() != core::Time::max()) {
        test::closeFrame(*path);
        path->prepareNext();
      }
      if (f < 30) CHECK_FALSE(path->result().poses[0].tracked);
      if (f < 30) CHECK(path->result().labels.unlabelled.size() > 40);
    }
    CHECK(path->counters().resyncs == 1);
    CHECK(path->result().poses[0].tracked);
  }

  TEST_CASE(
      "nothing is allocated after warm-up, also while subjects and limbs are lost and found") {
    source::SimulatedStage stage = test::figureStage({.actors = 2});
    test::StageFeed feed{.stage = stage};
    const auto path = test::makePath(stage);
    // The markers of the right arm, to be hidden together.
    std::vector<std::uint8_t> arm;
    for (const subject::SubjectMarker& marker : stage.subjects()[0].markers) {
      const int joint = marker.joint;
      const anim::HumanoidMap& map = stage.subjects()[0].humanoid;
      arm.push_back(joint == map[anim::HumanoidJoint::right_upper_arm] ||
                    joint == map[anim::HumanoidJoint::right_lower_arm] ||
                    joint == map[anim::HumanoidJoint::right_hand]);
    }
    REQUIRE(std::count(arm.begin(), arm.end(), 1) >= 6);
    std::uint64_t allocations = 0;
    int lost = 0, found = 0;
    for (int f = 0; f < 1200; ++f) {
      feed.simulate();
      const bool no_arm = f >= 300 && f < 420, nobody = f >= 600 && f < 800;
      if (no_arm || nobody) {
        test::hideMarkers(feed.frame, [&](int performer, int marker) {
          return performer == 0 && (nobody || arm[std::size_t(marker)]);
        });
      }
      feed.makePackets();
      const std::uint64_t before = test::allocationCount();
      if (f % 100 != 99) feed.give(*path);
      test::closeFrame(*path);
      path->prepareNext();
      if (f >= 120) allocations += test::allocationCount() - before;
      if (f < 120) continue;
      lost += happened(*path, frame::CaptureEventKind::subject_lost, 0);
      found += happened(*path, frame::CaptureEventKind::subject_found, 0);
      if (f == 419) {  // The arm has been out of sight for half a second.
        for (std::size_t m = 0; m < arm.size(); ++m) {
          if (arm[m]) CHECK(path->result().labels.subjects[0].markers[m].confidence == 0.0f);
        }
      }
      if (f == 500) {
        std::size_t seen = 0;
        for (const auto& slot : path->result().labels.subjects[0].markers) {
          seen += slot.confidence > 0.0f;
        }
        CHECK(seen > arm.size() - 5);
      }
    }
    CHECK(allocations == 0);
    CHECK(lost == 1);
    CHECK(found == 1);
  }

  TEST_CASE(
      "contradictory subjects, empty rigs and settings out of range are refused in one line") {
    source::SimulatedStage stage = test::figureStage({});
    const auto errorOf = [&](auto change) {
      pipeline::PipelineSettings settings;
      camera::Rig rig = stage.knownRig();
      std::vector<subject::Subject> subjects = stage.subjects();
      change(settings, rig, subjects[0]);
      const auto path = pipeline::CapturePath::create(settings, rig, subjects);
      return path ? std::string() : path.error().message;
    };
    using Settings = pipeline::PipelineSettings;
    using Rig = camera::Rig;
    using Subject = subject::Subject;
    CHECK(errorOf([](Settings&, Rig&, Subject&) {}).empty());
    CHECK(errorOf([](Settings&, Rig& r, Subject&) { r.cameras.clear(); }).find("0 cameras") !=
          std::string::npos);
    CHECK_FALSE(errorOf([](Settings&, Rig& r, Subject&) { r.rate_hz = 0; }).empty());
    CHECK_FALSE(errorOf([](Settings& s, Rig&, Subject&) { s.solve.iterations = -1; }).empty());
    CHECK_FALSE(errorOf([](Settings& s, Rig&, Subject&) { s.recover_every = 0; }).empty());
    CHECK_FALSE(errorOf([](Settings&, Rig&, Subject& s) { s.skeleton = {}; }).empty());
    CHECK_FALSE(errorOf([](Settings&, Rig&, Subject& s) { s.joints.pop_back(); }).empty());
    CHECK_FALSE(errorOf([](Settings&, Rig&, Subject& s) { s.markers[0].joint = 99; }).empty());
    CHECK_FALSE(errorOf([](Settings&, Rig&, Subject& s) { s.skeleton.parents[3] = 9; }).empty());
  }

  TEST_CASE("who leaves is lost after half a second, and found at once on coming back") {
    source::SimulatedStage stage = test::figureStage({.actors = 2});
    test::StageFeed feed{.stage = stage};
    const auto path = test::makePath(stage);
    const auto run = [&](int frames, bool is_second_away) {
      for (int f = 0; f < frames; ++f) {
        feed.simulate();
        if (is_second_away) {
          test::hideMarkers(feed.frame, [](int performer, int) { return performer == 1; });
        }
        feed.makePackets();
        feed.give(*path);
        test::closeFrame(*path);
        path->prepareNext();
      }
    };
    run(24, false);
    REQUIRE(path->result().poses[0].tracked);
    REQUIRE(path->result().poses[1].tracked);
    run(110, true);
    CHECK(path->result().poses[1].tracked);
    run(60, true);
    CHECK_FALSE(path->result().poses[1].tracked);
    CHECK(path->result().poses[0].tracked);
    run(24, false);  // A tenth of a second.
    CHECK(path->result().poses[1].tracked);
    CHECK(path->result().poses[0].tracked);
    std::size_t named = 0;
    for (const frame::LabelledMarker& marker : path->result().labels.subjects[1].markers) {
      named += marker.confidence > 0.0f;
    }
    CHECK(named >= 45);
  }
}
