#pragma once

#include <string>

#include "tools/report/report.h"
#include "tools/score/stage_run.h"

namespace understudy::score {

/// Adds the keys of `understudy-score stage` to a report.
void addStageKeys(const StageOutcome& outcome, report::Json& json);

/// Why the share of correct labels is null or 0, in words; empty where it is neither.
std::string whyNothingCorrect(const StageOutcome& outcome);

/// Prints the figures that matter most, one screen.
void printStage(const StageOutcome& outcome);

}  // namespace understudy::score
