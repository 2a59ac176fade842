#include "capture/subject/static_fit.h"

#include <cmath>
#include <random>

#include "capture/file/marker_file.h"
#include "capture/solve/refine_subject.h"
#include "capture/subject/subject_file.h"
#include "engine/anim/kinematics.h"
#include "engine/anim/retarget.h"
#include "tests/support/capture.h"
#include "tests/support/marker_clips.h"
#include "tests/support/shared_data.h"
#include "tests/support/text.h"

using namespace understudy;
using anim::HumanoidJoint;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

subject::StaticFit fit(const file::MarkerClip& clip, const subject::LandmarkNames& names) {
  auto result = subject::fitSubject(clip, {.names = names});
  REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
  const auto sound = subject::check(result->subject, "fit");
  CHECK_MESSAGE(sound, (sound ? "" : sound.error().message));
  CHECK(result->subject.markers.size() == clip.names.size());
  CHECK_FALSE(result->warnings.empty());
  return *std::move(result);
}

std::string errorOf(const file::MarkerClip& clip) {
  return test::errorOf(subject::fitSubject(clip, {.names = test::landmarkNames()}));
}

// How long a bone is, from one part to another.
float boneLength(const subject::Subject& subject, HumanoidJoint part) {
  return glm::length(
      subject.skeleton.parent_from_joint[static_cast<std::size_t>(subject.humanoid[part])]
          .translation);
}

// Two boxes of four markers on a hinge at `hinge`, and a marker that goes its own way.
file::MarkerClip hingedBoxes(const glm::vec3& hinge, std::size_t frames) {
  file::MarkerClip clip = test::emptyClip(9, frames);
  const glm::vec3 corners[] = {
      {0.0f, 0.0f, 0.0f}, {0.1f, 0.0f, 0.02f}, {0.0f, 0.12f, 0.0f}, {0.03f, 0.02f, 0.14f}};
  for (std::size_t f = 0; f < frames; ++f) {
    const float t = static_cast<float>(f) * 0.1f;
    const glm::quat whole = glm::angleAxis(0.3f * std::sin(t), glm::vec3(0, 1, 0));
    const glm::quat bend = glm::angleAxis(std::sin(1.3f * t), glm::vec3(0, 0, 1)) *
                           glm::angleAxis(0.6f * std::sin(0.7f * t), glm::vec3(1, 0, 0));
    for (std::size_t c = 0; c < 4; ++c) {
      const glm::vec3 lower = corners[c] - glm::vec3(0.25f, 0.0f, 0.0f);
      const glm::vec3 upper = hinge + bend * (corners[c] + glm::vec3(0.15f, 0.05f, 0.0f) - hinge);
      clip.positions[9 * f + c] = whole * lower + glm::vec3(0, 1, 0);
      clip.positions[9 * f + 4 + c] = whole * upper + glm::vec3(0, 1, 0);
    }
    clip.positions[9 * f + 8] = glm::vec3(0.5f * std::cos(t), 0.2f, 0.9f);
  }
  return clip;
}

struct LabelScore {
  std::size_t seen = 0, right = 0, longest_swap = 0;
};

// The recording before the simulated stage, from packets to names.
LabelScore scoreLabels(const file::MarkerClip& clip, const subject::Subject& subject,
                       std::size_t frames) {
  std::vector<source::PerformerMotion> motions;
  motions.emplace_back(source::MarkerMotion{clip});
  auto stage = source::SimulatedStage::create({}, std::move(motions), test::bodySet(),
                                              camera::makeRingRig(16, 1, 240.0));
  REQUIRE(stage);
  auto path = pipeline::CapturePath::create({}, stage->knownRig(), {subject});
  REQUIRE_MESSAGE(path, (path ? "" : path.error().message));
  test::StageFeed feed{*stage};
  LabelScore score;
  std::vector<std::size_t> swapped(clip.names.size(), 0);
  for (std::size_t f = 0; f < frames; ++f) {
    feed.advance(**path);
    test::closeFrame(**path);
    const auto& labelled = (*path)->result().labels.subjects[0].markers;
    const auto& truth = feed.frame.performers[0].markers;
    for (std::size_t m = 0; m < truth.size(); ++m) {
      if (!truth[m].seen_2) continue;
      const bool named = labelled[m].confidence > 0.0f;
      const bool near = glm::distance(labelled[m].position, truth[m].position) < 0.02f;
      ++score.seen;
      score.right += named && near;
      swapped[m] = named && !near ? swapped[m] + 1 : 0;
      score.longest_swap = std::max(score.longest_swap, swapped[m]);
    }
    (*path)->prepareNext();
  }
  return score;
}

}  // namespace

TEST_SUITE("subject/static_fit") {
  TEST_CASE("a body set gives a humanoid whose joints lie where the figure's are") {
    const test::RecordedFigure figure = test::recordFigure(120);
    const subject::StaticFit body = fit(figure.clip, test::landmarkNames());
    CHECK(body.kind == subject::StaticFitKind::body);
    REQUIRE(anim::isHumanoid(body.subject.humanoid));
    CHECK(anim::isStanding(body.subject.skeleton, body.subject.humanoid));
    using enum HumanoidJoint;
    for (const HumanoidJoint part : {left_lower_leg, right_lower_leg, left_foot, right_foot,
                                     left_lower_arm, right_lower_arm, left_hand, right_hand}) {
      CAPTURE(anim::humanoidName(part));
      CHECK(std::abs(boneLength(body.subject, part) - boneLength(figure.subject, part)) < 0.05f);
    }
  }

  TEST_CASE("markers are glued to the segment that their name says") {
    const test::RecordedFigure figure = test::recordFigure(30);
    const subject::StaticFit body = fit(figure.clip, test::landmarkNames());
    for (std::size_t m = 0; m < figure.clip.names.size(); ++m) {
      CHECK(body.subject.markers[m].name == figure.clip.names[m]);
      const auto joint = static_cast<std::size_t>(body.subject.markers[m].joint);
      if (figure.clip.names[m] == "LKNE")
        CHECK(body.subject.skeleton.names[joint] == "left_upper_leg");
      if (figure.clip.names[m] == "RANK")
        CHECK(body.subject.skeleton.names[joint] == "right_lower_leg");
      if (figure.clip.names[m] == "LFHD") CHECK(body.subject.skeleton.names[joint] == "head");
    }
  }

  TEST_CASE("a prefix that all names share does not hide the set") {
    test::RecordedFigure figure = test::recordFigure(10);
    for (std::string& name : figure.clip.names) name = "Anna_" + name;
    CHECK(fit(figure.clip, test::landmarkNames()).kind == subject::StaticFitKind::body);
  }

  TEST_CASE("a marker that is missing in the chosen frame is put where the others say") {
    const test::RecordedFigure figure = test::recordFigure(60);
    file::MarkerClip gaps = figure.clip;
    const subject::StaticFit whole = fit(figure.clip, test::landmarkNames());
    const std::size_t chest = 5;  // CLAV, on a segment with others.
    for (std::size_t f = 0; f < gaps.frames; ++f) {
      if (f % 10 != 3) gaps.positions[f * gaps.names.size() + chest].x = kNaN;
    }
    const subject::StaticFit filled = fit(gaps, test::landmarkNames());
    CHECK(glm::distance(filled.subject.markers[chest].offset_joint,
                        whole.subject.markers[chest].offset_joint) < 0.02f);
  }

  TEST_CASE("markers with names of no body set go to the segment that they move with") {
    test::RecordedFigure figure = test::recordFigure(120);
    const subject::StaticFit named = fit(figure.clip, test::landmarkNames());
    for (const std::size_t m : {std::size_t{4}, std::size_t{9}}) {  // THD, RBAK
      figure.clip.names[m] = "Extra" + std::to_string(m);
      const subject::StaticFit extra = fit(figure.clip, test::landmarkNames());
      CHECK(extra.subject.markers[m].joint == named.subject.markers[m].joint);
    }
  }

  TEST_CASE("unknown names give segments that turn about their hinge") {
    const glm::vec3 hinge(-0.02f, 0.03f, 0.01f);
    const file::MarkerClip clip = hingedBoxes(hinge, 120);
    const subject::StaticFit parts = fit(clip, test::landmarkNames());
    CHECK(parts.kind == subject::StaticFitKind::segments);
    REQUIRE(parts.subject.skeleton.size() == 3);
    for (std::size_t m = 1; m < 4; ++m) {
      CHECK(parts.subject.markers[m].joint == parts.subject.markers[0].joint);
      CHECK(parts.subject.markers[4 + m].joint == parts.subject.markers[4].joint);
    }
    CHECK(parts.subject.markers[0].joint != parts.subject.markers[4].joint);
    CHECK(parts.subject.markers[8].joint == 2);
    // The hinge keeps its distance to the first box's markers.
    std::vector<math::RigidTransform> world(3);
    anim::worldFromJoints(parts.subject.skeleton, parts.subject.skeleton.parent_from_joint, world);
    const glm::vec3 corner = world[static_cast<std::size_t>(parts.subject.markers[0].joint)] *
                             parts.subject.markers[0].offset_joint;
    CHECK(std::abs(glm::distance(world[1].translation, corner) -
                   glm::distance(hinge, glm::vec3(-0.25f, 0.0f, 0.0f))) < 0.01f);
    for (const int joint : parts.subject.humanoid.joint) CHECK(joint == -1);
  }

  TEST_CASE("hostile recordings give an error or a sound subject") {
    const subject::LandmarkNames names = test::landmarkNames();
    CHECK(errorOf({}).find("no marker to fit") != std::string::npos);
    CHECK(errorOf(test::emptyClip(30, 10)).find("no marker is ever seen") != std::string::npos);
    CHECK(errorOf(test::emptyClip(2000, 3)).find("at most 512") != std::string::npos);
    file::MarkerClip twice = hingedBoxes({}, 3);
    twice.names[3] = twice.names[1];
    CHECK(errorOf(twice).find("\"M1\" is there twice") != std::string::npos);
    file::MarkerClip torn = hingedBoxes({}, 3);
    torn.positions.pop_back();
    CHECK(errorOf(torn).find("do not make") != std::string::npos);
    file::MarkerClip one = test::emptyClip(1, 1);
    one.positions[0] = glm::vec3(1.0f);
    CHECK(fit(one, names).subject.skeleton.size() == 1);
    file::MarkerClip still = hingedBoxes({}, 1);
    fit(still, names);
    file::MarkerClip same = hingedBoxes({}, 20);
    std::fill(same.positions.begin(), same.positions.end(), glm::vec3(0.5f));
    fit(same, names);
    file::MarkerClip wild = hingedBoxes({}, 20);
    for (std::size_t i = 0; i < wild.positions.size(); i += 3) {
      wild.positions[i] = glm::vec3(i % 2 ? 1e30f : -std::numeric_limits<float>::infinity());
    }
    fit(wild, names);
  }

  TEST_CASE("a body's names with nonsense for places still give a sound subject") {
    test::RecordedFigure figure = test::recordFigure(20);
    std::mt19937 random(5);
    std::uniform_real_distribution<float> place(-2.0f, 2.0f);
    for (glm::vec3& p : figure.clip.positions) {
      p = random() % 5 == 0 ? glm::vec3(kNaN) : glm::vec3(place(random), place(random), 0.0f);
    }
    subject::StaticFit body = fit(figure.clip, test::landmarkNames());
    solve::refineSubject(figure.clip, {}, body.subject);
    CHECK(subject::check(body.subject, "refined"));
    std::fill(figure.clip.positions.begin(), figure.clip.positions.end(), glm::vec3(1.0f));
    body = fit(figure.clip, test::landmarkNames());
    solve::refineSubject(figure.clip, {}, body.subject);
    CHECK(subject::check(body.subject, "refined"));
  }

  TEST_CASE("settings out of range are named") {
    const auto bad = subject::fitSubject(hingedBoxes({}, 3), {.rigid = -1.0});
    REQUIRE_FALSE(bad);
    CHECK(bad.error().message == "static fit settings: rigid must be > 0 and < 1 m");
  }

  TEST_CASE("recordings by others are captured by the subject that is fitted to them") {
    struct Known {
      const char* path;
      subject::StaticFitKind kind;
    };
    using enum subject::StaticFitKind;
    for (const Known& known : {Known{"c3d/nimble/data/c3d/cmu_02_05.c3d", body},
                               Known{"c3d/btk/PiG/PiG_Motion-FlatFoot-Hole.c3d", body},
                               Known{"c3d/btk/others/mocap36.c3d", segments}}) {
      const auto path = test::sharedData(known.path);
      if (!path) continue;
      CAPTURE(known.path);
      const auto clip = file::loadMarkerClip(*path);
      REQUIRE(clip);
      subject::StaticFit result = fit(*clip, test::landmarkNames());
      CHECK(result.kind == known.kind);
      solve::refineSubject(*clip, {}, result.subject);
      const LabelScore score = scoreLabels(*clip, result.subject, 480);
      CHECK(static_cast<double>(score.right) >= 0.995 * static_cast<double>(score.seen));
      CHECK(score.longest_swap <= 24);
    }
  }
}
