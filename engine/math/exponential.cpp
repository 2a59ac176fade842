#include "engine/math/exponential.h"

#include <cmath>

#include "engine/math/elementary.h"

namespace understudy::math {

glm::dquat rotationFromVector(const glm::dvec3& vector) {
  const double angle = std::sqrt(glm::dot(vector, vector));
  if (angle < 1e-8) {
    glm::dquat small(1.0, 0.5 * vector.x, 0.5 * vector.y, 0.5 * vector.z);
    return glm::normalize(small);
  }
  const SineCosine half = sineCosine(0.5 * angle);
  const double scale = half.sine / angle;
  return {half.cosine, vector.x * scale, vector.y * scale, vector.z * scale};
}

glm::dvec3 vectorFromRotation(const glm::dquat& rotation) {
  glm::dvec3 axis(rotation.x, rotation.y, rotation.z);
  double w = rotation.w;
  if (w < 0.0) {
    axis = -axis;
    w = -w;
  }
  const double sine = std::sqrt(glm::dot(axis, axis));
  if (sine < 1e-12) return 2.0 * axis;
  return axis * (2.0 * arcTangent2(sine, w) / sine);
}

glm::dquat rotationFromCorrelation(const glm::dmat3& sum) {
  // GLM is column-major: sum[c][r]. S(i, j) of Horn is the sum of source_i * target_j = sum[i][j].
  const auto s = [&](int i, int j) { return sum[i][j]; };
  double n[4][4] = {
      {s(0, 0) + s(1, 1) + s(2, 2), s(1, 2) - s(2, 1), s(2, 0) - s(0, 2), s(0, 1) - s(1, 0)},
      {0, s(0, 0) - s(1, 1) - s(2, 2), s(0, 1) + s(1, 0), s(2, 0) + s(0, 2)},
      {0, 0, -s(0, 0) + s(1, 1) - s(2, 2), s(1, 2) + s(2, 1)},
      {0, 0, 0, -s(0, 0) - s(1, 1) + s(2, 2)}};
  for (int r = 0; r < 4; ++r) {
    for (int c = 0; c < r; ++c) n[r][c] = n[c][r];
  }
  // Jacobi's rotations: the eigenvector of the largest eigenvalue.
  double v[4][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
  for (int sweep = 0; sweep < 8; ++sweep) {
    for (int p = 0; p < 3; ++p) {
      for (int q = p + 1; q < 4; ++q) {
        if (n[p][q] == 0.0) continue;
        const double theta = (n[q][q] - n[p][p]) / (2.0 * n[p][q]);
        const double t =
            (theta >= 0.0 ? 1.0 : -1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1.0));
        const double cosine = 1.0 / std::sqrt(t * t + 1.0), sine = t * cosine;
        for (int k = 0; k < 4; ++k) {
          const double a = n[k][p], b = n[k][q];
          n[k][p] = cosine * a - sine * b;
          n[k][q] = sine * a + cosine * b;
        }
        for (int k = 0; k < 4; ++k) {
          const double a = n[p][k], b = n[q][k];
          n[p][k] = cosine * a - sine * b;
          n[q][k] = sine * a + cosine * b;
        }
        for (int k = 0; k < 4; ++k) {
          const double a = v[k][p], b = v[k][q];
          v[k][p] = cosine * a - sine * b;
          v[k][q] = sine * a + cosine * b;
        }
      }
    }
  }
  int best = 0;
  for (int k = 1; k < 4; ++k) {
    if (n[k][k] > n[best][best]) best = k;
  }
  return glm::normalize(glm::dquat(v[0][best], v[1][best], v[2][best], v[3][best]));
}

}  // namespace understudy::math
