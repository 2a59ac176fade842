#pragma once

#include <cstdint>

#include "capture/subject/subject.h"
#include "engine/anim/skeleton.h"

namespace understudy::source {

/// A range-of-motion performance for a body: every joint that plays a part is moved about all the
/// axes it has, slowly and out of step with the others, over some two thirds of what a healthy
/// adult can. `body` stands in its rest pose (Score::subject). Metres, at 60 Hz; the same for the
/// same seed.
anim::Clip makeRangeOfMotion(const subject::Subject& body, double seconds, std::uint64_t seed);

}  // namespace understudy::source
