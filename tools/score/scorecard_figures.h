#pragma once

#include "tools/report/report.h"

namespace understudy::score {

/// A number of a run's report, such as "/label/correct"; NaN where there is none.
double figure(const report::Json& report, const char* pointer);

/// A count of a run's report per performer and minute.
double perActorMinute(const report::Json& report, const char* pointer);

}  // namespace understudy::score
