#pragma once

#include <doctest/doctest.h>

#include <string>

#include "engine/core/result.h"

namespace understudy::test {

/// Whether the part stands in the text.
inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

/// The text with `to` for the first `from`, which must be there.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

/// What went wrong; "no error" if nothing did.
template <class T>
std::string errorOf(const core::Result<T>& result) {
  return result ? "no error" : result.error().message;
}

}  // namespace understudy::test
