#include "capture/file/marker_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "capture/file/trc.h"
#include "tests/support/shared_data.h"

using namespace understudy;

namespace {

/// A standing figure of three markers, 1.6 m high, in the given unit, z up.
file::C3dFile standing(double unit_m, const std::string& units) {
  file::C3dFile c3d;
  c3d.rate_hz = 100.0;
  c3d.frames = 2;
  c3d.labels = {"Anna:LFHD", "Anna:CLAV", "Anna:LTOE", "*4", "LKneeAngles"};
  c3d.units = units;
  const float s = static_cast<float>(1.0 / unit_m);
  for (int frame = 0; frame < 2; ++frame) {
    for (const glm::vec3& position :
         {glm::vec3(0.1f, 0, 1.6f), glm::vec3(0.1f, 0.05f, 1.4f), glm::vec3(0.2f, 0, 0.05f),
          glm::vec3(1, 1, 1), glm::vec3(1, 1, 1)}) {
      c3d.points.push_back({position * s, 0.0f, 0});
    }
  }
  c3d.points[5].residual = -1.0f;
  return c3d;
}

const std::string kTrc =
    "PathFileType\t4\t(X/Y/Z)\tstage.trc\r\n"
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\r\n"
    "120.00\t120.00\t3\t2\tm\t120\r\n"
    "Frame#\tTime\tTop.Head\t\t\tL.Toe\t\t\r\n"
    "\t\tX1\tY1\tZ1\tX2\tY2\tZ2\r\n"
    "\r\n"
    "1\t0.000\t0.1\t1.6\t-0.2\t0.1\t0.05\t-2e-1\r\n"
    "2\t0.008\t\t\t\t0.1\t0.05\t-0.2\r\n"
    "3\t0.017\t0.1\t1.6\t-0.2\t NaN\tnan\tNAN\r\n";

}  // namespace

TEST_SUITE("file/marker_file") {
  TEST_CASE("points become markers in metres with y up") {
    for (const auto& [unit_m, units] : {std::pair(0.001, "mm"), std::pair(0.01, "cm"),
                                        std::pair(1.0, "m"), std::pair(0.001, "")}) {
      CAPTURE(units);
      const auto clip = file::makeMarkerClip(standing(unit_m, units), "test");
      REQUIRE(clip.has_value());
      CHECK(clip->names == std::vector<std::string>{"LFHD", "CLAV", "LTOE"});
      CHECK(clip->subjects == std::vector<std::string>{"Anna"});
      CHECK(glm::distance(clip->at(0, 0), glm::vec3(0.1f, 1.6f, 0.0f)) < 1e-5f);
      CHECK(glm::distance(clip->at(0, 1), glm::vec3(0.1f, 1.4f, -0.05f)) < 1e-5f);
      CHECK(std::isnan(clip->at(1, 0).x));
      CHECK_FALSE(clip->warnings.empty());
    }
  }

  TEST_CASE("given unit and axis stand") {
    const auto clip =
        file::makeMarkerClip(standing(0.001, "mm"), "test", {.unit_m = 0.01, .up = 'y'});
    REQUIRE(clip.has_value());
    CHECK(glm::distance(clip->at(0, 0), glm::vec3(1.0f, 0.0f, 16.0f)) < 1e-4f);
  }

  TEST_CASE("two subjects keep their prefixes, equal names are numbered") {
    file::C3dFile c3d = standing(0.001, "mm");
    c3d.labels[1] = "Bert:LFHD";
    auto clip = file::makeMarkerClip(c3d, "test");
    REQUIRE(clip.has_value());
    CHECK(clip->names == std::vector<std::string>{"Anna:LFHD", "Bert:LFHD", "Anna:LTOE"});
    CHECK(clip->subjects == std::vector<std::string>{"Anna", "Bert"});
    c3d.labels[1] = "Anna:LFHD";
    clip = file::makeMarkerClip(c3d, "test");
    REQUIRE(clip.has_value());
    CHECK(clip->names == std::vector<std::string>{"LFHD", "LFHD_2", "LTOE"});
  }

  TEST_CASE("a table of markers is read with its gaps") {
    const auto trc = file::readTrc(kTrc, "stage.trc");
    REQUIRE(trc.has_value());
    CHECK(trc->labels == std::vector<std::string>{"Top.Head", "L.Toe"});
    CHECK(trc->frames == 3);
    CHECK(trc->rate_hz == 120.0);
    CHECK(trc->units == "m");
    CHECK(trc->warnings.empty());
    CHECK(trc->at(0, 1) == glm::vec3(0.1f, 0.05f, -0.2f));
    CHECK(std::isnan(trc->at(1, 0).x));
    CHECK(std::isnan(trc->at(2, 1).x));
  }

  TEST_CASE("broken tables are errors that name the line, or repairs that are told") {
    CHECK_FALSE(file::readTrc("", "t").has_value());
    CHECK_FALSE(file::readTrc("PathFileType\t4", "t").has_value());
    std::string text = kTrc;
    text.replace(text.find("1.6"), 3, "one");
    const auto broken = file::readTrc(text, "stage.trc");
    REQUIRE_FALSE(broken.has_value());
    CHECK(broken.error().message.find("stage.trc:7: ") == 0);
    text = kTrc;
    text.replace(text.find("\t3\t2\t"), 5, "\t9\t2\t");
    const auto counted = file::readTrc(text, "t");
    REQUIRE(counted.has_value());
    CHECK(counted->frames == 3);
    CHECK(counted->warnings.size() == 1);
    for (std::size_t length = 0; length < kTrc.size(); ++length) {
      const auto cut = file::readTrc(std::string_view(kTrc).substr(0, length), "cut");
      if (cut.has_value()) CHECK(cut->points.size() == cut->frames * cut->labels.size());
    }
    std::mt19937_64 random(5);
    for (int round = 0; round < 5000; ++round) {
      std::string bytes = kTrc;
      for (int flips = 0; flips < 4; ++flips) {
        bytes[random() % bytes.size()] = static_cast<char>(random() % 256);
      }
      const auto flipped = file::readTrc(bytes, "flipped");
      if (flipped.has_value())
        CHECK(flipped->points.size() == flipped->frames * flipped->labels.size());
    }
  }

  TEST_CASE("a kind that cannot be read names those that can") {
    CHECK(file::isReadableMarkerKind("a/B.C3D"));
    CHECK(file::isReadableMarkerKind("b.trc"));
    CHECK_FALSE(file::isReadableMarkerKind("b.csv"));
    const auto clip = file::loadMarkerClip("b.csv");
    REQUIRE_FALSE(clip.has_value());
    CHECK(clip.error().message.find(".trc") != std::string::npos);
  }

  TEST_CASE("performers of many studios stand upright on the floor") {
    struct Known {
      const char* path;
      std::size_t markers;
      float height;  ///< Of the highest marker, metres.
    };
    for (const Known& known :
         {Known{"c3d/nimble/data/c3d/cmu_02_05.c3d", 41, 1.74f},
          Known{"c3d/nimble/data/c3d/nick_freeform_001.c3d", 52, 1.66f},
          Known{"c3d/mocaprec/data/135_02.c3d", 41, 1.79f},
          Known{"c3d/mocaprec/data/HDM_bd_05-01_01_120.c3d", 41, 2.06f},
          Known{"c3d/mocaprec/data/03_rolling.c3d", 68, 0.63f},
          Known{"c3d/btk/others/mocap36.c3d", 36, 1.82f},
          Known{"c3d/pycgm/Test_Files/Movement_trial.c3d", 39, 2.4f},
          Known{"c3d/ezc3d/Qualisys.c3d", 55, 1.50f}, Known{"c3d/ezc3d/BTS.c3d", 22, 1.37f},
          Known{"c3d/mesh2motion/c3d/source/ActorE_TPose.c3d", 49, 1.77f},
          Known{"trc_osim/btk/MOTEK/ballet_reduced.trc", 41, 1.63f},
          Known{"trc_osim/mesh2motion/trc/ActorC_TPose.trc", 49, 1.69f},
          Known{"trc_osim/nimbletrc/data/osim/WeirdFormatTests/markers.trc", 61, 1.64f}}) {
      const auto path = test::sharedData(known.path);
      if (!path) continue;
      CAPTURE(*path);
      const auto clip = file::loadMarkerClip(*path);
      REQUIRE(clip.has_value());
      CHECK(clip->names.size() == known.markers);
      float low = 1e9f, high = -1e9f;
      for (const glm::vec3& position : clip->positions) {
        if (std::isnan(position.x)) continue;
        low = std::min(low, position.y);
        high = std::max(high, position.y);
      }
      CHECK(high == doctest::Approx(known.height).epsilon(0.02));
      CHECK(low > -0.2f);
      CHECK(low < 0.3f);
    }
  }

  TEST_CASE("every marker file at hand is read or refused with one line") {
    for (const char* folder : {"c3d", "trc_osim"}) {
      const auto path = test::sharedData(folder);
      if (!path) continue;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(*path)) {
        if (!entry.is_regular_file() || !file::isReadableMarkerKind(entry.path())) continue;
        const auto clip = file::loadMarkerClip(entry.path());
        if (clip.has_value()) {
          CHECK(clip->positions.size() == clip->frames * clip->names.size());
        } else {
          CHECK(clip.error().message.find('\n') == std::string::npos);
        }
      }
    }
  }
}
