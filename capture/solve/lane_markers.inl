// Part of lane_kernels.inl: see there.

namespace {

// ---- Where things are ----

// World transforms of the candidate; translations are about the root's.
void chain(const Work& w, const LaneValue* rotations, const LaneValue* translations) {
  const LaneArrays& a = w.a;
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const V* local = at(const_cast<LaneValue*>(rotations), 4 * j);
    const V* place = at(const_cast<LaneValue*>(translations), 3 * j);
    V* rotation = at(a.world_rotation, 4 * j);
    V* translation = at(a.world_translation, 3 * j);
    if (w.hasParent(j)) {
      const std::size_t p = w.parent(j);
      multiply(at(a.world_rotation, 4 * p), local, rotation);
      turnBy(at(a.world_turn, 9 * p), place, translation);
      for (std::size_t k = 0; k < 3; ++k) translation[k] += at(a.world_translation, 3 * p)[k];
    } else {
      const V* origin = at(const_cast<LaneValue*>(translations), 0);
      for (std::size_t k = 0; k < 4; ++k) rotation[k] = local[k];
      for (std::size_t k = 0; k < 3; ++k) translation[k] = place[k] - origin[k];
    }
    matrixOf(rotation, at(a.world_turn, 9 * j));
  }
}

// The share of a marker's second joint, as long as markers show that joint: one that nobody sees
// would lead the first astray.
V alsoShare(const Work& w, std::size_t m) {
  const std::size_t also = static_cast<std::size_t>(w.shape.marker_also[m]);
  return *at(w.a.measured, also) > all(0.5) ? *at(w.a.also_share, m) : all(0.0);
}

// Moves a marker's place towards where its second joint has it, by that joint's share.
void blendPlace(const Work& w, std::size_t m, V* place) {
  const LaneArrays& a = w.a;
  const std::size_t also = static_cast<std::size_t>(w.shape.marker_also[m]);
  const V share = alsoShare(w, m);
  V other[3];
  turnBy(at(a.world_turn, 9 * also), at(a.also_offset, 3 * m), other);
  for (std::size_t k = 0; k < 3; ++k) {
    other[k] += at(a.world_translation, 3 * also)[k];
    place[k] += share * (other[k] - place[k]);
  }
}

// Residuals and squared distances of all markers; unseen ones have none.
void compare(const Work& w, const LaneValue* translations) {
  const LaneArrays& a = w.a;
  const V* origin = at(const_cast<LaneValue*>(translations), 0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    const std::size_t j = static_cast<std::size_t>(w.shape.marker_joint[m]);
    V* place = at(a.place, 3 * m);
    V* residual = at(a.residual, 3 * m);
    const Mask seen = *at(a.seen, m) > all(0.0);
    turnBy(at(a.world_turn, 9 * j), at(a.offset, 3 * m), place);
    for (std::size_t k = 0; k < 3; ++k) place[k] += at(a.world_translation, 3 * j)[k];
    if (w.shape.marker_also[m] >= 0) blendPlace(w, m, place);
    for (std::size_t k = 0; k < 3; ++k) {
      const V off = (at(a.position, 3 * m)[k] - origin[k]) - place[k];
      residual[k] = seen ? off : all(0.0);
    }
    *at(a.squared_distance, m) = dot3(residual, residual);
  }
}

// ---- What is kept of the error of predictions ----

void updateSurprise(const Work& w) {
  constexpr double kUsual = 4.0, kSudden = 16.0;  // Times the expected square.
  const LaneArrays& a = w.a;
  const V fall = *at(a.surprise_fall, 0);
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    V sum = all(0.0), count = all(0.0);
    for (std::int32_t i = w.shape.marker_begin[j]; i < w.shape.marker_begin[j + 1]; ++i) {
      const std::size_t m = static_cast<std::size_t>(w.shape.marker_order[i]);
      // A marker that comes back was predicted by its model alone.
      const Mask counts = (*at(a.seen, m) > all(0.0)) & (*at(a.unseen, m) <= all(0.0));
      V expected[3];
      turnBy(at(a.world_turn, 9 * j), at(a.bias, 3 * m), expected);
      for (std::size_t k = 0; k < 3; ++k) expected[k] = at(a.residual, 3 * m)[k] - expected[k];
      sum += counts ? dot3(expected, expected) / all(3.0) : all(0.0);
      count += counts ? all(1.0) : all(0.0);
    }
    const Mask informed = count > all(0.0);
    const V now = informed ? sum / larger(count, all(1.0)) : all(0.0);
    V& kept = *at(a.surprise, j);
    const V ratio = now / (kept + all(w.settings.smallest_variance));
    const V sudden = clampUnit((ratio - all(kUsual)) / all(kSudden - kUsual));
    *at(a.sudden, j) = informed ? sudden : all(0.0);
    const V rate = now > kept ? all(w.settings.surprise_rise) : fall;
    kept += informed ? rate * (now - kept) : all(0.0);
  }
}

// ---- Markers ----

// How many markers are seen, and the variance that they report in the mean.
struct SeenMarkers {
  V count, variance;
};

SeenMarkers seenMarkers(const Work& w) {
  V count = all(0.0), sum = all(0.0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    const V* c = at(w.a.covariance, 6 * m);
    count += *at(w.a.seen, m) > all(0.0) ? all(1.0) : all(0.0);
    sum += (c[0] + c[3] + c[5]) / all(3.0);  // Zero for those not seen.
  }
  return {count, sum / larger(count, all(1.0))};
}

// What skin and calibration add to a marker's variance, by what the model left unexplained of late:
// its squares over three equations a marker less the freedoms that took part, without what the
// markers themselves say.
V skinVariance(const Work& w) {
  constexpr double kLeast = 1e-8;  // Square metres.
  const SeenMarkers seen = seenMarkers(w);
  V freedoms = all(0.0);
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    freedoms += *at(w.a.measured, j) * all(static_cast<double>(w.shape.joint_freedoms[j]));
  }
  const V equations =
      larger(all(3.0) * seen.count - freedoms * *at(w.a.fitted, 0), larger(seen.count, all(1.0)));
  const V found = (*at(w.a.misfit, 0) * seen.count) / equations - seen.variance;
  return smaller(larger(found, all(kLeast)), all(w.settings.marker_variance));
}

// The inverse of a symmetric matrix (xx, xy, xz, yy, yz, zz) with `variance` on its diagonal, times `share`.
void invertSymmetric(const V* c, V variance, V share, V* out) {
  const V xx = c[0] + variance, yy = c[3] + variance, zz = c[5] + variance;
  const V m0 = yy * zz - c[4] * c[4], m1 = c[2] * c[4] - c[1] * zz, m2 = c[1] * c[4] - c[2] * yy;
  const V scale = share / ((xx * m0 + c[1] * m1) + c[2] * m2);
  out[0] = m0 * scale;
  out[1] = m1 * scale;
  out[2] = m2 * scale;
  out[3] = (xx * zz - c[2] * c[2]) * scale;
  out[4] = (c[1] * c[2] - xx * c[4]) * scale;
  out[5] = (xx * yy - c[1] * c[1]) * scale;
}

// Inverse of each marker's covariance plus that of the skin, times confidence.
void invertCovariances(const Work& w) {
  const V variance = skinVariance(w);
  *at(w.a.skin_variance, 0) = variance;
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    invertSymmetric(at(w.a.covariance, 6 * m), variance, *at(w.a.seen, m), at(w.a.marker_information, 6 * m));
  }
}

// Squared distance from the model that most markers about this one keep: the lower median over its
// segment and the next ones.
double usualSquaredDistance(const Work& w, std::size_t marker, std::size_t lane) {
  double sorted[kMostNeighbours];
  std::size_t count = 0;
  for (std::int32_t n = w.shape.neighbour_start[marker]; n < w.shape.neighbour_start[marker + 1]; ++n) {
    const std::size_t m = static_cast<std::size_t>(w.shape.neighbours[n]);
    if (!(w.a.seen[m].of[lane] > 0.0)) continue;
    const double value = w.a.squared_distance[m].of[lane];
    std::size_t place = count++;
    for (; place > 0 && sorted[place - 1] > value; --place) sorted[place] = sorted[place - 1];
    sorted[place] = value;
  }
  return count < 3 ? 0.0 : sorted[(count - 1) / 2];
}

// Where no marker is far from the model, the usual distance is below all radii and is not needed.
void findUsualDistances(const Work& w) {
  V furthest = all(0.0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    furthest = larger(furthest, *at(w.a.squared_distance, m));
  }
  const Mask needed = furthest * all(kSquaredAgreement) > all(w.settings.squared_radius);
  for (std::size_t m = 0; m < w.shape.markers; ++m) *at(w.a.usual, m) = all(0.0);
  if (!any(needed)) return;
  for (std::size_t lane = 0; lane < kSolveLanes; ++lane) {
    if (needed[lane] == 0) continue;
    for (std::size_t m = 0; m < w.shape.markers; ++m) {
      if (w.a.seen[m].of[lane] > 0.0) w.a.usual[m].of[lane] = kSquaredAgreement * usualSquaredDistance(w, m, lane);
    }
  }
}

// Variance that the uncertain joints above a marker give its predicted place.
V markerVariance(const Work& w, std::size_t marker) {
  std::size_t joint = static_cast<std::size_t>(w.shape.marker_joint[marker]);
  while (w.freedoms(joint) == 0 && w.hasParent(joint)) joint = w.parent(joint);
  V variance = all(0.0);
  if (w.freedoms(joint) == 0) return variance;
  std::int32_t f = static_cast<std::int32_t>(w.freedom(joint) + w.freedoms(joint)) - 1;
  for (; f >= 0; f = w.shape.freedom_parent[f]) {
    const V* axis = at(w.a.axes, 6 * static_cast<std::size_t>(f));
    V moved[3];
    cross(axis, at(w.a.place, 3 * marker), moved);
    for (std::size_t k = 0; k < 3; ++k) moved[k] += axis[3 + k];
    variance += dot3(moved, moved) * *at(w.a.expected_variance, static_cast<std::size_t>(f));
  }
  return variance;
}

// How much doubt an iteration leaves to markers.
struct Trust {
  V squared_radius;  // Of the robust weight.
  V hidden_share;    // Squared: by how much of the doubt about a hidden marker the radius grows.
};

// Adds a point's information to a joint's: the point moves by v + w x p = [-[p]x, I] (w, v).
void addMoment(const V* p, const V* info, const V* r, V* moment, V* force) {
  const V x = p[0], y = p[1], z = p[2];
  const V xx = info[0], xy = info[1], xz = info[2], yy = info[3], yz = info[4], zz = info[5];
  const V c[3][3] = {{y * xz - z * xy, y * yz - z * yy, y * zz - z * yz},
                     {z * xx - x * xz, z * xy - x * yz, z * xz - x * zz},
                     {x * xy - y * xx, x * yy - y * xy, x * yz - y * xz}};
  moment[0] += y * c[0][2] - z * c[0][1];
  moment[1] += y * c[1][2] - z * c[1][1];
  moment[2] += z * c[1][0] - x * c[1][2];
  moment[3] += y * c[2][2] - z * c[2][1];
  moment[4] += z * c[2][0] - x * c[2][2];
  moment[5] += x * c[2][1] - y * c[2][0];
  for (std::size_t column = 0; column < 3; ++column) {
    moment[packed(3, column)] += c[column][0];
    moment[packed(4, column)] += c[column][1];
    moment[packed(5, column)] += c[column][2];
  }
  moment[packed(3, 3)] += xx;
  moment[packed(4, 3)] += xy;
  moment[packed(4, 4)] += yy;
  moment[packed(5, 3)] += xz;
  moment[packed(5, 4)] += yz;
  moment[packed(5, 5)] += zz;
  const V f[3] = {(xx * r[0] + xy * r[1]) + xz * r[2], (xy * r[0] + yy * r[1]) + yz * r[2],
                  (xz * r[0] + yz * r[1]) + zz * r[2]};
  V turn[3];
  cross(p, f, turn);
  for (std::size_t k = 0; k < 3; ++k) {
    force[k] += turn[k];
    force[3 + k] += f[k];
  }
}

// Gives a marker's second joint its share, and leaves what the marker's own joint is to have. Where
// that is the parent, the own joint moves the marker by its own share only. A child is left to its
// own markers: by a small share of one it would have to turn far.
void shareMoment(const Work& w, std::size_t m, V* info) {
  const LaneArrays& a = w.a;
  const std::size_t also = static_cast<std::size_t>(w.shape.marker_also[m]);
  if (w.shape.marker_also[m] > w.shape.marker_joint[m]) return;
  const V share = alsoShare(w, m);
  V part[6];
  for (std::size_t k = 0; k < 6; ++k) {
    part[k] = share * info[k];
    info[k] -= part[k];
  }
  addMoment(at(a.place, 3 * m), part, at(a.residual, 3 * m), at(a.moments, 21 * also), at(a.forces, 6 * also));
}

// Adds a joint's own markers to its moment and force.
void addJointMarkers(const Work& w, std::size_t joint, const Trust& trust, V* moment, V* force) {
  const LaneArrays& a = w.a;
  for (std::int32_t i = w.shape.marker_begin[joint]; i < w.shape.marker_begin[joint + 1]; ++i) {
    const std::size_t m = static_cast<std::size_t>(w.shape.marker_order[i]);
    const Mask seen = *at(a.seen, m) > all(0.0);
    if (!any(seen)) continue;
    V squared_radius = larger(trust.squared_radius, *at(a.usual, m));
    const Mask back = seen & (*at(a.unseen, m) > all(0.0));
    if (any(back)) squared_radius += back ? trust.hidden_share * markerVariance(w, m) : all(0.0);
    // Geman and McClure's weight (1985): 1 at the model, 1/4 at the radius.
    const V share = squared_radius / (squared_radius + *at(a.squared_distance, m));
    const V weight = share * share;
    V info[6];
    for (std::size_t k = 0; k < 6; ++k) info[k] = at(a.marker_information, 6 * m)[k] * weight;
    if (w.shape.marker_also[m] >= 0) shareMoment(w, m, info);
    addMoment(at(a.place, 3 * m), info, at(a.residual, 3 * m), moment, force);
  }
}

}  // namespace
