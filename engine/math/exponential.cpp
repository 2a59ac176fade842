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

namespace {

using Matrix4 = double[4][4];

// Jacobi's rotations: the eigenvector of the largest eigenvalue. Slow, but never at a loss.
glm::dquat largestByJacobi(Matrix4& n) {
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

// The largest root of the characteristic polynomial by Newton's steps from above, and its
// eigenvector as a column of the adjugate (Theobald, "Rapid calculation of RMSDs using a
// quaternion-based characteristic polynomial", 2005). False where the root is nearly double.
bool largestByNewton(const glm::dmat3& sum, const Matrix4& n, glm::dquat& rotation) {
  double squares = 0.0;
  for (int i = 0; i < 3; ++i) squares += glm::dot(sum[i], sum[i]);
  if (!(squares > 1e-200)) return false;
  // Second-order minors of rows 0, 1 and of rows 2, 3.
  const auto minor = [&](int r, int a, int b) {
    return n[r][a] * n[r + 1][b] - n[r][b] * n[r + 1][a];
  };
  const double c0 = minor(0, 0, 1) * minor(2, 2, 3) - minor(0, 0, 2) * minor(2, 1, 3) +
                    minor(0, 0, 3) * minor(2, 1, 2) + minor(0, 1, 2) * minor(2, 0, 3) -
                    minor(0, 1, 3) * minor(2, 0, 2) + minor(0, 2, 3) * minor(2, 0, 1);
  const double c1 = -8.0 * glm::determinant(sum), c2 = -2.0 * squares;
  double root = std::sqrt(3.0 * squares);  // No eigenvalue is larger.
  constexpr int kMostSteps = 40;
  for (int step = 0; step < kMostSteps; ++step) {
    const double square = root * root;
    const double value = (square + c2) * square + c1 * root + c0;
    const double slope = (4.0 * square + 2.0 * c2) * root + c1;
    if (!(slope > 0.0)) return false;
    const double change = value / slope;
    root -= change;
    if (change < 1e-15 * root) break;
  }
  Matrix4 m;
  for (int r = 0; r < 4; ++r) {
    for (int c = 0; c < 4; ++c) m[r][c] = n[r][c] - (r == c ? root : 0.0);
  }
  const auto cofactor = [&](int r, int c) {
    const int r0 = r == 0 ? 1 : 0, r1 = r <= 1 ? 2 : 1, r2 = r <= 2 ? 3 : 2;
    const int k0 = c == 0 ? 1 : 0, k1 = c <= 1 ? 2 : 1, k2 = c <= 2 ? 3 : 2;
    const double value = m[r0][k0] * (m[r1][k1] * m[r2][k2] - m[r1][k2] * m[r2][k1]) -
                         m[r0][k1] * (m[r1][k0] * m[r2][k2] - m[r1][k2] * m[r2][k0]) +
                         m[r0][k2] * (m[r1][k0] * m[r2][k1] - m[r1][k1] * m[r2][k0]);
    return (r + c) % 2 == 0 ? value : -value;
  };
  // The adjugate is a multiple of q q^T: its largest diagonal entry belongs to the best column.
  int best = 0;
  double largest = 0.0;
  for (int k = 0; k < 4; ++k) {
    const double size = std::abs(cofactor(k, k));
    if (size <= largest) continue;
    largest = size;
    best = k;
  }
  // The adjugate's size is the product of the gaps to the other eigenvalues.
  if (!(largest > 1e-9 * root * squares)) return false;
  const glm::dquat column(cofactor(0, best), cofactor(1, best), cofactor(2, best),
                          cofactor(3, best));
  rotation = glm::normalize(column);
  return true;
}

}  // namespace

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
  glm::dquat rotation;
  if (largestByNewton(sum, n, rotation)) return rotation;
  return largestByJacobi(n);
}

}  // namespace understudy::math
