#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::core {

/// The text with small letters for the capitals of ASCII; every other byte stays as it is.
std::string lowerCase(std::string_view text);

/// A word of a file as an error shows it: between double quotes, cut to `most` bytes, a question
/// mark for each control character.
std::string inQuotes(std::string_view word, std::size_t most = 40);

/// Appends the words of a text, parted by any of the blank characters, until there are `most`.
void appendWords(std::string_view text, std::string_view blank,
                 std::vector<std::string_view>& words, std::size_t most = std::string_view::npos);

/// What a file's name ends in, in small letters: ".bvh" of "a/Clip.BVH"; empty if there is nothing.
std::string extensionOf(const std::filesystem::path& path);

}  // namespace understudy::core
