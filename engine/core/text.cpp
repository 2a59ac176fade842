#include "engine/core/text.h"

#include <algorithm>

namespace understudy::core {

std::string lowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

std::string inQuotes(std::string_view word, std::size_t most) {
  std::string text(word.substr(0, most));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  }
  return "\"" + text + "\"";
}

void appendWords(std::string_view text, std::string_view blank,
                 std::vector<std::string_view>& words, std::size_t most) {
  while (words.size() < most) {
    const std::size_t start = text.find_first_not_of(blank);
    if (start == text.npos) return;
    text.remove_prefix(start);
    const std::size_t end = std::min(text.find_first_of(blank), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string extensionOf(const std::filesystem::path& path) {
  return lowerCase(path.extension().string());
}

}  // namespace understudy::core
