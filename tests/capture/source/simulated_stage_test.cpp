#include "capture/source/simulated_stage.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "capture/source/performer.h"
#include "engine/anim/kinematics.h"
#include "tests/support/allocations.h"
#include "tests/support/stage.h"

using namespace understudy;
using source::SimulatedStage;
using source::StageFrame;
using source::StageSettings;

namespace {

bool same(const StageFrame& a, const StageFrame& b) {
  if (!(a.stamp == b.stamp)) return false;
  for (std::size_t c = 0; c < a.cameras.size(); ++c) {
    const auto &x = a.cameras[c].centroids, &y = b.cameras[c].centroids;
    if (x.size() != y.size()) return false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i].x_px != y[i].x_px || x[i].y_px != y[i].y_px || x[i].radius_px != y[i].radius_px ||
          x[i].elongation != y[i].elongation) {
        return false;
      }
    }
  }
  return true;
}

file::MarkerClip threeMarkers() {
  file::MarkerClip clip{
      .names = {"A", "B", "C"}, .rate_hz = 100.0, .frames = 50, .positions = {}, .warnings = {}};
  for (std::size_t f = 0; f < clip.frames; ++f) {
    const float x = 0.01f * static_cast<float>(f);
    clip.positions.push_back({x, 0.1f, 0.0f});
    clip.positions.push_back({x, 1.3f, 0.1f});
    clip.positions.push_back(f >= 20 && f < 30 ? glm::vec3(std::numeric_limits<float>::quiet_NaN())
                                               : glm::vec3(x, 1.6f, -0.2f));
  }
  return clip;
}

core::Result<SimulatedStage> markerStage(file::MarkerClip clip, StageSettings settings) {
  std::vector<source::PerformerMotion> motions;
  motions.emplace_back(source::MarkerMotion{std::move(clip)});
  return SimulatedStage::create(settings, std::move(motions), test::bodySet(),
                                camera::makeRingRig(8, 1, 100.0));
}

}  // namespace

TEST_SUITE("source/simulated_stage") {
  TEST_CASE("without any error every centroid is its marker's projection to the protocol's step") {
    SimulatedStage stage = test::figureStage(test::perfectSettings());
    StageFrame frame = stage.makeFrame();
    std::size_t compared = 0;
    for (int i = 0; i < 20; ++i) {
      stage.simulate(frame);
      for (std::size_t c = 0; c < frame.cameras.size(); ++c) {
        for (std::size_t k = 0; k < frame.cameras[c].centroids.size(); ++k) {
          const source::CentroidTruth& truth = frame.centroid_truth[c][k];
          REQUIRE(truth.performer == 0);
          const auto& marker = frame.performers[0].markers[static_cast<std::size_t>(truth.marker)];
          const glm::dvec2 exact =
              camera::project(stage.trueRig().cameras[c], glm::dvec3(marker.position));
          const frame::Centroid& seen = frame.cameras[c].centroids[k];
          CHECK(std::abs(seen.x_px - exact.x) < 0.0006);
          CHECK(std::abs(seen.y_px - exact.y) < 0.0006);
          ++compared;
        }
      }
      for (const auto& marker : frame.performers[0].markers) CHECK(marker.views > 10);
    }
    CHECK(compared > 20 * 53 * 10);
  }

  TEST_CASE("the true subject explains the markers exactly where the skin does not slide") {
    SimulatedStage stage = test::figureStage(test::perfectSettings());
    const subject::Subject& subject = stage.subjects()[0];
    REQUIRE(subject.markers.size() == 53);
    StageFrame frame = stage.makeFrame();
    for (int i = 0; i < 50; ++i) {
      stage.simulate(frame);
      const source::PerformerTruth& truth = frame.performers[0];
      for (std::size_t m = 0; m < 53; ++m) {
        const auto joint = static_cast<std::size_t>(subject.markers[m].joint);
        const glm::vec3 expected = truth.world_from_joint[joint] * subject.markers[m].offset_joint;
        CHECK(glm::distance(expected, truth.markers[m].position) < 1e-5f);
      }
      // The clip's own bones: joints are where forward kinematics of the subject puts them.
      for (std::size_t j = 1; j < subject.skeleton.size(); ++j) {
        const auto parent = static_cast<std::size_t>(subject.skeleton.parents[j]);
        const glm::vec3 expected =
            truth.world_from_joint[parent] * subject.skeleton.parent_from_joint[j].translation;
        CHECK(glm::distance(expected, truth.world_from_joint[j].translation) < 1e-5f);
      }
    }
  }

  TEST_CASE("hips that move under a resting root are led by the root in the subject") {
    // The figure's hips hang under a root that never moves, as some recorders write it.
    source::ClipMotion motion = test::figureMotion(240);
    anim::Clip& clip = motion.clip;
    anim::Clip rooted = clip;
    rooted.skeleton.names.insert(rooted.skeleton.names.begin(), "reference");
    rooted.skeleton.parents.insert(rooted.skeleton.parents.begin(), anim::kNoParent);
    for (std::size_t j = 1; j < rooted.skeleton.size(); ++j) ++rooted.skeleton.parents[j];
    rooted.skeleton.parent_from_joint.insert(rooted.skeleton.parent_from_joint.begin(),
                                             math::RigidTransform{});
    rooted.parent_from_joint.clear();
    const std::size_t joints = clip.skeleton.size();
    for (std::size_t f = 0; f < clip.frames; ++f) {
      rooted.parent_from_joint.emplace_back();
      for (std::size_t j = 0; j < joints; ++j) {
        rooted.parent_from_joint.push_back(clip.parent_from_joint[f * joints + j]);
      }
    }
    motion.clip = rooted;
    motion.humanoid = anim::recogniseHumanoid(rooted.skeleton);
    std::vector<source::PerformerMotion> motions;
    motions.emplace_back(motion);
    auto stage = SimulatedStage::create(test::perfectSettings(), std::move(motions),
                                        test::bodySet(), camera::makeRingRig(8, 1, 240.0));
    REQUIRE_MESSAGE(stage, (stage ? "" : stage.error().message));
    const subject::Subject& subject = stage->subjects()[0];
    CHECK(subject.joints[0].motion == subject::JointMotion::free);
    CHECK(subject.joints[1].motion == subject::JointMotion::fixed);
    CHECK(subject.joints[2].motion == subject::JointMotion::ball);
    CHECK(subject.skeleton.parent_from_joint[1].translation == glm::vec3(0.0f));
    CHECK(stage->warnings().size() == 1);
  }

  TEST_CASE("skin slides by what was asked for, about the marker's offset") {
    StageSettings settings = test::perfectSettings();
    settings.soft_tissue_mm = 3.0;
    SimulatedStage stage = test::figureStage(settings);
    const subject::Subject& subject = stage.subjects()[0];
    StageFrame frame = stage.makeFrame();
    double squares = 0, count = 0, largest_step = 0;
    std::vector<glm::vec3> mean(53, glm::vec3(0.0f)), before(53);
    constexpr int kFrames = 1900;  // The clip forwards and backwards.
    for (int i = 0; i < kFrames; ++i) {
      stage.simulate(frame);
      const source::PerformerTruth& truth = frame.performers[0];
      for (std::size_t m = 0; m < 53; ++m) {
        const auto joint = static_cast<std::size_t>(subject.markers[m].joint);
        const glm::vec3 slide = inverse(truth.world_from_joint[joint]) * truth.markers[m].position -
                                subject.markers[m].offset_joint;
        squares += glm::dot(slide, slide);
        count += 1;
        mean[m] += slide / static_cast<float>(kFrames);
        if (i > 0) {
          largest_step = std::max(largest_step, double(glm::distance(slide, before[m])));
        }
        before[m] = slide;
      }
    }
    CHECK(1000.0 * std::sqrt(squares / count) == doctest::Approx(3.0).epsilon(0.2));
    for (const glm::vec3& m : mean) CHECK(glm::length(m) < 0.001f);
    CHECK(largest_step < 0.0015);  // Slow: at 240 Hz a step is far below the slide.
  }

  TEST_CASE("the same seed gives the same frames, another seed others") {
    const StageSettings settings{.actors = 2};
    SimulatedStage a = test::figureStage(settings), b = test::figureStage(settings);
    StageSettings other_settings = settings;
    other_settings.seed = 2;
    SimulatedStage c = test::figureStage(other_settings);
    StageFrame fa = a.makeFrame(), fb = b.makeFrame(), fc = c.makeFrame();
    bool different = false;
    for (int i = 0; i < 100; ++i) {
      a.simulate(fa);
      b.simulate(fb);
      c.simulate(fc);
      CHECK(same(fa, fb));
      different |= !same(fa, fc);
    }
    CHECK(different);
  }

  TEST_CASE("after the first frame nothing is allocated") {
    SimulatedStage stage = test::figureStage({.actors = 2});
    StageFrame frame = stage.makeFrame();
    stage.simulate(frame);
    const std::uint64_t before = test::allocationCount();
    for (int i = 0; i < 300; ++i) stage.simulate(frame);
    CHECK(test::allocationCount() == before);
  }

  TEST_CASE("bodies hide markers, and a marker faces some cameras and not others") {
    SimulatedStage stage = test::figureStage({.gaps = 0});
    StageFrame frame = stage.makeFrame();
    for (int i = 0; i < 400; ++i) stage.simulate(frame);
    const source::StageStatistics s = stage.statistics();
    const double hidden = double(s.hidden_by_body) / double(s.marker_views);
    CHECK(hidden > 0.2);
    CHECK(hidden < 0.6);
    // Sixteen cameras see nearly every marker nearly always.
    CHECK(double(s.unseen) / double(s.marker_frames) < 0.03);
    CHECK(double(s.false_blobs) / double(s.blobs) == doctest::Approx(0.02).epsilon(0.4));
    CHECK(s.merged > 0);
  }

  TEST_CASE("marks of views are those of the centroids") {
    SimulatedStage stage = test::figureStage({.actors = 3, .spacing = 0.8});
    StageFrame frame = stage.makeFrame();
    for (int i = 0; i < 60; ++i) {
      stage.simulate(frame);
      std::vector<std::vector<int>> views(3, std::vector<int>(53, 0));
      for (const auto& camera : frame.centroid_truth) {
        for (const source::CentroidTruth& truth : camera) {
          if (truth.performer < 0 || truth.merged) continue;
          ++views[static_cast<std::size_t>(truth.performer)]
                 [static_cast<std::size_t>(truth.marker)];
        }
      }
      for (std::size_t p = 0; p < 3; ++p) {
        for (std::size_t m = 0; m < 53; ++m) {
          const source::MarkerTruth& marker = frame.performers[p].markers[m];
          CHECK(marker.views == views[p][m]);
          CHECK(marker.seen_3 == (marker.views >= 3));
          if (marker.seen_2) CHECK(marker.views >= 2);
          if (marker.dropped) CHECK(marker.views + marker.merged_views == 0);
        }
      }
    }
  }

  TEST_CASE("feet stand on the floor and performers stand apart in the rig's middle") {
    SimulatedStage stage = test::figureStage({.actors = 4, .spacing = 2.0});
    StageFrame frame = stage.makeFrame();
    std::vector<glm::vec3> middle(4, glm::vec3(0.0f));
    float lowest = 1e9f;
    for (int i = 0; i < 480; ++i) {
      stage.simulate(frame);
      for (std::size_t p = 0; p < 4; ++p) {
        middle[p] += frame.performers[p].world_from_joint[0].translation / 480.0f;
        for (const auto& joint : frame.performers[p].world_from_joint) {
          lowest = std::min(lowest, joint.translation.y);
        }
      }
    }
    CHECK(lowest > -0.01f);
    CHECK(lowest < 0.06f);
    glm::vec3 all{0.0f};
    for (std::size_t p = 0; p < 4; ++p) {
      all += middle[p] / 4.0f;
      for (std::size_t q = 0; q < p; ++q) CHECK(glm::distance(middle[p], middle[q]) > 1.4f);
    }
    CHECK(std::hypot(all.x, all.z) < 0.3f);
  }

  TEST_CASE("performers of the same motion are told apart by their markers' places") {
    SimulatedStage stage = test::figureStage({.actors = 2});
    double squares = 0;
    for (std::size_t m = 0; m < 53; ++m) {
      const glm::vec3 d =
          stage.subjects()[0].markers[m].offset_joint - stage.subjects()[1].markers[m].offset_joint;
      squares += glm::dot(d, d) / 53.0;
    }
    const double rms_mm = 1000.0 * std::sqrt(squares);
    CHECK(rms_mm > 8.0);
    CHECK(rms_mm < 30.0);
  }

  TEST_CASE("a still performer keeps the first pose") {
    SimulatedStage stage = test::figureStage({.still = true, .gaps = 0});
    StageFrame frame = stage.makeFrame();
    stage.simulate(frame);
    const source::PerformerTruth first = frame.performers[0];
    for (int i = 0; i < 30; ++i) stage.simulate(frame);
    for (std::size_t m = 0; m < 53; ++m) {
      CHECK(frame.performers[0].markers[m].position == first.markers[m].position);
    }
  }

  TEST_CASE("a bump moves one camera's image from its second on") {
    StageSettings settings = test::perfectSettings();
    settings.bumps = {{.camera = 2, .second = 0.1, .shift_px = 3.0}};
    SimulatedStage bumped = test::figureStage(settings, 8);
    SimulatedStage calm = test::figureStage(test::perfectSettings(), 8);
    StageFrame a = bumped.makeFrame(), b = calm.makeFrame();
    for (int i = 0; i < 40; ++i) {
      bumped.simulate(a);
      calm.simulate(b);
      CHECK(same(a, b) == (i < 24));
    }
    CHECK(a.cameras[1].centroids[0].x_px == b.cameras[1].centroids[0].x_px);
  }

  TEST_CASE("a clip plays backwards past its end") {
    CHECK(source::pingPong(0.3, 2.0) == doctest::Approx(0.3));
    CHECK(source::pingPong(2.5, 2.0) == doctest::Approx(1.5));
    CHECK(source::pingPong(4.5, 2.0) == doctest::Approx(0.5));
    CHECK(source::pingPong(7.0, 0.0) == 0.0);
  }

  TEST_CASE("markers of a file are the truth, and its gaps stay gaps") {
    StageSettings settings = test::perfectSettings();
    auto stage = markerStage(threeMarkers(), settings);
    REQUIRE_MESSAGE(stage, (stage ? "" : stage.error().message));
    CHECK(stage->isMarkerFile(0));
    CHECK(stage->subjects()[0].markers[2].name == "C");
    CHECK_FALSE(stage->warnings().empty());
    StageFrame frame = stage->makeFrame();
    for (int i = 0; i < 50; ++i) {
      stage->simulate(frame);
      const auto& markers = frame.performers[0].markers;
      CHECK(markers[0].position.y == doctest::Approx(0.1f));
      CHECK(markers[2].dropped == (i >= 20 && i < 30));
      CHECK(std::isnan(markers[2].position.x) == (i >= 20 && i < 30));
      CHECK(markers[0].views == 8);
    }
  }

  TEST_CASE("a marker file at another rate is resampled smoothly") {
    file::MarkerClip clip{
        .names = {"A"}, .rate_hz = 50.0, .frames = 100, .positions = {}, .warnings = {}};
    for (int f = 0; f < 100; ++f) {
      clip.positions.push_back({0.3f * std::sin(0.1f * static_cast<float>(f)), 1.0f, 0.0f});
    }
    auto stage = markerStage(clip, test::perfectSettings());
    REQUIRE(stage);
    StageFrame frame = stage->makeFrame();
    float before = 0;
    for (int i = 0; i < 190; ++i) {
      stage->simulate(frame);
      const float x = frame.performers[0].markers[0].position.x;
      const float wanted = 0.3f * std::sin(0.05f * static_cast<float>(i));
      if (i == 0) before = x - wanted;  // The motion is moved to the middle.
      CHECK(x - before == doctest::Approx(wanted).epsilon(0.001));
    }
  }

  TEST_CASE("what cannot be staged is refused in one line") {
    const auto error = [](std::vector<source::PerformerMotion> motions, const StageSettings& s,
                          const camera::Rig& rig) -> std::string {
      auto stage = SimulatedStage::create(s, std::move(motions), test::bodySet(), rig);
      return stage ? "no error" : stage.error().message;
    };
    const camera::Rig rig = camera::makeRingRig(4, 1, 240.0);
    const auto motions = [] { return std::vector<source::PerformerMotion>{test::figureMotion(2)}; };
    const StageSettings plain{};
    CHECK(error(motions(), plain, rig) == "no error");
    CHECK(error({}, plain, rig).find("no motion") != std::string::npos);
    CHECK(error(motions(), plain, camera::Rig{}).find("camera") != std::string::npos);
    StageSettings bad = plain;
    bad.noise_px = std::numeric_limits<double>::quiet_NaN();
    CHECK(error(motions(), bad, rig).find("noise-px") != std::string::npos);
    bad = plain;
    bad.actors = 0;
    CHECK(error(motions(), bad, rig).find("actors") != std::string::npos);
    bad = plain;
    bad.bumps = {{.camera = 9, .second = 0, .shift_px = 1}};
    CHECK(error(motions(), bad, rig).find("cameras 0 to 3") != std::string::npos);
    std::vector<source::PerformerMotion> empty = motions();
    std::get<source::ClipMotion>(empty[0]).clip.frames = 0;
    CHECK(error(std::move(empty), plain, rig).find("no frames") != std::string::npos);
    std::vector<source::PerformerMotion> nan = motions();
    std::get<source::ClipMotion>(nan[0]).clip.parent_from_joint[3].translation.x = NAN;
    CHECK(error(std::move(nan), plain, rig).find("finite") != std::string::npos);
    std::vector<source::PerformerMotion> headless = motions();
    std::get<source::ClipMotion>(headless[0])
        .humanoid.joint[static_cast<std::size_t>(anim::HumanoidJoint::head)] = -1;
    CHECK(error(std::move(headless), plain, rig).find("head") != std::string::npos);
  }
}
