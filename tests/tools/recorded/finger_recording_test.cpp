#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "capture/calibrate/calibrate_subject.h"
#include "capture/file/c3d.h"
#include "capture/subject/fingers.h"
#include "tests/support/finger_body.h"
#include "tests/support/stage.h"
#include "tools/recorded/recorded_subject.h"
#include "tools/recorded/solve_recording.h"

using namespace understudy;

namespace {

// Writes a recording as another program would: millimetres, a label per marker.
std::string writeC3d(const file::MarkerClip& clip, const std::string& name) {
  file::C3dFile c3d{.rate_hz = clip.rate_hz, .frames = clip.frames, .labels = clip.names};
  c3d.units = "mm";
  for (const glm::vec3& place : clip.positions) {
    const bool seen = !std::isnan(place.x);
    c3d.points.push_back(
        {.position = seen ? 1000.0f * place : glm::vec3(0.0f), .residual = seen ? 0.0f : -1.0f});
  }
  const std::string path = (std::filesystem::temp_directory_path() / name).string();
  const core::Result<void> saved = file::saveC3d(c3d, path);
  REQUIRE_MESSAGE(saved, (saved ? "" : saved.error().message));
  return path;
}

std::string setFile(const std::string& name) {
  return std::string(UNDERSTUDY_SOURCE_DIR) + "/assets/markersets/" + name + ".toml";
}

source::SimulatedStage fingerStage(const std::string& set) {
  std::vector<source::PerformerMotion> motions;
  motions.emplace_back(test::figureMotion());
  auto stage = source::SimulatedStage::create({}, std::move(motions), test::assetSet(set),
                                              camera::makeRingRig(8, 1, 240.0));
  REQUIRE(stage);
  return *std::move(stage);
}

// Root mean square distance of the markers of fingers from where the solved pose has them, metres.
double fingerMisfit(const subject::Subject& subject, const file::MarkerClip& clip,
                    const recorded::RecordedMotion& motion) {
  const std::vector<int> columns = recorded::findColumns(subject, clip);
  double squares = 0.0, count = 0.0;
  for (std::size_t f = clip.frames / 10; f < clip.frames; ++f) {
    const std::vector<math::RigidTransformd>& world = motion.world_from_joint[f];
    if (world.empty()) continue;
    for (std::size_t m = subject::bodyMarkerCount(subject); m < subject.markers.size(); ++m) {
      if (columns[m] < 0) continue;
      const glm::vec3& seen = clip.at(f, static_cast<std::size_t>(columns[m]));
      if (std::isnan(seen.x)) continue;
      const glm::dvec3 off =
          subject::markerPlace(subject.markers[m], std::span(world)) - glm::dvec3(seen);
      squares += glm::dot(off, off);
      count += 1.0;
    }
  }
  REQUIRE(count > 1000.0);
  return std::sqrt(squares / count);
}

}  // namespace

TEST_SUITE("recorded/fingers") {
  TEST_CASE("a C3D file with markers on fingers gives a subject with fingers, and their poses") {
    std::string set;
    SUBCASE("ten a hand") { set = "body53_fingers10"; }
    SUBCASE("five a hand") { set = "body53_fingers5"; }
    SUBCASE("three a hand") { set = "body53_fingers3"; }
    const source::SimulatedStage stage = fingerStage(set);
    const std::string path = writeC3d(stage.rehearse(0, 15.0), "understudy_" + set + ".c3d");
    auto read = recorded::readRecordedSubject({.file = path, .marker_set = setFile(set)});
    REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
    auto found = calibrate::calibrateSubject(read->calibration, read->initial, read->settings);
    REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
    for (const subject::Side side : {subject::Side::left, subject::Side::right}) {
      subject::HandJoints joints{};
      REQUIRE(subject::findHand(found->subject, side, joints));
      for (const int joint : joints)
        CHECK(found->subject.joints[static_cast<std::size_t>(joint)].place_sigma > 0.0f);
    }
    const recorded::RecordedMotion motion =
        recorded::solveRecording(found->subject, read->clip, {});
    const double misfit = fingerMisfit(found->subject, read->clip, motion);
    CAPTURE(misfit);
    CHECK(misfit < 0.003);
    std::filesystem::remove(path);
  }

  TEST_CASE("names of fingers in a recording without a set are known, and the set is named") {
    const source::SimulatedStage stage = fingerStage("body53_fingers5");
    const std::string path = writeC3d(stage.rehearse(0, 2.0), "understudy_fingers5.c3d");
    auto read = recorded::readRecordedSubject({.file = path});
    REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
    const auto says = [&](const std::string& text) {
      return std::any_of(
          read->warnings.begin(), read->warnings.end(),
          [&](const std::string& line) { return line.find(text) != std::string::npos; });
    };
    CHECK(says("fingers5"));
    CHECK(says("--markerset"));
    std::filesystem::remove(path);
  }
}
