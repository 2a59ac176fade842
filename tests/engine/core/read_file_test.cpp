#include "engine/core/read_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace understudy;

TEST_SUITE("core/read_file") {
  TEST_CASE("an endless device is refused instead of filling the memory") {
    CHECK(core::readFile("/dev/zero", 1 << 20).error().message ==
          "/dev/zero: is larger than 1 MiB; check what it is");
  }

  TEST_CASE("a file is read up to the limit and refused beyond it") {
    const auto path = std::filesystem::temp_directory_path() / "understudy_read_file_test";
    std::ofstream(path, std::ios::binary) << std::string(1 << 20, 'x');
    const auto whole = core::readFile(path, 1 << 20);
    REQUIRE(whole);
    CHECK(whole->size() == 1 << 20);
    CHECK_FALSE(core::readFile(path, (1 << 20) - 1));
    std::filesystem::remove(path);
  }
}
