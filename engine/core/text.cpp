#include "engine/core/text.h"

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

std::string extensionOf(const std::filesystem::path& path) {
  return lowerCase(path.extension().string());
}

}  // namespace understudy::core
