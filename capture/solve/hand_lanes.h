#pragma once

#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/solve_lanes.h"

// The hands of subjects that are solved side by side: laying out, reading in, writing back. Steps
// of SolveSubjects.

namespace understudy::solve {

/// Counts and indices of the hands of a subject, as lists that subjects of one shape share. `place`
/// is each joint's index in the shape.
std::vector<std::int32_t> listHands(const SolveModel& model, std::span<const std::int32_t> place);

/// Points the group's hands at their indices. `lists` are listHands' and outlive the group.
void fillHandShapes(std::span<const std::int32_t> lists, LaneShape& shape);

/// Numbers that the arrays of a shape's hands take.
std::size_t countHandValues(const LaneShape& shape);

/// Hands out the arrays from `values`, as many as were counted.
void fillHandArrays(const LaneShape& shape, LaneValue* values, LaneArrays& arrays);

/// What never changes of a subject's hands, and a state that they may rest in.
void fillHandSubject(const SolveModel& model, std::size_t lane, LaneGroup& group);

/// The frame's markers and what is remembered, into a lane.
void readHands(const SolveModel& model, const SolveState& state,
               const frame::LabelledSubject& labelled, std::size_t lane, LaneGroup& group);

/// The hands of a lane without a subject see nothing.
void restHands(std::size_t lane, LaneGroup& group);

/// What came of it, from a lane; `seconds` since the frame before.
void writeHands(const SolveModel& model, const LaneGroup& group, std::size_t lane, double seconds,
                SolveState& state, frame::SkeletonPose& pose);

/// Writes which finger joints no marker showed in this frame, and how fast they turn.
void publishFingers(const SolveModel& model, const SolveState& state, frame::SkeletonPose& pose);

}  // namespace understudy::solve
