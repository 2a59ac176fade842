#pragma once

#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>

namespace understudy::math {

/// Rotation by |vector| radians about the vector; same bytes everywhere.
glm::dquat rotationFromVector(const glm::dvec3& vector);

/// Rotation vector of a unit quaternion, length in [0, pi]; q and -q give the same.
glm::dvec3 vectorFromRotation(const glm::dquat& rotation);

/// The rotation that takes one set of vectors to another in the sense of least squares (Horn,
/// "Closed-form solution of absolute orientation using unit quaternions", 1987): `sum` is the sum
/// of target * transpose(source). Same bytes everywhere; where the vectors leave the rotation open,
/// one of the best is returned.
glm::dquat rotationFromCorrelation(const glm::dmat3& sum);

}  // namespace understudy::math
