#pragma once

#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>

namespace understudy::math {

/// Rotation and translation. Named `target_from_source`: it maps a point of the source frame into
/// the target frame, so that neighbours cancel: `a_from_c = a_from_b * b_from_c`. Frames are
/// right-handed, +Y up, in metres; the quaternion is a unit one, stored x, y, z, w.
template <class Scalar>
struct BasicRigidTransform {
  glm::qua<Scalar> rotation =
      glm::qua<Scalar>(1, 0, 0, 0);  // GLM's constructor order is w, x, y, z.
  glm::vec<3, Scalar> translation{0};

  bool operator==(const BasicRigidTransform&) const = default;
};

using RigidTransform = BasicRigidTransform<float>;
using RigidTransformd = BasicRigidTransform<double>;  ///< For calibration.

/// Returns `a_from_c`.
template <class Scalar>
BasicRigidTransform<Scalar> operator*(const BasicRigidTransform<Scalar>& a_from_b,
                                      const BasicRigidTransform<Scalar>& b_from_c) {
  return {a_from_b.rotation * b_from_c.rotation,
          a_from_b.rotation * b_from_c.translation + a_from_b.translation};
}

/// Returns the point in the target frame.
template <class Scalar>
glm::vec<3, Scalar> operator*(const BasicRigidTransform<Scalar>& target_from_source,
                              const glm::vec<3, Scalar>& point_source) {
  return target_from_source.rotation * point_source + target_from_source.translation;
}

/// Returns `source_from_target`.
template <class Scalar>
BasicRigidTransform<Scalar> inverse(const BasicRigidTransform<Scalar>& target_from_source) {
  const glm::qua<Scalar> rotation = glm::conjugate(target_from_source.rotation);
  return {rotation, -(rotation * target_from_source.translation)};
}

/// Returns the 4x4 matrix of the same map (column vectors).
template <class Scalar>
glm::mat<4, 4, Scalar> toMatrix(const BasicRigidTransform<Scalar>& transform) {
  glm::mat<4, 4, Scalar> matrix = glm::mat4_cast(transform.rotation);
  matrix[3] = glm::vec<4, Scalar>(transform.translation, Scalar(1));
  return matrix;
}

/// Builds a quaternion from its stored order.
template <class Scalar>
glm::qua<Scalar> quaternionXyzw(Scalar x, Scalar y, Scalar z, Scalar w) {
  return glm::qua<Scalar>(w, x, y, z);
}

}  // namespace understudy::math
