#pragma once

#include "tests/bench/solve_run.h"

// Each is there where its library was when this was built.

namespace understudy::bench {

/// Simbody on the first actor's markers.
SolveFigures runSimbody(const SolveRecording& recording, const SolveBenchOptions& options);

/// The oracle on the first actor's first frames: each for itself, or all together.
SolveFigures runOracle(const SolveRecording& recording, const SolveBenchOptions& options,
                       bool together);

}  // namespace understudy::bench
