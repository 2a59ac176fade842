#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace understudy::asset {

/// A finite number that fills the whole word, or nothing.
inline std::optional<double> finiteNumber(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  double value = 0.0;
  const char* end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, value);
  if (result.ptr != end || word.empty()) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) {
    // Too small to be held is zero; too large is found by its exponent.
    const bool tiny = word.find("e-") != word.npos || word.find("E-") != word.npos;
    return tiny ? std::optional(0.0) : std::nullopt;
  }
  if (result.ec != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// A number that a position or an angle can be, or nothing.
inline std::optional<double> number(std::string_view word) {
  constexpr double kLargestValue = 1e9;  // Beyond this a float holds no usable position or angle.
  const auto value = finiteNumber(word);
  return value && std::abs(*value) <= kLargestValue ? value : std::nullopt;
}

}  // namespace understudy::asset
