#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/label/assignment.h"
#include "capture/solve/grow_body.h"

namespace understudy::solve {

/// The subjects that may be on stage, and what recognition knows of them before it looks. Laid out
/// once.
struct Cast {
  std::span<const subject::Subject> subjects;
  std::span<const SolveModel> models;  ///< One per subject.
  std::vector<Signature> signatures;   ///< One per subject.
  /// Entry [a * subjects + b]: per marker of a the marker of b of the same name.
  std::vector<std::vector<std::int32_t>> namesakes;
  std::vector<std::uint8_t> built_alike;  ///< Likewise: a pose of a is a pose of b.
};

/// The spans must outlive the cast.
Cast makeCast(std::span<const subject::Subject> subjects, std::span<const SolveModel> models);

/// What recognition remembers between frames.
struct FindState {
  std::vector<std::uint64_t> next_attempt;  ///< Per subject: sequence.
  std::vector<std::uint32_t>
      doubts;            ///< Per subject: attempts that could not tell whose a body is.
  std::size_t turn = 0;  ///< The subject whose search begins the next frame, ...
  std::size_t skip = 0;  ///< ... past so many placements that were tried before.
};

FindState makeFindState(const Cast& cast);

/// Points that are a body, as one subject's markers.
struct FoundBody {
  bool doubtful = false;    ///< Points are left where markers are lacking.
  std::size_t subject = 0;  ///< As which it was found.
  std::size_t matched = 0;
  double rms = 0;                             ///< Metres.
  std::vector<std::int32_t> point_of_marker;  ///< Of the field, -1 for none.
  std::vector<math::RigidTransformd> parent_from_joint;
};

/// Scratch; one per thread.
struct FindWorkspace {
  PointField field;
  std::vector<SegmentPlacement> segments;
  std::vector<FoundBody> bodies;  ///< All there is room for; the first `body_count` are in use.
  std::size_t body_count = 0;
  FoundBody trial, best;
  std::vector<std::size_t> wanted;        ///< Subjects that are looked for.
  std::vector<glm::dvec3> local;          ///< Points about one placement.
  std::vector<std::int32_t> local_point;  ///< Of the field.
  std::vector<double> cost, plain_cost;
  std::vector<std::int32_t> owner, rival;
  std::vector<std::size_t> order;
  std::vector<std::pair<double, std::size_t>> ranking;
  label::AssignmentWorkspace assignment;
  LimbWorkspace limbs;
  std::vector<RecogniseWorkspace> recognise;  ///< One per subject.
  std::vector<SolveWorkspace> solve;          ///< Likewise.
  std::uint32_t work = 0;                     ///< In point tests, of this frame.
};

FindWorkspace makeFindWorkspace(const Cast& cast, std::size_t most_points);

/// Finds known subjects among unnamed points, in any pose, from one frame. Bodies come first:
/// segments with many markers are found by distances that no pose changes, and grown to whole
/// bodies as one of the subjects; what a body holds is not searched again. Then every body is told
/// whose it is: the subjects that suit its distances best are fitted to it, and the cheapest
/// assignment of all bodies to subjects counts (Kuhn 1955). A body that suits two subjects nearly
/// alike waits for a later frame. The order of the points does not matter, work is counted.
struct FindSubjects {
  const RecogniseSettings& settings;
  const SolveSettings& solve_settings;
  const TreeKernels& kernels;
  const Cast& cast;
  std::span<const std::uint8_t> tracked;  ///< Per subject: is not looked for.
  std::span<const glm::dvec3> points;     ///< World, metres.
  std::uint64_t sequence;
  std::uint32_t retry;  ///< Frames until a subject that is not there is looked for again.
  FindState& state;
  FindWorkspace& workspace;
  std::vector<Placement>& placements;  ///< One per subject; `found` says who was found.

  void run() const;
};

}  // namespace understudy::solve
