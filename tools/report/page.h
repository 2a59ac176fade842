#pragma once

#include <string>

namespace understudy::report {

/// The style element that the HTML reports share; `more` is what one sets otherwise or besides.
std::string pageStyle(const std::string& more);

/// A number for a page, to so many digits after the point; a dash where there is none.
std::string number(double value, int digits);

}  // namespace understudy::report
