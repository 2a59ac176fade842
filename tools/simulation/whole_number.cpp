#include "tools/simulation/whole_number.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

namespace understudy::simulation {

CLI::Validator wholeNumber(std::uint64_t least, std::uint64_t most) {
  return CLI::Validator(
      [least, most](std::string& text) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && end == text.data() + text.size() && number >= least &&
            number <= most) {
          return std::string();
        }
        return fmt::format("must be a whole number from {} to {}, not {}", least, most, text);
      },
      "");
}

}  // namespace understudy::simulation
