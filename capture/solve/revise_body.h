#pragma once

#include <cstdint>

#include "capture/solve/find_subjects.h"

namespace understudy::solve {

/// What the search for a better body remembers of one subject.
struct ReviseState {
  std::uint64_t next = 0;      ///< Sequence of the next look.
  std::uint32_t interval = 0;  ///< Frames; grows while nothing is found.
  bool found = false;          ///< At the last look.
};

/// Scratch; one per thread.
struct ReviseWorkspace {
  FindState find;
  std::vector<std::uint8_t> settled;  ///< Per subject.
};

/// Recognises a tracked subject anew among its own markers and the unnamed ones about it, when
/// markers keep far off the model: a body that was found on the wrong points, or by a part that
/// looks like another, explains the rest of its markers badly as soon as they come into sight. The
/// new names count when they explain clearly more, at two looks.
struct ReviseBody {
  const RecogniseSettings& settings;
  const SolveSettings& solve_settings;
  const TreeKernels& kernels;
  const Cast& cast;
  std::uint32_t subject_index;
  std::uint64_t sequence;
  frame::LabelledMarkers& labels;  ///< Renamed where a better body was found.
  SolveState& state;               ///< Starts anew from it.
  SolveWorkspace& solve_workspace;
  RecogniseWorkspace& workspace;
  FindWorkspace& find_workspace;
  ReviseWorkspace& revise;
  std::vector<Placement>& placements;  ///< Scratch, one per subject.
  ReviseState& memory;

  /// True if the subject was named anew.
  bool run() const;
};

/// No marker was far off when a look was due: the next may come sooner, but markers that come and
/// go do not buy a look each time.
void waitWithoutStray(std::uint64_t sequence, ReviseState& memory);

/// True if a marker of the subject is as far off the model as is remembered of any.
bool hasStray(const frame::LabelledSubject& named, const SolveSettings& settings,
              const SolveState& state);

}  // namespace understudy::solve
