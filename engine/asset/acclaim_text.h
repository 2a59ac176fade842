#pragma once

#include <array>
#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/asset/number.h"
#include "engine/core/result.h"
#include "engine/core/text.h"
#include "engine/math/exponential.h"

namespace understudy::asset::acclaim {

// What the readers of Acclaim's two files, ASF and AMC, share.

inline constexpr double kDegree = 0.0174532925199432958;

// The lines of a text that say something, as words; comments ("#") are none.
class Lines {
 public:
  Lines(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  /// The words of the next line that has any; empty at the end of the text.
  const std::vector<std::string_view>& next() {
    words_.clear();
    while (words_.empty() && !rest_.empty()) {
      const std::size_t end = rest_.find('\n');
      std::string_view line = rest_.substr(0, end);
      rest_ = end == rest_.npos ? std::string_view() : rest_.substr(end + 1);
      ++line_;
      if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // A byte order mark.
      core::appendWords(line.substr(0, line.find('#')), " \t\r\v\f", words_);
    }
    return words_;
  }
  std::size_t line() const { return line_; }
  core::Error error(const std::string& what) const {
    return core::makeError(name_ + ":" + std::to_string(line_) + ": " + what);
  }

 private:
  std::string_view rest_;
  const std::string& name_;
  std::vector<std::string_view> words_;
  std::size_t line_ = 0;
};

inline glm::dquat turn(const glm::dvec3& angles, const std::array<int, 3>& order) {
  glm::dquat rotation(1, 0, 0, 0);
  for (const int axis : order) {
    glm::dvec3 about(0.0);
    about[axis] = angles[axis];
    rotation = math::rotationFromVector(about) * rotation;
  }
  return rotation;
}

using Words = std::vector<std::string_view>;

}  // namespace understudy::asset::acclaim
