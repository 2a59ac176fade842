// The mathematics of a hand's fingers, see hand_model.h, for V in lanes (lane_hands.inl) and for single numbers
// (fit_hand.cpp). After lane_vectors.inl.

namespace {

using understudy::solve::kHandFreedoms;
using understudy::solve::kHandJoints;
using understudy::solve::kMostHandCoordinates;

constexpr std::size_t kJointsOfDigit = 3, kFreedomsOfDigit = 4;
constexpr std::size_t kMostPacked = kMostHandCoordinates * (kMostHandCoordinates + 1) / 2;

// Of a symmetric matrix, its lower triangle, row after row.
constexpr std::size_t rowOf(std::size_t row) { return row * (row + 1) / 2; }

// What does not change of a hand.
struct HandView {
  std::size_t coordinates, markers;
  const std::int32_t* marker_joint;  // Of its fifteen.
  const V* before;                   // Per joint 4: from its anatomical axes to its parent, at rest,
  const V* after;                    // and from its own axes to those.
  const V* translation;              // Per joint 3: in its parent's frame.
  const V* mean;                     // Per freedom, radians.
  const V* basis;                    // Per freedom its row: radians per unit of each coordinate.
  const V* lower;
  const V* upper;
  const V* offset;  // Per marker 3, joint frame.
};

// Its fingers in the world.
struct HandPose {
  V angle[kHandFreedoms];
  V rotation[kHandJoints][4];
  V turn[kHandJoints][9];
  V place[kHandJoints][3];
  V axis[kHandFreedoms][3];
};

inline void turnAbout(std::size_t component, V angle, V* q) {
  V v[3] = {all(0.0), all(0.0), all(0.0)};
  v[component] = angle;
  exponential(v, q);
}

inline void anglesOfHand(const HandView& hand, const V* coordinate, V* angle) {
  for (std::size_t f = 0; f < kHandFreedoms; ++f) {
    V sum = hand.mean[f];
    for (std::size_t i = 0; i < hand.coordinates; ++i) sum += hand.basis[f * hand.coordinates + i] * coordinate[i];
    angle[f] = smaller(larger(sum, all(-2.6)), all(2.6));
  }
}

// Fills the pose from its angles. `rotation` and `place` are the hand's.
inline void poseFingers(const HandView& hand, const V* rotation, const V* place, HandPose& pose) {
  for (std::size_t joint = 0; joint < kHandJoints; ++joint) {
    const std::size_t digit = joint / kJointsOfDigit, level = joint % kJointsOfDigit;
    const bool is_root = level == 0;
    const V* above = is_root ? rotation : pose.rotation[joint - 1];
    V parent_turn[9], axes[4], bent[4], turn[4], columns[9];
    matrixOf(above, parent_turn);
    turnBy(parent_turn, hand.translation + 3 * joint, pose.place[joint]);
    for (std::size_t k = 0; k < 3; ++k) pose.place[joint][k] += is_root ? place[k] : pose.place[joint - 1][k];
    multiply(above, hand.before + 4 * joint, axes);
    const std::size_t flexion = digit * kFreedomsOfDigit + (is_root ? 0 : level + 1);
    matrixOf(axes, columns);
    for (std::size_t k = 0; k < 3; ++k) pose.axis[flexion][k] = columns[k];
    turnAbout(0, pose.angle[flexion], turn);
    multiply(axes, turn, bent);
    if (is_root) {
      for (std::size_t k = 0; k < 4; ++k) axes[k] = bent[k];
      matrixOf(axes, columns);
      for (std::size_t k = 0; k < 3; ++k) pose.axis[flexion + 1][k] = columns[6 + k];
      turnAbout(2, pose.angle[flexion + 1], turn);
      multiply(axes, turn, bent);
    }
    multiply(bent, hand.after + 4 * joint, pose.rotation[joint]);
    matrixOf(pose.rotation[joint], pose.turn[joint]);
  }
}

inline void placeOfMarker(const HandView& hand, const HandPose& pose, std::size_t marker, V* place) {
  const std::size_t joint = static_cast<std::size_t>(hand.marker_joint[marker]);
  turnBy(pose.turn[joint], hand.offset + 3 * marker, place);
  for (std::size_t k = 0; k < 3; ++k) place[k] += pose.place[joint][k];
}

// How a point on a joint moves with the coordinates: 3 columns each of `moves`.
inline void movesOfPoint(const HandView& hand, const HandPose& pose, std::size_t joint, const V* place, V (*moves)[3]) {
  const std::size_t digit = joint / kJointsOfDigit, level = joint % kJointsOfDigit;
  const std::size_t count = level + 2, n = hand.coordinates;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < 3; ++k) moves[i][k] = all(0.0);
  }
  for (std::size_t f = 0; f < count; ++f) {
    const std::size_t freedom = digit * kFreedomsOfDigit + f;
    const std::size_t origin = digit * kJointsOfDigit + (f < 2 ? 0 : f - 1);
    V lever[3], column[3];
    for (std::size_t k = 0; k < 3; ++k) lever[k] = place[k] - pose.place[origin][k];
    cross(pose.axis[freedom], lever, column);
    const V* row = hand.basis + freedom * n;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < 3; ++k) moves[i][k] += column[k] * row[i];
    }
  }
}

// Normal equations of the coordinates, and how they meet the motion of the hand (turn, then shift).
struct HandSystem {
  V matrix[kMostPacked];
  V gradient[kMostHandCoordinates];
  V coupling[kMostHandCoordinates][6];
};

// Adds a marker's information: `info` is xx, xy, xz, yy, yz, zz.
inline void addFingerMarker(const HandView& hand, const HandPose& pose, std::size_t marker, const V* place, const V* info,
                     const V* residual, HandSystem& system) {
  const std::size_t n = hand.coordinates;
  V moves[kMostHandCoordinates][3], forces[kMostHandCoordinates][3];
  movesOfPoint(hand, pose, static_cast<std::size_t>(hand.marker_joint[marker]), place, moves);
  for (std::size_t i = 0; i < n; ++i) {
    const V* m = moves[i];
    V* f = forces[i];
    f[0] = (info[0] * m[0] + info[1] * m[1]) + info[2] * m[2];
    f[1] = (info[1] * m[0] + info[3] * m[1]) + info[4] * m[2];
    f[2] = (info[2] * m[0] + info[4] * m[1]) + info[5] * m[2];
    system.gradient[i] += dot3(f, residual);
    V turn[3];
    cross(place, f, turn);
    for (std::size_t k = 0; k < 3; ++k) {
      system.coupling[i][k] += turn[k];
      system.coupling[i][3 + k] += f[k];
    }
    V* row = system.matrix + rowOf(i);
    for (std::size_t j = 0; j <= i; ++j) row[j] += dot3(f, moves[j]);
  }
}

// Pulls angles back that are beyond their limits.
inline void addFingerLimits(const HandView& hand, const HandPose& pose, V information, HandSystem& system) {
  const std::size_t n = hand.coordinates;
  for (std::size_t f = 0; f < kHandFreedoms; ++f) {
    const V within = smaller(larger(pose.angle[f], hand.lower[f]), hand.upper[f]);
    const V off = within - pose.angle[f];
    const Mask beyond = off * off > all(0.0);
    if (!any(beyond)) continue;
    const V weight = beyond ? information : all(0.0);
    const V* row = hand.basis + f * n;
    for (std::size_t i = 0; i < n; ++i) {
      const V scaled = weight * row[i];
      system.gradient[i] += scaled * off;
      for (std::size_t j = 0; j <= i; ++j) system.matrix[rowOf(i) + j] += scaled * row[j];
    }
  }
}

// Cholesky's decomposition in place; diagonals become one over those of the factor. Sums go on side by side, here and
// below: one after the other would wait for each other.
inline void factorHand(V* m, std::size_t n) {
  V column[kMostHandCoordinates];
  for (std::size_t k = 0; k < n; ++k) {
    V& pivot = m[rowOf(k) + k];
    pivot = all(1.0) / squareRoot(larger(pivot, all(1e-12)));
    for (std::size_t i = k + 1; i < n; ++i) column[i] = m[rowOf(i) + k] *= pivot;
    for (std::size_t i = k + 1; i < n; ++i) {
      V* row = m + rowOf(i);
      for (std::size_t j = k + 1; j <= i; ++j) row[j] -= column[i] * column[j];
    }
  }
}

// Solves with the factor for Size right sides at once.
template <std::size_t Size>
inline void solveLower(const V* factor, std::size_t n, V (*x)[Size]) {
  for (std::size_t i = 0; i < n; ++i) {
    const V* row = factor + rowOf(i);
    V sum[Size];
    for (std::size_t r = 0; r < Size; ++r) sum[r] = x[i][r];
    for (std::size_t k = 0; k < i; ++k) {
      for (std::size_t r = 0; r < Size; ++r) sum[r] -= row[k] * x[k][r];
    }
    for (std::size_t r = 0; r < Size; ++r) x[i][r] = sum[r] * row[i];
  }
}

inline void solveUpper(const V* factor, std::size_t n, V* x) {
  for (std::size_t i = n; i-- > 0;) {
    x[i] *= factor[rowOf(i) + i];
    const V* row = factor + rowOf(i);
    for (std::size_t k = 0; k < i; ++k) x[k] -= row[k] * x[i];
  }
}

// The inverse of the matrix whose factor is given, lower triangle, in place.
inline void invertFactored(V* m, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {  // The factor's own inverse ...
    V sum[kMostHandCoordinates];
    V* row = m + rowOf(i);
    for (std::size_t j = 0; j < i; ++j) sum[j] = all(0.0);
    for (std::size_t k = 0; k < i; ++k) {
      for (std::size_t j = 0; j <= k; ++j) sum[j] += row[k] * m[rowOf(k) + j];
    }
    for (std::size_t j = 0; j < i; ++j) row[j] = -(sum[j] * row[i]);
  }
  for (std::size_t i = 0; i < n; ++i) {  // ... and its transpose times that.
    V sum[kMostHandCoordinates];
    for (std::size_t j = 0; j <= i; ++j) sum[j] = all(0.0);
    for (std::size_t k = i; k < n; ++k) {
      const V* row = m + rowOf(k);
      for (std::size_t j = 0; j <= i; ++j) sum[j] += row[i] * row[j];
    }
    for (std::size_t j = 0; j <= i; ++j) m[rowOf(i) + j] = sum[j];
  }
}

// Information after a time in which every coordinate may stray by `variance`, and of which the share `forgets` goes
// back to what is usual (1): ((information^-1 + variance)^-1) = (1 - (1 + variance information)^-1) / variance.
inline void diffuseHand(V* information, std::size_t n, V variance, V forgets) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) information[rowOf(i) + j] *= variance;
    information[rowOf(i) + i] += all(1.0);
  }
  factorHand(information, n);
  invertFactored(information, n);
  const V scale = (all(1.0) - forgets) / variance;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) information[rowOf(i) + j] *= -scale;
    V& diagonal = information[rowOf(i) + i];
    diagonal = (all(1.0) - diagonal) * scale;
  }
}

}  // namespace
