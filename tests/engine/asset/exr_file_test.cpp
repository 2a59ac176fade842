#include "engine/asset/exr_file.h"

#include <ImfRgbaFile.h>
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <glm/gtc/packing.hpp>
#include <vector>

#include "tests/support/text.h"

using namespace understudy;

TEST_SUITE("asset/exr_file") {
  TEST_CASE("half floats come back to the bit, rows from the top") {
    constexpr std::uint32_t kWidth = 37, kHeight = 21;
    std::vector<std::uint16_t> rgba;
    for (std::uint32_t i = 0; i < kWidth * kHeight; ++i) {
      for (const float value :
           {0.001f * static_cast<float>(i), 900.0f, 1.0f / (1.0f + static_cast<float>(i)), 1.0f}) {
        rgba.push_back(glm::packHalf1x16(value));
      }
    }
    const auto path = std::filesystem::temp_directory_path() / "understudy_exr_test.exr";
    REQUIRE(asset::saveExr(path, rgba, kWidth, kHeight));
    Imf::RgbaInputFile file(path.c_str());
    REQUIRE(file.dataWindow().max.x == int{kWidth} - 1);
    REQUIRE(file.dataWindow().max.y == int{kHeight} - 1);
    CHECK(file.compression() == Imf::ZIP_COMPRESSION);
    std::vector<Imf::Rgba> read(kWidth * kHeight);
    file.setFrameBuffer(read.data(), 1, kWidth);
    file.readPixels(0, kHeight - 1);
    CHECK(std::memcmp(static_cast<const void*>(read.data()), rgba.data(), 2 * rgba.size()) == 0);
    std::filesystem::remove(path);
  }

  TEST_CASE("what cannot be written is said") {
    const std::vector<std::uint16_t> rgba(4 * 16);
    CHECK(test::has(test::errorOf(asset::saveExr("/nowhere/x.exr", rgba, 4, 4)), "/nowhere/x.exr"));
    CHECK(test::has(test::errorOf(asset::saveExr("x.exr", rgba, 5, 4)), "no picture"));
    CHECK(test::has(test::errorOf(asset::saveExr("x.exr", {}, 0, 0)), "no picture"));
  }
}
