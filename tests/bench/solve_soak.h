#pragma once

#include "tests/bench/solve_recording.h"

namespace understudy::bench {

/// Plays a recording to and fro for so many minutes and solves it through gaps that no stage should
/// have: single markers, whole limbs, half bodies and all of it, up to seconds long, and markers
/// that are up to 6 cm off. Prints what happened; false if a pose diverged: not finite, or a joint
/// more than 25 cm off although half of its markers, and of those above it, were seen for a second.
bool soak(const SolveRecording& recording, double minutes, std::uint64_t seed);

}  // namespace understudy::bench
