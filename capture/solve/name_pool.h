#pragma once

#include <cstdint>

#include "capture/solve/recognise.h"

namespace understudy::solve {

/// Fills workspace.pool and workspace.points with markers that may get names of the subject anew:
/// its own seen ones first, in the order of its slots, then unnamed ones within `reach` of these,
/// metres.
void fillNamePool(const frame::LabelledMarkers& labels, std::uint32_t subject_index, double reach,
                  RecogniseWorkspace& workspace);

/// Every seen marker has its own point of the pool.
void takeOwnNames(const frame::LabelledSubject& named, RecogniseWorkspace& workspace);

/// Writes workspace.point_of_marker as the subject's names; what no marker took goes back to the
/// unnamed. The offsets of renamed markers are forgotten. Returns how many changed.
std::size_t renameFromPool(RecogniseWorkspace& workspace, std::uint32_t subject_index,
                           frame::LabelledMarkers& labels, SolveState& state);

/// What the body in the workspace explains, in markers, less a little for joints far from rest: a
/// marker that is far off explains nothing, and to take its name away gains nothing.
double explainedValue(const RecogniseSubject& job);

/// What the body explains at its best with the names in the workspace, from the pose in it; markers
/// that stay far off have no say and lose their names there.
double settleNames(const RecogniseSubject& job);

}  // namespace understudy::solve
