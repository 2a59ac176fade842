#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

namespace understudy::simulation {

/// Accepts whole numbers in digits, from `least` to `most`; anything else (a sign, a fraction, a
/// number that does not fit) is wrong usage, said in one line.
CLI::Validator wholeNumber(std::uint64_t least, std::uint64_t most);

}  // namespace understudy::simulation
