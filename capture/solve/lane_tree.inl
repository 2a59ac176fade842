// Part of lane_kernels.inl: see there.

namespace {

// ---- The normal equations of the tree ----

template <std::size_t Size>
void keepWhere(Mask mask, const V* values, V* kept) {
  for (std::size_t k = 0; k < Size; ++k) kept[k] = mask ? values[k] : kept[k];
}

// How points move with each freedom: rotation axis, and velocity at the root. What is kept of the last step that a lane
// took stays as it was while others go on.
void fillAxes(const Work& w, Mask active) {
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const V* place = at(w.a.world_translation, 3 * j);
    keepWhere<3>(active, place, at(w.a.step_place, 3 * j));
    const std::size_t count = w.freedoms(j);
    if (count == 0) continue;
    const V* turn = at(w.a.world_turn, 9 * j);
    V* axes = at(w.a.axes, 6 * w.freedom(j));
    for (std::size_t k = 0; k < 3; ++k, axes += 6) {
      V axis[6];
      turnBy(turn, at(w.a.basis, 9 * j + 3 * k), axis);
      cross(place, axis, axis + 3);
      keepWhere<6>(active, axis, axes);
    }
    if (count != 6) continue;
    for (std::size_t k = 0; k < 3; ++k, axes += 6) {
      V axis[6];
      for (std::size_t c = 0; c < 3; ++c) {
        axis[c] = all(0.0);
        axis[3 + c] = w.hasParent(j) ? at(w.a.world_turn, 9 * w.parent(j))[3 * k + c] : all(k == c ? 1.0 : 0.0);
      }
      keepWhere<6>(active, axis, axes);
    }
  }
}

V dot6(const V* a, const V* b) {
  return ((a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3])) + (a[4] * b[4] + a[5] * b[5]);
}

// Freedoms come in threes: the turns of a joint, or its shifts, which come below its turns. Each triple is
// eliminated as one: given the motion m of what is above it, its steps are q = F^-1 (z - R m) with the
// unit lower triangle F = (1; f10 1; f20 f21 1), and what is left open of them is F^-1 n, n of the variances 1 / pivot.
struct Triple {
  const V* axes;     // 3 times 6.
  V* reach;          // R, 3 times 6.
  V* factor;         // f10, f20, f21.
  V* open;           // One over the pivots.
  V* step;           // z, and q in the end.
};

Triple tripleAt(const Work& w, std::size_t first) {
  return {at(w.a.axes, 6 * first), at(w.a.reach, 6 * first), at(w.a.factor, first), at(w.a.open, first),
          at(w.a.gradient, first)};
}

// A symmetric matrix (lower triangle, row after row) times a vector.
void timesSymmetric(const V* matrix, const V* vector, V* out) {
  for (std::size_t r = 0; r < 6; ++r) {
    V sum = matrix[packed(r, 0)] * vector[0];
    for (std::size_t c = 1; c < 6; ++c) sum += matrix[r >= c ? packed(r, c) : packed(c, r)] * vector[c];
    out[r] = sum;
  }
}

// What is believed of a joint without markers: the prediction, the rest pose.
struct Prior {
  V information[6], gradient[6];
};

void addPull(const Work& w, std::size_t joint, Prior& prior) {
  const LaneArrays& a = w.a;
  const V pull = all(w.settings.rest_information) * *at(a.rest_share, 0);
  V away[6];
  V turn[4], vector[3];
  between(at(a.rest_rotation, 4 * joint), at(a.candidate_rotation, 4 * joint), turn);
  logarithm(turn, vector);
  turnBack(at(a.basis, 9 * joint), vector, away);
  for (std::size_t k = 0; k < 3; ++k) {
    away[3 + k] = at(a.candidate_translation, 3 * joint)[k] - at(a.rest_translation, 3 * joint)[k];
  }
  for (std::size_t k = 0; k < 6; ++k) {
    prior.information[k] += pull;
    prior.gradient[k] -= pull * away[k];
  }
}

Prior priorOf(const Work& w, std::size_t joint, bool first_iteration) {
  constexpr double kLeast = 1e-6;
  const LaneArrays& a = w.a;
  const std::size_t count = w.freedoms(joint), first = w.freedom(joint);
  Prior prior;
  for (std::size_t k = 0; k < count; ++k) {
    prior.information[k] = *at(a.information, first + k);
    prior.gradient[k] = all(0.0);
  }
  if (!first_iteration) {
    V off[6];
    freedomsBetween(w, joint, at(a.candidate_rotation, 4 * joint), at(a.predicted_rotation, 4 * joint), off);
    for (std::size_t k = 3; k < count; ++k)
      off[k] = at(a.predicted_translation, 3 * joint)[k - 3] - at(a.candidate_translation, 3 * joint)[k - 3];
    for (std::size_t k = 0; k < count; ++k) prior.gradient[k] = prior.information[k] * off[k];
    const V* with = at(a.turn_information, 3 * joint);
    prior.gradient[0] += with[0] * off[1] + with[1] * off[2];
    prior.gradient[1] += with[0] * off[0] + with[2] * off[2];
    prior.gradient[2] += with[1] * off[0] + with[2] * off[1];
  }
  if (!w.hasParent(joint)) {
    for (std::size_t k = 0; k < count; ++k) prior.information[k] += all(kLeast);
  } else if (count == 6) {
    addPull(w, joint, prior);  // Habits hold the others.
  }
  return prior;
}

// Of a triple: what is believed of its freedoms' information, on and beside the diagonal, and gradient.
struct Beliefs {
  const V *information, *between, *gradient;
};

// Eliminates a triple: what markers say of it and all that hangs on it becomes what they say of the motion above.
void eliminate(const Triple& t, const Beliefs& believed, Mask active, V* moment, V* force) {
  V reach[3][6], g[3];
  for (std::size_t k = 0; k < 3; ++k) {
    timesSymmetric(moment, t.axes + 6 * k, reach[k]);
    g[k] = believed.gradient[k] + dot6(t.axes + 6 * k, force);
  }
  const V d22 = dot6(reach[2], t.axes + 12) + believed.information[2];
  const V d21 = dot6(reach[2], t.axes + 6) + believed.between[2], d20 = dot6(reach[2], t.axes) + believed.between[1];
  V d11 = dot6(reach[1], t.axes + 6) + believed.information[1];
  V d10 = dot6(reach[1], t.axes) + believed.between[0];
  V d00 = dot6(reach[0], t.axes) + believed.information[0];
  V open[3];
  open[2] = all(1.0) / d22;
  const V f21 = d21 * open[2], f20 = d20 * open[2];
  d11 -= f21 * d21;
  d10 -= f21 * d20;
  open[1] = all(1.0) / d11;
  const V f10 = d10 * open[1];
  d00 = (d00 - f20 * d20) - f10 * d10;
  open[0] = all(1.0) / d00;
  g[1] -= f21 * g[2];
  g[0] = (g[0] - f20 * g[2]) - f10 * g[1];
  for (std::size_t r = 0; r < 6; ++r) {
    reach[1][r] -= f21 * reach[2][r];
    reach[0][r] = (reach[0][r] - f20 * reach[2][r]) - f10 * reach[1][r];
  }
  const V factor[3] = {f10, f20, f21};
  keepWhere<3>(active, factor, t.factor);
  keepWhere<3>(active, open, t.open);
  for (std::size_t k = 0; k < 3; ++k) {
    const V step = g[k] * open[k];
    V row[6];
    for (std::size_t r = 0; r < 6; ++r) {
      row[r] = reach[k][r] * open[k];
      force[r] -= reach[k][r] * step;
      for (std::size_t c = 0; c <= r; ++c) moment[packed(r, c)] -= row[r] * reach[k][c];
    }
    keepWhere<6>(active, row, t.reach + 6 * k);
    t.step[k] = step;
  }
}

// Eliminates a joint's freedoms from its moment and force (which are then what it tells its parent).
void eliminateJoint(const Work& w, std::size_t joint, bool first_iteration, Mask active, V* moment, V* force) {
  const std::size_t count = w.freedoms(joint), first = w.freedom(joint);
  if (count == 0) return;
  const Prior prior = priorOf(w, joint, first_iteration);
  if (count == 6) {
    const V apart[3] = {all(0.0), all(0.0), all(0.0)};
    eliminate(tripleAt(w, first + 3), {prior.information + 3, apart, prior.gradient + 3}, active, moment, force);
  }
  eliminate(tripleAt(w, first), {prior.information, at(w.a.turn_information, 3 * joint), prior.gradient}, active, moment,
            force);
}

// From the leaves to the root: all that markers, holds and fingers say of joints, and each joint's freedoms eliminated
// (the articulated-body algorithm; Featherstone, "Rigid Body Dynamics Algorithms", 2008, chapter 7): what hangs on a
// joint comes down to six numbers and a matrix of six by six, however long the chain.
void eliminateTree(const Work& w, const Trust& trust, bool first_iteration, Mask active) {
  const LaneArrays& a = w.a;
  findUsualDistances(w);
  for (std::size_t j = w.shape.joints; j-- > 0;) {
    V moment[21], force[6];
    for (std::size_t k = 0; k < 21; ++k) moment[k] = at(a.moments, 21 * j)[k];
    for (std::size_t k = 0; k < 6; ++k) force[k] = at(a.forces, 6 * j)[k];
    addJointMarkers(w, j, trust, moment, force);
    addHolds(w, j, a.candidate_translation, moment, force);
    addHands(w, j, moment, force);
    eliminateJoint(w, j, first_iteration, active, moment, force);
    if (!w.hasParent(j)) continue;
    const std::size_t p = w.parent(j);
    for (std::size_t k = 0; k < 21; ++k) at(a.moments, 21 * p)[k] += moment[k];
    for (std::size_t k = 0; k < 6; ++k) at(a.forces, 6 * p)[k] += force[k];
  }
}

// A triple's steps, given the motion above it; adds them to the motion.
void followTriple(const Triple& t, V* motion) {
  const V z[3] = {t.step[0] - dot6(t.reach, motion), t.step[1] - dot6(t.reach + 6, motion),
                  t.step[2] - dot6(t.reach + 12, motion)};
  const V q0 = z[0], q1 = z[1] - t.factor[0] * q0, q2 = (z[2] - t.factor[1] * q0) - t.factor[2] * q1;
  for (std::size_t r = 0; r < 6; ++r) {
    motion[r] += (t.axes[r] * q0 + t.axes[6 + r] * q1) + t.axes[12 + r] * q2;
  }
  t.step[0] = q0;
  t.step[1] = q1;
  t.step[2] = q2;
}

// From the root to the leaves: the steps of all freedoms, and the motions of the joints.
void findSteps(const Work& w) {
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    V motion[6];
    for (std::size_t k = 0; k < 6; ++k)
      motion[k] = w.hasParent(j) ? at(w.a.motion, 6 * w.parent(j))[k] : all(0.0);
    for (std::size_t k = 0; k < w.freedoms(j); k += 3) followTriple(tripleAt(w, w.freedom(j) + k), motion);
    for (std::size_t k = 0; k < 6; ++k) at(w.a.motion, 6 * j)[k] = motion[k];
  }
}

// Information about each freedom, given the joints above: one over its variance in the inverse of
// its joint's block.
void findInformation(const Work& w) {
  for (std::size_t i = 0; i < w.shape.freedoms; i += 3) {
    const Triple t = tripleAt(w, i);
    const V f10 = t.factor[0], f20 = t.factor[1], f21 = t.factor[2];
    const V v0 = t.open[0], v1 = t.open[1], v2 = t.open[2];
    const V far = f10 * f21 - f20;
    V* information = at(w.a.diagonal, i);
    information[0] = all(1.0) / v0;
    information[1] = all(1.0) / (f10 * f10 * v0 + v1);
    information[2] = all(1.0) / ((far * far * v0 + f21 * f21 * v1) + v2);
    const std::size_t joint = static_cast<std::size_t>(w.shape.freedom_joint[i]);
    if (i != w.freedom(joint)) continue;  // Shifts.
    V* covariance = at(w.a.turn_covariance, 3 * joint);
    covariance[0] = -(f10 * v0);
    covariance[1] = far * v0;
    covariance[2] = -(f10 * far * v0 + f21 * v1);
  }
}

// The covariance of the motion below a triple from that above, in place.
void spread(const Triple& t, V* covariance) {
  V axes[3][6], met[3][6];
  for (std::size_t r = 0; r < 6; ++r) {
    axes[2][r] = t.axes[12 + r];
    axes[1][r] = t.axes[6 + r] - t.factor[2] * axes[2][r];
    axes[0][r] = (t.axes[r] - t.factor[1] * axes[2][r]) - t.factor[0] * axes[1][r];
  }
  for (std::size_t k = 0; k < 3; ++k) timesSymmetric(covariance, t.reach + 6 * k, met[k]);
  // (I - A R) P (I - A R)^T + A V A^T, as P - W A^T - A W^T with W = P R^T - A (R P R^T + V) / 2.
  V half[3][3];
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t c = 0; c <= k; ++c) {
      V sum = dot6(t.reach + 6 * k, met[c]);
      if (c == k) sum += t.open[k];
      half[k][c] = half[c][k] = all(0.5) * sum;
    }
  }
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t r = 0; r < 6; ++r) {
      met[k][r] -= (half[k][0] * axes[0][r] + half[k][1] * axes[1][r]) + half[k][2] * axes[2][r];
    }
  }
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t c = 0; c <= r; ++c) {
      V& entry = covariance[packed(r, c)];
      for (std::size_t k = 0; k < 3; ++k) entry -= met[k][r] * axes[k][c] + axes[k][r] * met[k][c];
    }
  }
}

// Covariance of a place that moves with a motion: upper triangle, row after row.
void placeCovariance(const V* covariance, const V* place, V* out) {
  V half[3][6];  // J P: the place moves by v + w x p.
  for (std::size_t c = 0; c < 6; ++c) {
    V column[6], turned[3];
    for (std::size_t r = 0; r < 6; ++r) column[r] = covariance[r >= c ? packed(r, c) : packed(c, r)];
    cross(column, place, turned);
    for (std::size_t r = 0; r < 3; ++r) half[r][c] = column[3 + r] + turned[r];
  }
  for (std::size_t r = 0, entry = 0; r < 3; ++r) {
    V turned[3];
    cross(half[r], place, turned);
    for (std::size_t c = r; c < 3; ++c) out[entry++] = half[r][3 + c] + turned[c];
  }
}

// Covariances of all joints' places, and of the motions of those that others hang on.
void findCovariances(const Work& w) {
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    V covariance[21];
    for (std::size_t k = 0; k < 21; ++k)
      covariance[k] = w.hasParent(j) ? at(w.a.motion_covariance, 21 * w.parent(j))[k] : all(0.0);
    const bool shifts = w.freedoms(j) == 6;
    const V* place = at(w.a.step_place, 3 * j);
    V* out = at(w.a.joint_covariance, 6 * j);
    // A joint's own turns do not move its place.
    if (!shifts) placeCovariance(covariance, place, out);
    if (shifts || w.shape.leads[j] != 0) {
      for (std::size_t k = 0; k < w.freedoms(j); k += 3) spread(tripleAt(w, w.freedom(j) + k), covariance);
      for (std::size_t k = 0; k < 21; ++k) at(w.a.motion_covariance, 21 * j)[k] = covariance[k];
    }
    if (shifts) placeCovariance(covariance, place, out);
  }
}

}  // namespace
