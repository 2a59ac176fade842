#pragma once

#include <span>
#include <string>

#include "capture/subject/marker_set.h"
#include "capture/subject/subject.h"

namespace understudy::subject {

/// Gives a body the fingers that the set's markers of these names sit on (growFingers), and the
/// markers themselves where the set puts them on fingers of usual thickness.
void wearFingers(const MarkerSet& set, std::span<const std::string> names, Subject& body);

}  // namespace understudy::subject
