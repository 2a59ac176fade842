// Part of lane_kernels.inl: see there.

namespace {

// ---- The normal equations of the tree ----

// How points move with each freedom: rotation axis, and velocity at the root.
void fillAxes(const Work& w) {
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const std::size_t count = w.freedoms(j);
    if (count == 0) continue;
    const V* turn = at(w.a.world_turn, 9 * j);
    V* axes = at(w.a.axes, 6 * w.freedom(j));
    for (std::size_t k = 0; k < 3; ++k, axes += 6) {
      turnBy(turn, at(w.a.basis, 9 * j + 3 * k), axes);
      cross(at(w.a.world_translation, 3 * j), axes, axes + 3);
    }
    if (count != 6) continue;
    for (std::size_t k = 0; k < 3; ++k, axes += 6) {
      for (std::size_t c = 0; c < 3; ++c) {
        axes[c] = all(0.0);
        axes[3 + c] = w.hasParent(j) ? at(w.a.world_turn, 9 * w.parent(j))[3 * k + c] : all(k == c ? 1.0 : 0.0);
      }
    }
  }
}

V dot6(const V* a, const V* b) {
  return ((a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3])) + (a[4] * b[4] + a[5] * b[5]);
}

// Freedoms come in threes: the rotations of a joint, or its translations. A triple's rows hold the
// entries of all triples above it, then its own.
struct Triple {
  std::size_t first;  // Freedom.
  std::size_t above;  // Entries of a row before the triple's own.
  V* row[3];
};

Triple tripleAt(const Work& w, std::size_t first) {
  return {first,
          static_cast<std::size_t>(w.shape.depth[first]),
          {at(w.a.matrix, w.row(first)), at(w.a.matrix, w.row(first + 1)), at(w.a.matrix, w.row(first + 2))}};
}

// First freedom of the triple above, -1 for none.
std::int32_t tripleAbove(const Work& w, std::size_t first) {
  const std::int32_t last = w.shape.freedom_parent[first];
  return last < 0 ? -1 : last - 2;
}

// Matrix and gradient of the markers: each freedom's axis with the moments of its joint and the
// axes above.
void project(const Work& w) {
  const LaneArrays& a = w.a;
  for (std::size_t i = 0; i < w.shape.freedoms; i += 3) {
    const std::size_t joint = static_cast<std::size_t>(w.shape.freedom_joint[i]);
    const V* moment = at(a.moments, 21 * joint);
    const V* axes = at(a.axes, 6 * i);
    const Triple triple = tripleAt(w, i);
    V force[3][6];
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t r = 0; r < 6; ++r) {
        V sum = moment[packed(r, 0)] * axes[6 * k];
        for (std::size_t c = 1; c < 6; ++c) sum += moment[r >= c ? packed(r, c) : packed(c, r)] * axes[6 * k + c];
        force[k][r] = sum;
      }
      *at(a.gradient, i + k) = dot6(axes + 6 * k, at(a.forces, 6 * joint));
      for (std::size_t c = 0; c <= k; ++c) triple.row[k][triple.above + c] = dot6(force[k], axes + 6 * c);
    }
    for (std::int32_t other = tripleAbove(w, i); other >= 0; other = tripleAbove(w, static_cast<std::size_t>(other))) {
      const V* above = at(a.axes, 6 * static_cast<std::size_t>(other));
      const std::size_t place = static_cast<std::size_t>(w.shape.depth[other]);
      for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t k = 0; k < 3; ++k) triple.row[k][place + c] = dot6(force[k], above + 6 * c);
      }
    }
  }
}

// What is believed without markers: the prediction, the rest pose, the limits.
void addPriors(const Work& w, bool first_iteration) {
  const LaneArrays& a = w.a;
  const V pull = all(w.settings.rest_information) * *at(a.rest_share, 0);
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const std::size_t count = w.freedoms(j), first = w.freedom(j);
    if (count == 0) continue;
    const V* candidate = at(a.candidate_rotation, 4 * j);
    for (std::size_t k = 0; k < count; ++k) *at(a.matrix, w.diagonal(first + k)) += *at(a.information, first + k);
    const V* with = at(a.turn_information, 3 * j);
    const Triple triple = tripleAt(w, first);
    triple.row[1][triple.above] += with[0];
    triple.row[2][triple.above] += with[1];
    triple.row[2][triple.above + 1] += with[2];
    if (!first_iteration) {
      V offset[6];
      freedomsBetween(w, j, candidate, at(a.predicted_rotation, 4 * j), offset);
      for (std::size_t k = 3; k < count; ++k)
        offset[k] = at(a.predicted_translation, 3 * j)[k - 3] - at(a.candidate_translation, 3 * j)[k - 3];
      for (std::size_t k = 0; k < count; ++k)
        *at(a.gradient, first + k) += *at(a.information, first + k) * offset[k];
      *at(a.gradient, first) += with[0] * offset[1] + with[1] * offset[2];
      *at(a.gradient, first + 1) += with[0] * offset[0] + with[2] * offset[2];
      *at(a.gradient, first + 2) += with[1] * offset[0] + with[2] * offset[1];
    }
    if (!w.hasParent(j)) {
      for (std::size_t k = 0; k < count; ++k) *at(a.matrix, w.diagonal(first + k)) += all(1e-6);
      continue;
    }
    if (count != 6) continue;  // Habits hold those.
    V turn[3];
    freedomsBetween(w, j, at(a.rest_rotation, 4 * j), candidate, turn);
    for (std::size_t k = 0; k < count; ++k) {
      *at(a.matrix, w.diagonal(first + k)) += pull;
      const V away = k < 3 ? turn[k] : at(a.candidate_translation, 3 * j)[k - 3] - at(a.rest_translation, 3 * j)[k - 3];
      *at(a.gradient, first + k) -= pull * away;
    }
  }
}

// Eliminates the lower freedoms of a triple from its upper ones; returns one over its pivots.
void eliminateWithin(const Triple& t, V* x, V* inverse) {
  const std::size_t n = t.above;
  V *r0 = t.row[0], *r1 = t.row[1], *r2 = t.row[2];
  inverse[2] = all(1.0) / r2[n + 2];
  const V f21 = r2[n + 1] * inverse[2], f20 = r2[n] * inverse[2];
  r1[n + 1] -= f21 * r2[n + 1];
  r1[n] -= f21 * r2[n];
  r0[n] -= f20 * r2[n];
  x[1] -= f21 * x[2];
  x[0] -= f20 * x[2];
  inverse[1] = all(1.0) / r1[n + 1];
  const V f10 = r1[n] * inverse[1];
  r0[n] -= f10 * r1[n];
  x[0] -= f10 * x[1];
  inverse[0] = all(1.0) / r0[n];
  for (std::size_t e = 0; e < n; ++e) {
    const V middle = r1[e] - f21 * r2[e];
    r1[e] = middle;
    r0[e] = (r0[e] - f20 * r2[e]) - f10 * middle;
  }
  r2[n + 1] = f21;
  r2[n] = f20;
  r1[n] = f10;
}

// Eliminates a triple from one that is above it.
void eliminateFrom(const Triple& t, const V* inverse, const Triple& above, const V* x, V* x_above) {
  V factor[3][3];  // Of the upper freedom, the lower one.
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t k = 0; k < 3; ++k) factor[c][k] = t.row[k][above.above + c] * inverse[k];
    x_above[c] -= (factor[c][0] * x[0] + factor[c][1] * x[1]) + factor[c][2] * x[2];
  }
  const auto subtract = [&](std::size_t c, std::size_t e) {
    above.row[c][e] -=
        (factor[c][0] * t.row[0][e] + factor[c][1] * t.row[1][e]) + factor[c][2] * t.row[2][e];
  };
  for (std::size_t e = 0; e < above.above; ++e) {
    for (std::size_t c = 0; c < 3; ++c) subtract(c, e);
  }
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t e = 0; e <= c; ++e) subtract(c, above.above + e);
  }
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t k = 0; k < 3; ++k) t.row[k][above.above + c] = factor[c][k];
  }
}

// Factors the matrix as L^T D L from the leaves (Featherstone 2008, table 6.3) and solves for the
// gradient.
void factorAndSolve(const Work& w) {
  V* x = lanes(w.a.gradient);
  for (std::size_t end = w.shape.freedoms; end > 0; end -= 3) {
    const Triple triple = tripleAt(w, end - 3);
    V* mine = x + triple.first;
    V inverse[3];
    eliminateWithin(triple, mine, inverse);
    for (std::int32_t up = tripleAbove(w, triple.first); up >= 0; up = tripleAbove(w, static_cast<std::size_t>(up))) {
      eliminateFrom(triple, inverse, tripleAt(w, static_cast<std::size_t>(up)), mine, x + up);
    }
  }
  for (std::size_t k = 0; k < w.shape.freedoms; ++k) {
    const V* row = at(w.a.matrix, w.row(k));
    const std::int32_t depth = w.shape.depth[k];
    V value = x[k] / row[depth];
    std::int32_t ancestor = w.shape.freedom_parent[k];
    for (std::int32_t d = depth - 1; d >= 0; --d) {
      value -= row[d] * x[ancestor];
      ancestor = w.shape.freedom_parent[ancestor];
    }
    x[k] = value;
  }
}

// Information about each freedom, given the joints above: one over its variance in the inverse of
// its joint's block.
void findInformation(const Work& w, Mask wanted) {
  for (std::size_t i = 0; i < w.shape.freedoms; i += 3) {
    const Triple t = tripleAt(w, i);
    const std::size_t n = t.above;
    const V f10 = t.row[1][n], f20 = t.row[2][n], f21 = t.row[2][n + 1];
    const V v0 = all(1.0) / t.row[0][n], v1 = all(1.0) / t.row[1][n + 1], v2 = all(1.0) / t.row[2][n + 2];
    const V far = f10 * f21 - f20;
    const V found[3] = {t.row[0][n], all(1.0) / (f10 * f10 * v0 + v1), all(1.0) / ((far * far * v0 + f21 * f21 * v1) + v2)};
    for (std::size_t k = 0; k < 3; ++k) {
      V& information = *at(w.a.diagonal, i + k);
      information = wanted ? found[k] : information;
    }
    const std::size_t joint = static_cast<std::size_t>(w.shape.freedom_joint[i]);
    if (i != w.freedom(joint)) continue;  // Shifts.
    const V with[3] = {-(f10 * v0), far * v0, -(f10 * far * v0 + f21 * v1)};
    for (std::size_t k = 0; k < 3; ++k) {
      V& covariance = at(w.a.turn_covariance, 3 * joint)[k];
      covariance = wanted ? with[k] : covariance;
    }
  }
}

// First freedom of the lowest triple that moves a joint's place, -1 for none: its own turns do not.
std::int32_t lowestTriple(const Work& w, std::size_t joint) {
  if (w.freedoms(joint) == 6) return static_cast<std::int32_t>(w.freedom(joint)) + 3;
  while (w.hasParent(joint)) {
    joint = w.parent(joint);
    if (w.freedoms(joint) > 0) return static_cast<std::int32_t>(w.freedom(joint) + w.freedoms(joint)) - 3;
  }
  return -1;
}

constexpr std::size_t kDeepest = 48;  // Triples of a chain.

// A chain of triples from below, and how each of its freedoms moves Size numbers.
template <std::size_t Size>
struct Chain {
  V moves[kDeepest][3][Size];
  std::int32_t triple[kDeepest];
  std::size_t count = 0;
};

// Covariance of those numbers, J H^-1 J^T with H = L^T D L: a solve with L^T that never leaves the chain. Its upper
// triangle, row after row.
template <std::size_t Size>
void sumChain(const Work& w, Chain<Size>& chain, V* sum) {
  for (std::size_t k = 0; k < Size * (Size + 1) / 2; ++k) sum[k] = all(0.0);
  for (std::size_t n = 0; n < chain.count; ++n) {
    const Triple triple = tripleAt(w, static_cast<std::size_t>(chain.triple[n]));
    V(&mine)[3][Size] = chain.moves[n];
    const std::size_t own = triple.above;
    for (std::size_t c = 0; c < Size; ++c) {
      mine[1][c] -= triple.row[2][own + 1] * mine[2][c];
      mine[0][c] -= triple.row[2][own] * mine[2][c] + triple.row[1][own] * mine[1][c];
    }
    for (std::size_t up = n + 1; up < chain.count; ++up) {
      const std::size_t entry = static_cast<std::size_t>(w.shape.depth[chain.triple[up]]);
      for (std::size_t k = 0; k < 3; ++k) {
        const V r0 = triple.row[0][entry + k], r1 = triple.row[1][entry + k], r2 = triple.row[2][entry + k];
        for (std::size_t c = 0; c < Size; ++c)
          chain.moves[up][k][c] -= (r0 * mine[0][c] + r1 * mine[1][c]) + r2 * mine[2][c];
      }
    }
    for (std::size_t k = 0; k < 3; ++k) {
      const V inverse = all(1.0) / triple.row[k][own + k];
      std::size_t entry = 0;
      for (std::size_t r = 0; r < Size; ++r) {
        const V scaled = mine[k][r] * inverse;
        for (std::size_t c = r; c < Size; ++c) sum[entry++] += scaled * mine[k][c];
      }
    }
  }
}

// Covariance of a joint's place.
void findCovariance(const Work& w, std::size_t joint, Mask wanted) {
  Chain<3> chain;
  const V* place = at(w.a.world_translation, 3 * joint);
  for (std::int32_t t = lowestTriple(w, joint); t >= 0 && chain.count < kDeepest;
       t = tripleAbove(w, static_cast<std::size_t>(t)), ++chain.count) {
    chain.triple[chain.count] = t;
    for (std::size_t k = 0; k < 3; ++k) {
      const V* axis = at(w.a.axes, 6 * (static_cast<std::size_t>(t) + k));
      V* moves = chain.moves[chain.count][k];
      cross(axis, place, moves);
      for (std::size_t c = 0; c < 3; ++c) moves[c] += axis[3 + c];
    }
  }
  V sum[6];
  sumChain(w, chain, sum);
  V* out = at(w.a.joint_covariance, 6 * joint);
  for (std::size_t k = 0; k < 6; ++k) out[k] = wanted ? sum[k] : out[k];
}

// Covariance of a joint's motion, turn and shift at the root.
void findMotionCovariance(const Work& w, std::size_t joint, V* out) {
  Chain<6> chain;
  while (w.freedoms(joint) == 0 && w.hasParent(joint)) joint = w.parent(joint);
  std::int32_t t = w.freedoms(joint) == 0 ? -1 : static_cast<std::int32_t>(w.freedom(joint) + w.freedoms(joint)) - 3;
  for (; t >= 0 && chain.count < kDeepest; t = tripleAbove(w, static_cast<std::size_t>(t)), ++chain.count) {
    chain.triple[chain.count] = t;
    for (std::size_t k = 0; k < 3; ++k) {
      const V* axis = at(w.a.axes, 6 * (static_cast<std::size_t>(t) + k));
      for (std::size_t c = 0; c < 6; ++c) chain.moves[chain.count][k][c] = axis[c];
    }
  }
  sumChain(w, chain, out);
}

}  // namespace
