#pragma once

#include <cstdint>
#include <string>

#include "engine/core/time.h"

namespace understudy::report {

/// One line on standard error with what is done, the rate and the time left; nothing at all where
/// standard error is not a terminal. The line is erased by the destructor.
class Progress {
 public:
  /// `what` is what is counted, such as "frames"; `total` 0 = not known.
  Progress(std::string what, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Cheap: draws ten times a second at most.
  void show(std::uint64_t done);

 private:
  std::string what_;
  std::uint64_t total_;
  bool terminal_;
  core::Time start_;
  core::Time drawn_;
};

/// The text of the line, such as "1200 of 2400 frames, 240/s, 5 s left".
std::string progressText(const std::string& what, std::uint64_t done, std::uint64_t total,
                         core::Duration since_start);

}  // namespace understudy::report
