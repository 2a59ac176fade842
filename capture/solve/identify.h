#pragma once

#include "capture/solve/find_subjects.h"

// The steps of FindSubjects that tell whose a body is.

namespace understudy::solve {

/// One subject of the search among these points.
RecogniseSubject jobOf(const FindSubjects& job, std::size_t subject,
                       std::span<const glm::dvec3> points);

/// Lists the free points within reach into `local`.
void gatherFree(const PointField& field, const glm::dvec3& centre, double reach,
                FindWorkspace& workspace);

/// Gives every body in the workspace the subject that it suits, all of them together, and fills the
/// placements of those that are beyond doubt.
void assignOwners(const FindSubjects& job);

}  // namespace understudy::solve
