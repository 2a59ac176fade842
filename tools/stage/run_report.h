#pragma once

#include <optional>

#include "tools/report/report.h"
#include "tools/scoring/stage_scorer.h"
#include "tools/stage/show.h"

namespace understudy::stage {

/// Everything that the report of understudy-stage is made of.
struct ReportInput {
  const StageOptions& options;
  const StageSource& source;
  const CaptureRun& capture;
  const ShowStatus& show;
  const std::vector<std::string>& warnings;
  const std::vector<std::pair<std::string, std::string>>& changed_flags;
  std::string device;
  std::size_t validation_messages = 0;
  std::optional<scoring::StageScore> scores;  ///< Where there is a truth.
  std::uint64_t unscored = 0;                 ///< Frames that scoring was too slow for.
};

/// Frames that were captured but not rendered, by reason; with the rendered ones they add up to the
/// captured.
struct FrameAccount {
  std::uint64_t captured = 0, rendered = 0;
  std::uint64_t superseded = 0, late = 0, lost_packets = 0, not_solved = 0, render_busy = 0;
};

FrameAccount makeAccount(const ReportInput& input);

/// Adds the keys of `commands.md` to the report's head.
void fillReport(const ReportInput& input, report::Json& report);

/// The latency table for people.
std::string makeTable(const ReportInput& input);

}  // namespace understudy::stage
