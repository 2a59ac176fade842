#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace understudy::core {

/// The number as TOML reads it back to the last bit; finite numbers only.
inline std::string tomlNumber(double value) {
  std::string text = fmt::format("{}", value);
  // TOML would read "-0" and "5" as whole numbers and lose the sign of zero.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

/// The text in quotes, as TOML reads it back.
inline std::string tomlText(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (code < 0x20 || code == 0x7f) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned>(code));
    } else {
      result += c;
    }
  }
  return result + '"';
}

}  // namespace understudy::core
