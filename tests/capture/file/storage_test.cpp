#include "capture/file/storage.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>

#include "tests/support/shared_data.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;
using test::replaced;

const std::string kMot =
    "Coordinates\r\nversion=1\r\nnRows=3\r\nnColumns=3\r\ninDegrees=yes\r\n\r\n"
    "Angles are in degrees.\r\n\r\nendheader\r\n"
    "time\tknee_angle_r\thip_flexion_r\r\n"
    "      0.4\t    -55.25\t 1e-3\r\n 0.5\t+1\tNaN\r\n0.6 2 3\r\n";

std::string errorOf(const std::string& text) {
  return test::errorOf(file::readStorage(text, "a.mot"));
}

}  // namespace

TEST_SUITE("file/storage") {
  TEST_CASE("a table comes with its columns, unit and missing cells") {
    const auto table = file::readStorage(kMot, "a.mot");
    REQUIRE(table.has_value());
    CHECK(table->name == "Coordinates");
    CHECK(table->in_degrees);
    CHECK(table->rows == 3);
    CHECK(table->column("hip_flexion_r") == 2);
    CHECK(table->column("elbow") == -1);
    CHECK(table->at(0, 1) == -55.25);
    CHECK(std::isnan(table->at(1, 2)));
    CHECK(table->at(2, 0) == 0.6);
    CHECK(table->warnings.empty());
  }

  TEST_CASE("counts that do not hold and a last row that is cut off are warnings") {
    const auto table = file::readStorage(kMot.substr(0, kMot.size() - 4), "a.mot");
    REQUIRE(table.has_value());
    CHECK(table->rows == 2);
    CHECK(table->warnings.size() == 2);
  }

  TEST_CASE("errors name file, line and what belongs there") {
    CHECK(has(errorOf(""), "no line endheader; is this an OpenSim"));
    CHECK(has(errorOf(std::string(200000, '\n')), "no line endheader"));
    CHECK(has(errorOf("endheader\n"), "ends before the names"));
    CHECK(has(errorOf(replaced(kMot, "time\t", "frame\t")), "a.mot:10: begins its columns with "));
    CHECK(has(errorOf(replaced(kMot, "-55.25", "x55")), "a.mot:11: \"x55\" where a number"));
    CHECK(has(errorOf(replaced(kMot, " 0.5\t", " 0.5 1 2\t")), "a row of 5 values"));
    CHECK(has(errorOf(replaced(kMot, " 0.5\t", " 0.1\t")), "times do not grow"));
    CHECK(has(errorOf(replaced(kMot, " 0.5\t", " nan\t")), "times do not grow"));
    CHECK(has(errorOf(kMot.substr(0, kMot.find("      0.4"))), "has no row of data"));
  }

  TEST_CASE("broken files are errors or tables, never a crash") {
    std::mt19937 random(3);
    const char kBytes[] = "\0\n\t =-+.019eEnN\xff";
    for (int i = 0; i < 4000; ++i) {
      std::string text = kMot;
      for (int hit = 0; hit < 4; ++hit) {
        text[random() % text.size()] = kBytes[random() % (sizeof kBytes - 1)];
      }
      if (i % 4 == 0) text.resize(random() % text.size());
      const auto table = file::readStorage(text, "a.mot");
      if (table) CHECK(table->values.size() >= table->rows * table->columns.size());
    }
  }

  TEST_CASE("OpenSim's own motions are read whole") {
    struct Known {
      const char* path;
      std::size_t rows, columns;
      bool degrees;
    };
    for (const Known& known :
         {Known{"trc_osim/osimmodels/Pipelines/Gait2354_Simbody/subject01_walk1_ik.mot", 73, 24,
                true},
          Known{"trc_osim/nimbletrc/data/grf/Subject4/IK/DJ1_ik.mot", 269, 34, false}}) {
      const auto path = test::sharedData(known.path);
      if (!path) continue;
      CAPTURE(known.path);
      const auto table = file::loadStorage(*path);
      REQUIRE(table.has_value());
      CHECK(table->rows == known.rows);
      CHECK(table->columns.size() == known.columns);
      CHECK(table->in_degrees == known.degrees);
      CHECK(table->column("knee_angle_r") > 0);
      CHECK(table->warnings.empty());
    }
  }
}
