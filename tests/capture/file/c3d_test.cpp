#include "capture/file/c3d.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/support/shared_data.h"

using namespace understudy;
using file::C3dFile;

namespace {

/// Two points and one analog channel of two samples a frame; the second point has a gap.
C3dFile smallFile(std::size_t frames = 3, std::size_t points = 2) {
  C3dFile c3d;
  c3d.rate_hz = 100.0;
  c3d.frames = frames;
  c3d.first_frame = 7;
  c3d.units = "mm";
  for (std::size_t i = 0; i < points; ++i) {
    c3d.labels.push_back("M" + std::to_string(i));
    c3d.descriptions.push_back(i == 0 ? "the first" : "");
  }
  for (std::size_t frame = 0; frame < frames; ++frame) {
    for (std::size_t i = 0; i < points; ++i) {
      file::C3dPoint point;
      if (!(frame == 1 && i == 1)) {
        point.position = {1.5f * static_cast<float>(frame), -2.25f, static_cast<float>(i + 1)};
        point.residual = 0.5f;
        point.cameras = 0x15;
      }
      c3d.points.push_back(point);
    }
    c3d.analog.insert(c3d.analog.end(), {0.25f, static_cast<float>(frame)});
  }
  c3d.channels = {{"Fz", "N"}};
  c3d.samples_per_frame = 2;
  c3d.analog_rate_hz = 200.0;
  c3d.events = {{"Foot Strike", "Left", 61.5}};
  return c3d;
}

std::filesystem::path temporary(const char* name) {
  return std::filesystem::temp_directory_path() /
         ("understudy_" + std::to_string(getpid()) + "_" + name + ".c3d");
}

std::string bytesOf(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string saved(const C3dFile& c3d) {
  const auto path = temporary("saved");
  REQUIRE(file::saveC3d(c3d, path).has_value());
  std::string bytes = bytesOf(path);
  std::filesystem::remove(path);
  return bytes;
}

void checkSameData(const C3dFile& a, const C3dFile& b, float tolerance = 0.0f) {
  REQUIRE(a.points.size() == b.points.size());
  REQUIRE(a.analog.size() == b.analog.size());
  CHECK(a.labels == b.labels);
  CHECK(a.frames == b.frames);
  CHECK(a.first_frame == b.first_frame);
  float worst = 0.0f, worst_residual = 0.0f, worst_analog = 0.0f;
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.points.size(); ++i) {
    different += a.points[i].is_missing() != b.points[i].is_missing() ||
                 a.points[i].cameras != b.points[i].cameras;
    if (a.points[i].is_missing()) continue;
    worst = std::max(worst, glm::distance(a.points[i].position, b.points[i].position));
    worst_residual =
        std::max(worst_residual, std::abs(a.points[i].residual - b.points[i].residual));
  }
  for (std::size_t i = 0; i < a.analog.size(); ++i) {
    worst_analog = std::max(worst_analog, std::abs(a.analog[i] - b.analog[i]));
  }
  CHECK(different == 0);
  CHECK(worst <= tolerance);
  CHECK(worst_residual <= 1e-3f);
  CHECK(worst_analog <= tolerance);
}

/// The same content as big-endian integers, built byte by byte and apart from the writer.
std::string sgiIntegers() {
  std::string bytes(512 * 3, '\0');
  const auto word = [&](std::size_t at, int value) {
    bytes[at] = static_cast<char>(value >> 8);
    bytes[at + 1] = static_cast<char>(value);
  };
  const auto real = [&](std::size_t at, float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    word(at, static_cast<int>(bits >> 16));
    word(at + 2, static_cast<int>(bits & 0xffff));
  };
  bytes[0] = 2;
  bytes[1] = 0x50;
  word(2, 1);      // One point,
  word(4, 2);      // two analog values a frame,
  word(6, 1);      // frames 1
  word(8, 2);      // to 2.
  real(12, 0.5f);  // Scale.
  word(16, 3);     // Data at block 3.
  word(18, 2);     // Two samples a frame.
  real(20, 50.0f);
  bytes[512 + 2] = 1;
  bytes[512 + 3] = 86;
  const int values[2][6] = {{200, -3, 32767, 0x0304, 10, -10}, {-200, 5, 7, -1, 20, -20}};
  for (int frame = 0; frame < 2; ++frame) {
    for (int i = 0; i < 6; ++i) {
      word(1024 + static_cast<std::size_t>(frame * 12 + i * 2), values[frame][i]);
    }
  }
  return bytes;
}

}  // namespace

TEST_SUITE("file/c3d") {
  TEST_CASE("what is written is read back whole") {
    const C3dFile written = smallFile();
    const auto read = file::readC3d(saved(written), "saved.c3d");
    REQUIRE(read.has_value());
    checkSameData(written, *read);
    CHECK(read->warnings.empty());
    CHECK(read->units == "mm");
    CHECK(read->rate_hz == 100.0);
    CHECK(read->analog_rate_hz == 200.0);
    CHECK(read->channels[0].name == "Fz");
    CHECK(read->channels[0].unit == "N");
    CHECK(read->descriptions[0] == "the first");
    REQUIRE(read->events.size() == 1);
    CHECK(read->events[0].label == "Foot Strike");
    CHECK(read->events[0].context == "Left");
    CHECK(read->events[0].seconds == doctest::Approx(61.5));
    CHECK(read->encoding.processor == "intel");
  }

  TEST_CASE("big-endian integers are read by hand-made bytes") {
    const auto read = file::readC3d(sgiIntegers(), "sgi.c3d");
    REQUIRE(read.has_value());
    CHECK(read->encoding.processor == "sgi");
    CHECK_FALSE(read->encoding.is_real);
    REQUIRE(read->points.size() == 2);
    CHECK(read->points[0].position == glm::vec3(100.0f, -1.5f, 16383.5f));
    CHECK(read->points[0].residual == 2.0f);  // 4 * 0.5
    CHECK(read->points[0].cameras == 3);
    CHECK(read->points[1].is_missing());
    CHECK(read->analog == std::vector<float>{10, -10, 20, -20});
    CHECK(read->labels == std::vector<std::string>{"*1"});
    CHECK(read->rate_hz == 50.0);
  }

  TEST_CASE("more than 255 labels and more than 65535 frames survive a rewrite") {
    const auto many_labels = file::readC3d(saved(smallFile(3, 700)), "labels.c3d");
    REQUIRE(many_labels.has_value());
    checkSameData(smallFile(3, 700), *many_labels);
    CHECK(file::findParameter(*many_labels, "POINT", "LABELS3") != nullptr);

    const C3dFile written = smallFile(70000, 2);
    const auto many_frames = file::readC3d(saved(written), "frames.c3d");
    REQUIRE(many_frames.has_value());
    CHECK(many_frames->warnings.empty());
    checkSameData(written, *many_frames);
  }

  TEST_CASE("groups and parameters that are not ours are kept") {
    C3dFile c3d = smallFile();
    c3d.groups.push_back({"STAGE", "of ours", true, {}});
    c3d.groups.back().parameters.push_back(
        {"MATRIX", "two by three", false, file::C3dType::real, {2, 3}, {}, {1, 2, 3, 4, 5, 6}});
    c3d.groups.back().parameters.push_back(
        {"BYTES", "", true, file::C3dType::byte, {3}, {}, {-1, 0, 127}});
    const auto read = file::readC3d(saved(c3d), "groups.c3d");
    REQUIRE(read.has_value());
    const auto* matrix = file::findParameter(*read, "stage", "matrix");
    REQUIRE(matrix != nullptr);
    CHECK(matrix->numbers == std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK(matrix->description == "two by three");
    CHECK(matrix->dimensions == std::vector<std::uint8_t>{2, 3});
    CHECK(file::findParameter(*read, "STAGE", "BYTES")->is_locked);
    CHECK(file::findParameter(*read, "STAGE", "BYTES")->numbers == std::vector<float>{-1, 0, 127});
  }

  TEST_CASE("data cut off is read as far as it goes, and it is said") {
    const C3dFile written = smallFile(200, 2);
    const std::string bytes = saved(written);
    const auto read = file::readC3d(std::string_view(bytes).substr(0, bytes.size() - 4096), "cut");
    REQUIRE(read.has_value());
    CHECK(read->frames < 200);
    CHECK(read->frames > 50);
    CHECK(read->warnings.size() == 1);
    CHECK(read->points.size() == read->frames * 2);
  }

  TEST_CASE("a file that is none, too short or empty is an error") {
    for (const std::string& bytes : {std::string("C3D"), std::string(600, 'x'), std::string()}) {
      const auto read = file::readC3d(bytes, "none.c3d");
      REQUIRE_FALSE(read.has_value());
      CHECK(read.error().message.find("none.c3d: ") == 0);
    }
    CHECK_FALSE(file::loadC3d("/nowhere/at/all.c3d").has_value());
    CHECK_FALSE(file::saveC3d(smallFile(), "/nowhere/at/all.c3d").has_value());
    CHECK_FALSE(file::saveC3d(C3dFile{}, temporary("empty")).has_value());
  }

  TEST_CASE("a file cut off anywhere or with damaged bytes gives data or an error") {
    const std::string whole = saved(smallFile(20, 3));
    for (std::size_t length = 0; length <= whole.size(); length += 5) {
      const auto read = file::readC3d(std::string_view(whole).substr(0, length), "cut");
      if (read.has_value()) CHECK(read->points.size() == read->frames * read->labels.size());
    }
    std::mt19937_64 random(3);
    for (int round = 0; round < 8000; ++round) {
      std::string bytes = whole;
      for (std::uint64_t flips = 1 + random() % 8; flips > 0; --flips) {
        bytes[random() % bytes.size()] = static_cast<char>(random() % 256);
      }
      const auto read = file::readC3d(bytes, "flipped");
      if (!read.has_value()) {
        CHECK(read.error().message.find('\n') == std::string::npos);
        continue;
      }
      // No more memory than the file's size stands for.
      CHECK(read->points.size() * 8 + read->analog.size() * 2 <= bytes.size());
    }
  }

  TEST_CASE("the same trial in six encodings is the same data") {
    const auto reference = test::sharedData("c3d/btk/c3d.org/sample01/Eb015pr.c3d");
    if (!reference) return;
    const auto expected = file::loadC3d(*reference);
    REQUIRE(expected.has_value());
    for (const char* name : {"Eb015pi", "Eb015si", "Eb015sr", "Eb015vi", "Eb015vr"}) {
      CAPTURE(name);
      const auto path = test::sharedData("c3d/btk/c3d.org/sample01/" + std::string(name) + ".c3d");
      const auto read = file::loadC3d(*path);
      REQUIRE(read.has_value());
      CHECK(read->warnings.empty());
      checkSameData(*expected, *read, 1e-3f);
      CHECK(read->encoding.processor == (name[5] == 'p'   ? "intel"
                                         : name[5] == 's' ? "sgi"
                                                          : "dec"));
      CHECK(read->encoding.is_real == (name[6] == 'r'));
    }
  }

  TEST_CASE("every recording at hand has the points, frames, rate and gaps that are known of it") {
    const auto manifest = test::sharedData("MANIFEST.tsv");
    if (!manifest) return;
    std::ifstream lines(*manifest);
    std::size_t checked = 0;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("c3d/")) continue;
      std::vector<std::string> cells;
      for (std::size_t from = 0, tab = 0; tab != line.npos; from = tab + 1) {
        tab = line.find('\t', from);
        cells.push_back(line.substr(from, tab - from));
      }
      const std::string& facts = cells[4];
      CAPTURE(cells[0]);
      const auto path = test::sharedData(cells[0]);
      if (!path) continue;
      const auto read = file::loadC3d(*path);
      if (facts.starts_with("empty")) {
        CHECK_FALSE(read.has_value());
        continue;
      }
      REQUIRE(read.has_value());
      const auto numberBefore = [&](const std::string& word) {
        const std::size_t end = facts.find(word);
        REQUIRE(end != facts.npos);
        std::size_t start = end;
        while (start > 0 && facts[start - 1] != ' ' && facts[start - 1] != '@' &&
               facts[start - 1] != '(') {
          --start;
        }
        return std::stod(facts.substr(start, end - start));
      };
      CHECK(static_cast<double>(read->labels.size()) == numberBefore(" pts"));
      const bool truncated = facts.find("frames stored") != facts.npos;
      CHECK(static_cast<double>(read->frames) ==
            numberBefore(truncated ? " frames stored" : " fr "));
      CHECK(read->rate_hz == doctest::Approx(numberBefore(" Hz")).epsilon(1e-3));
      CHECK(static_cast<double>(read->channels.size()) == numberBefore(" ch"));
      std::size_t missing = 0;
      for (const auto& point : read->points) missing += point.is_missing();
      if (!read->points.empty()) {
        const std::size_t at = facts.find("missing ") + 8;
        CHECK(100.0 * static_cast<double>(missing) / static_cast<double>(read->points.size()) ==
              doctest::Approx(std::stod(facts.substr(at))).epsilon(0.0).scale(1.0).epsilon(0.06));
      }
      // Rewriting loses nothing.
      const auto again = file::readC3d(saved(*read), "rewritten");
      REQUIRE(again.has_value());
      checkSameData(*read, *again);
      CHECK(again->vendor == read->vendor);
      CHECK(again->subjects == read->subjects);
      CHECK(again->groups.size() >= read->groups.size());
      ++checked;
    }
    MESSAGE(checked << " recordings checked");
    CHECK(checked > 40);
  }
}
