#include "tools/report/page.h"

#include <fmt/format.h>

#include <cmath>

namespace understudy::report {

std::string pageStyle(const std::string& more) {
  return R"(<style>
:root { color-scheme: light; }
body { font: 15px/1.5 'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif; color: #1b2027;
  background: #fff; max-width: 1280px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 28px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 44px 0 8px; }
p { margin: 6px 0 12px; max-width: 62em; } .quiet { color: #5d6673; font-size: 13px; }
svg, img { max-width: 100%; height: auto; display: block; }
.key { display: flex; flex-wrap: wrap; gap: 12px; margin: 22px 0 8px; }
.key div { border: 1px solid #dde1e6; border-radius: 8px; padding: 12px 18px; min-width: 150px; }
.key b { display: block; font-size: 23px; font-weight: 600; }
.key span { color: #5d6673; font-size: 12.5px; }
table { border-collapse: collapse; font-size: 13px; margin: 10px 0; }
th { text-align: right; font-weight: 600; color: #39414d; border-bottom: 2px solid #c9ced6;
  padding: 5px 9px; }
td { text-align: right; border-bottom: 1px solid #e7eaee; padding: 4px 9px;
  font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
)" + more +
         "</style>";
}

std::string number(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "–";
}

}  // namespace understudy::report
