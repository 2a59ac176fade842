#include "engine/core/text.h"

#include <doctest/doctest.h>

using namespace understudy;

TEST_SUITE("core/text") {
  TEST_CASE("only the capitals of ASCII become small letters") {
    CHECK(core::lowerCase("").empty());
    CHECK(core::lowerCase("AZ az @[`{ 09 \xC3\x84") == "az az @[`{ 09 \xC3\x84");
  }

  TEST_CASE("a quoted word is cut and shows no control characters") {
    CHECK(core::inQuotes("") == "\"\"");
    CHECK(core::inQuotes("a\nb\x7f") == "\"a?b?\"");
    CHECK(core::inQuotes(std::string(41, 'x')) == '"' + std::string(40, 'x') + '"');
    CHECK(core::inQuotes("abc", 2) == "\"ab\"");
  }

  TEST_CASE("words are what stands between blanks, up to the number asked for") {
    std::vector<std::string_view> words;
    core::appendWords(" a\tbc  d ", " \t", words);
    CHECK(words == std::vector<std::string_view>{"a", "bc", "d"});
    core::appendWords("e f", " ", words, 4);
    CHECK(words == std::vector<std::string_view>{"a", "bc", "d", "e"});
    words.clear();
    core::appendWords(" ", " ", words);
    CHECK(words.empty());
  }

  TEST_CASE("an extension is in small letters and may be missing") {
    CHECK(core::extensionOf("a.d/Clip.BVH") == ".bvh");
    CHECK(core::extensionOf("a.d/clip").empty());
  }
}
