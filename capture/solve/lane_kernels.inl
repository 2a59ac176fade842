// The kernels' one source, compiled twice with different instruction sets. No header but lane_kernels.h, so that no
// inline function exists in two builds.

#include "capture/solve/lane_math.inl"

namespace {

using understudy::solve::kSolveLanes;
using understudy::solve::LaneArrays;
using understudy::solve::LaneSettings;
using understudy::solve::LaneShape;

constexpr double kMeasuredGain = 1.1;    // A joint whose information grew by less was not measured.
constexpr double kSquaredAgreement = 4;  // Markers are believed to twice the distance of their neighbours.
constexpr int kReturnIterations = 3;     // More steps when a limb comes back into sight.
constexpr double kLongHidden = 0.05;     // Seconds.
constexpr double kLargestStep = 0.5;     // Of one iteration, radians.
constexpr std::size_t kMostNeighbours = 24;

struct Work {
  const LaneShape& shape;
  const LaneSettings& settings;
  const LaneArrays& a;

  std::size_t parent(std::size_t joint) const { return static_cast<std::size_t>(shape.parent[joint]); }
  bool hasParent(std::size_t joint) const { return shape.parent[joint] >= 0; }
  std::size_t freedom(std::size_t joint) const { return static_cast<std::size_t>(shape.joint_freedom[joint]); }
  std::size_t freedoms(std::size_t joint) const { return static_cast<std::size_t>(shape.joint_freedoms[joint]); }
  std::size_t row(std::size_t freedom) const { return static_cast<std::size_t>(shape.row[freedom]); }
  std::size_t diagonal(std::size_t freedom) const {
    return static_cast<std::size_t>(shape.row[freedom] + shape.depth[freedom]);
  }
};

// ---- Prediction ----

V* at(LaneValue* values, std::size_t index) { return lanes(values) + index; }

// Scales a rotation vector down to a length.
void limitLength(V* v, double longest) {
  const V squared = dot3(v, v);
  const Mask over = squared > all(longest * longest);
  if (!any(over)) return;
  const V scale = over ? all(longest) / squareRoot(squared) : all(1.0);
  for (int k = 0; k < 3; ++k) v[k] *= scale;
}

void turnJoint(const V* from, const V* step, V* to) {
  V turn[4], turned[4];
  exponential(step, turn);
  multiply(from, turn, turned);
  normalise(turned);
  for (int k = 0; k < 4; ++k) to[k] = turned[k];
}

// One freedom's way to the next frame. Two beliefs go along. `variance` is what the solver is told:
// loose, so that it never holds a motion back, for skin strays slowly and what it does in one frame it
// still does in the next; averaging would only lag. The filter's own (place and velocity, white
// acceleration) is about what does change from frame to frame, and smooths that alone.
V predictFreedom(const Work& w, std::size_t f, bool is_turn) {
  const LaneArrays& a = w.a;
  const V t = *at(a.seconds, 0);
  const V observed = *at(a.observed, f);
  const V foreseen = smaller(all(is_turn ? w.settings.turn_noise : w.settings.shift_noise) * t * t,
                             all(is_turn ? 0.3 : 0.1)) * observed;
  // What nothing measures goes on at a speed that nobody knows.
  const V drift = (all(1.0) - observed) * all(is_turn ? w.settings.hidden_turning : w.settings.hidden_speed) * t;
  const V sigma = squareRoot(*at(a.variance, f) + foreseen * foreseen) + drift;
  *at(a.information, f) = all(1.0) / smaller(sigma * sigma, all(w.settings.largest_variance));

  V& velocity = *at(a.velocity, f);
  V& place = *at(a.place_variance, f);
  V& speed = *at(a.velocity_variance, f);
  V& both = *at(a.velocity_covariance, f);
  const V damping = *at(a.hidden_damping, 0) + observed * (all(1.0) - *at(a.hidden_damping, 0));
  const V noise = *at(a.acceleration_variance, f) * t * t;
  velocity *= damping;
  speed *= damping * damping;
  both *= damping;
  place += all(2.0) * t * both + t * t * (speed + all(0.25) * noise);
  both += t * (speed + all(0.5) * noise);
  speed += noise;
  return velocity * t;
}

void predict(const Work& w) {
  const LaneArrays& a = w.a;
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const V* from = at(a.rotation, 4 * j);
    V* to = at(a.predicted_rotation, 4 * j);
    V* place = at(a.predicted_translation, 3 * j);
    for (std::size_t k = 0; k < 3; ++k) place[k] = at(a.translation, 3 * j)[k];
    for (std::size_t k = 0; k < 4; ++k) to[k] = from[k];
    const std::size_t count = w.freedoms(j);
    if (count == 0) continue;
    V step[6];
    for (std::size_t k = 0; k < count; ++k) step[k] = predictFreedom(w, w.freedom(j) + k, k < 3);
    limitLength(step, 1.0);
    turnJoint(from, step, to);
    if (count == 6) {
      for (std::size_t k = 0; k < 3; ++k) place[k] += step[3 + k];
    }
  }
}

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
    for (std::size_t k = 0; k < 3; ++k) {
      place[k] += at(a.world_translation, 3 * j)[k];
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

// What skin and calibration add to a marker's variance, by what the model left unexplained of late:
// its squares over three equations a marker less the freedoms that took part, without what the
// markers themselves say.
V skinVariance(const Work& w) {
  constexpr double kLeast = 1e-8;  // Square metres.
  V freedoms = all(0.0), seen = all(0.0), reported = all(0.0);
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    freedoms += *at(w.a.measured, j) * all(static_cast<double>(w.shape.joint_freedoms[j]));
  }
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    const V* c = at(w.a.covariance, 6 * m);
    seen += *at(w.a.seen, m) > all(0.0) ? all(1.0) : all(0.0);
    reported += (c[0] + c[3] + c[5]) / all(3.0);  // Zero for those not seen.
  }
  const V equations = larger(all(3.0) * seen - freedoms * *at(w.a.fitted, 0), larger(seen, all(1.0)));
  const V found = (*at(w.a.misfit, 0) * seen) / equations - reported / larger(seen, all(1.0));
  return smaller(larger(found, all(kLeast)), all(w.settings.marker_variance));
}

// Inverse of each marker's covariance plus that of the skin, times confidence.
void invertCovariances(const Work& w) {
  const V variance = skinVariance(w);
  *at(w.a.skin_variance, 0) = variance;
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    const V* c = at(w.a.covariance, 6 * m);
    V* out = at(w.a.marker_information, 6 * m);
    const V xx = c[0] + variance, yy = c[3] + variance, zz = c[5] + variance;
    const V m0 = yy * zz - c[4] * c[4], m1 = c[2] * c[4] - c[1] * zz, m2 = c[1] * c[4] - c[2] * yy;
    const V scale = *at(w.a.seen, m) / ((xx * m0 + c[1] * m1) + c[2] * m2);
    out[0] = m0 * scale;
    out[1] = m1 * scale;
    out[2] = m2 * scale;
    out[3] = (xx * zz - c[2] * c[2]) * scale;
    out[4] = (c[1] * c[2] - xx * c[4]) * scale;
    out[5] = (xx * yy - c[1] * c[1]) * scale;
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
    variance += dot3(moved, moved) / *at(w.a.information, static_cast<std::size_t>(f));
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

// Moments and forces of all joints, each with its descendants'.
void gatherMoments(const Work& w, const Trust& trust) {
  const LaneArrays& a = w.a;
  findUsualDistances(w);
  for (std::size_t j = w.shape.joints; j-- > 0;) {
    V moment[21], force[6];
    for (V& value : moment) value = all(0.0);
    for (V& value : force) value = all(0.0);
    for (std::int32_t i = w.shape.marker_begin[j]; i < w.shape.marker_begin[j + 1]; ++i) {
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
      addMoment(at(a.place, 3 * m), info, at(a.residual, 3 * m), moment, force);
    }
    V* moment_sum = at(a.moments, 21 * j);
    V* force_sum = at(a.forces, 6 * j);
    for (std::size_t k = 0; k < 21; ++k) moment_sum[k] += moment[k];
    for (std::size_t k = 0; k < 6; ++k) force_sum[k] += force[k];
    if (!w.hasParent(j)) continue;
    const std::size_t p = w.parent(j);
    for (std::size_t k = 0; k < 21; ++k) at(a.moments, 21 * p)[k] += moment_sum[k];
    for (std::size_t k = 0; k < 6; ++k) at(a.forces, 6 * p)[k] += force_sum[k];
  }
}

// ---- The normal equations of the tree ----

// How points move with each freedom: rotation axis, and velocity at the root.
void fillAxes(const Work& w) {
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const std::size_t count = w.freedoms(j);
    if (count == 0) continue;
    const V* turn = at(w.a.world_turn, 9 * j);
    V* axes = at(w.a.axes, 6 * w.freedom(j));
    for (std::size_t k = 0; k < 3; ++k, axes += 6) {
      for (std::size_t c = 0; c < 3; ++c) axes[c] = turn[3 * k + c];
      cross(at(w.a.world_translation, 3 * j), turn + 3 * k, axes + 3);
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

// Pulls a joint back that is turned further from rest than its limit, along the turn alone; per
// axis, so that the tree stays sparse.
void addLimit(const Work& w, std::size_t joint, const V* turn) {
  const V limit = *at(w.a.limit, joint);
  const V squared = dot3(turn, turn);
  const Mask over = (squared > limit * limit) & (limit < all(3.14));
  if (!any(over)) return;
  const V angle = squareRoot(squared);
  const V information = over ? all(w.settings.limit_information) : all(0.0);
  const V excess = over ? angle - limit : all(0.0);
  const V inverse = all(1.0) / larger(angle, all(1e-9));
  for (std::size_t k = 0; k < 3; ++k) {
    const V direction = turn[k] * inverse;
    *at(w.a.matrix, w.diagonal(w.freedom(joint) + k)) += information * direction * direction;
    *at(w.a.gradient, w.freedom(joint) + k) -= information * direction * excess;
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
    if (!first_iteration) {
      V back[4], offset[6];
      between(candidate, at(a.predicted_rotation, 4 * j), back);
      logarithm(back, offset);
      for (std::size_t k = 3; k < count; ++k)
        offset[k] = at(a.predicted_translation, 3 * j)[k - 3] - at(a.candidate_translation, 3 * j)[k - 3];
      for (std::size_t k = 0; k < count; ++k)
        *at(a.gradient, first + k) += *at(a.information, first + k) * offset[k];
    }
    if (!w.hasParent(j)) {
      for (std::size_t k = 0; k < count; ++k) *at(a.matrix, w.diagonal(first + k)) += all(1e-6);
      continue;
    }
    V home[4], turn[3];
    between(at(a.rest_rotation, 4 * j), candidate, home);
    logarithm(home, turn);
    for (std::size_t k = 0; k < count; ++k) {
      *at(a.matrix, w.diagonal(first + k)) += pull;
      const V away = k < 3 ? turn[k] : at(a.candidate_translation, 3 * j)[k - 3] - at(a.rest_translation, 3 * j)[k - 3];
      *at(a.gradient, first + k) -= pull * away;
    }
    addLimit(w, j, turn);
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

// First freedom of the lowest triple that moves a joint's place, -1 for none: its own turns do not.
std::int32_t lowestTriple(const Work& w, std::size_t joint) {
  if (w.freedoms(joint) == 6) return static_cast<std::int32_t>(w.freedom(joint)) + 3;
  while (w.hasParent(joint)) {
    joint = w.parent(joint);
    if (w.freedoms(joint) > 0) return static_cast<std::int32_t>(w.freedom(joint) + w.freedoms(joint)) - 3;
  }
  return -1;
}

// Covariance of a joint's place, J H^-1 J^T with H = L^T D L: a solve with L^T that never leaves the
// joint's chain.
void findCovariance(const Work& w, std::size_t joint, Mask wanted) {
  constexpr std::size_t kDeepest = 48;  // Triples.
  V b[kDeepest][3][3];                  // Per freedom of the chain from below: how it moves the place.
  std::int32_t chain[kDeepest];
  const V* place = at(w.a.world_translation, 3 * joint);
  std::size_t count = 0;
  for (std::int32_t t = lowestTriple(w, joint); t >= 0 && count < kDeepest;
       t = tripleAbove(w, static_cast<std::size_t>(t)), ++count) {
    chain[count] = t;
    for (std::size_t k = 0; k < 3; ++k) {
      const V* axis = at(w.a.axes, 6 * (static_cast<std::size_t>(t) + k));
      cross(axis, place, b[count][k]);
      for (std::size_t c = 0; c < 3; ++c) b[count][k][c] += axis[3 + c];
    }
  }
  V sum[6];
  for (V& value : sum) value = all(0.0);
  for (std::size_t n = 0; n < count; ++n) {
    const Triple triple = tripleAt(w, static_cast<std::size_t>(chain[n]));
    V(&mine)[3][3] = b[n];
    const std::size_t own = triple.above;
    for (std::size_t c = 0; c < 3; ++c) {
      mine[1][c] -= triple.row[2][own + 1] * mine[2][c];
      mine[0][c] -= triple.row[2][own] * mine[2][c] + triple.row[1][own] * mine[1][c];
    }
    for (std::size_t up = n + 1; up < count; ++up) {
      const std::size_t entry = static_cast<std::size_t>(w.shape.depth[chain[up]]);
      for (std::size_t k = 0; k < 3; ++k) {
        const V r0 = triple.row[0][entry + k], r1 = triple.row[1][entry + k], r2 = triple.row[2][entry + k];
        for (std::size_t c = 0; c < 3; ++c)
          b[up][k][c] -= (r0 * mine[0][c] + r1 * mine[1][c]) + r2 * mine[2][c];
      }
    }
    for (std::size_t k = 0; k < 3; ++k) {
      const V inverse = all(1.0) / triple.row[k][own + k];
      std::size_t entry = 0;
      for (std::size_t r = 0; r < 3; ++r) {
        const V scaled = mine[k][r] * inverse;
        for (std::size_t c = r; c < 3; ++c) sum[entry++] += scaled * mine[k][c];
      }
    }
  }
  V* out = at(w.a.joint_covariance, 6 * joint);
  for (std::size_t k = 0; k < 6; ++k) out[k] = wanted ? sum[k] : out[k];
}

// Lanes whose markers are all where they were expected.
Mask isCalm(const Work& w) {
  V furthest = all(0.0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) furthest = larger(furthest, *at(w.a.squared_distance, m));
  return furthest < all(w.settings.squared_radius);
}

// Lanes whose solution is a step so small that another one would change nothing that matters.
Mask isSmall(const Work& w) {
  constexpr double kSmallTurn = 0.03, kSmallShift = 0.01;  // Radians, metres.
  Mask small = all(0.0) < all(1.0);
  for (std::size_t i = 0; i < w.shape.freedoms; i += 3) {
    const std::size_t joint = static_cast<std::size_t>(w.shape.freedom_joint[i]);
    const bool is_shift = i != w.freedom(joint);
    const double most = is_shift ? kSmallShift : kSmallTurn;
    const V* step = at(w.a.gradient, i);
    small &= dot3(step, step) < all(most * most);
  }
  return small;
}

// Moves the candidate by the solution, in the lanes that still iterate.
void applyStep(const Work& w, Mask active) {
  const LaneArrays& a = w.a;
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const std::size_t count = w.freedoms(j);
    if (count == 0) continue;
    V step[6];
    for (std::size_t k = 0; k < count; ++k) step[k] = active ? *at(a.gradient, w.freedom(j) + k) : all(0.0);
    limitLength(step, kLargestStep);
    V* rotation = at(a.candidate_rotation, 4 * j);
    V moved[4];
    turnJoint(rotation, step, moved);
    for (std::size_t k = 0; k < 4; ++k) rotation[k] = active ? moved[k] : rotation[k];
    for (std::size_t k = 3; k < count; ++k) at(a.candidate_translation, 3 * j)[k - 3] += step[k];
  }
}

// ---- What the state keeps ----

// Remembers each marker's own offset from the model (skin, calibration), which makes the next
// prediction sharper. Returns the mean square distance of the seen markers.
V updateBias(const Work& w) {
  const LaneArrays& a = w.a;
  const V seconds = *at(a.seconds, 0);
  const V forget = larger(all(0.0), all(1.0) - seconds / all(w.settings.bias_time));
  V sum = all(0.0), count = all(0.0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    const Mask seen = *at(a.seen, m) > all(0.0);
    V* bias = at(a.bias, 3 * m);
    V& unseen = *at(a.unseen, m);
    V local[3];
    turnBack(at(a.world_turn, 9 * static_cast<std::size_t>(w.shape.marker_joint[m])), at(a.residual, 3 * m), local);
    for (std::size_t k = 0; k < 3; ++k) local[k] = bias[k] + all(0.5) * (local[k] - bias[k]);
    limitLength(local, w.settings.largest_bias);
    for (std::size_t k = 0; k < 3; ++k) bias[k] = seen ? local[k] : bias[k] * forget;
    unseen = seen ? all(0.0) : unseen + seconds;
    sum += *at(a.squared_distance, m);
    count += seen ? all(1.0) : all(0.0);
  }
  return sum / larger(count, all(1.0));
}

// The solution's share in one freedom's filter; returns the share of the correction `off` that is
// kept. The unforeseen acceleration is as large as the corrections say (covariance matching; Mehra,
// "Approaches to adaptive filtering", 1972). `white` is the share of a marker's variance that is new
// in every frame.
V correctFreedom(const Work& w, std::size_t f, bool is_turn, V off, V moved, V sudden, V white, V above) {
  constexpr double kRate = 0.07, kMostAlike = 4.0, kMemory = 0.05, kInformed = 0.2;
  const LaneArrays& a = w.a;
  const V diagonal = *at(a.diagonal, f), information = *at(a.information, f);
  const V told = larger(all(1.0) - information / diagonal, all(0.0));
  const V noise = white * (all(1.0) / larger(diagonal - information, all(1e-9)) + above);
  V& place = *at(a.place_variance, f);
  V& speed = *at(a.velocity_variance, f);
  V& both = *at(a.velocity_covariance, f);
  V& velocity = *at(a.velocity, f);
  V& acceleration = *at(a.acceleration_variance, f);
  const V expected = place + noise;
  const V gain = place / expected;
  V& before = *at(a.innovation, f);
  V& energy = *at(a.innovation_energy, f);
  energy += all(kMemory) * (off * off - energy);
  const V alike = off * before / larger(energy, all(1e-30));
  const V ratio = all(1.0) + smaller(larger(alike, all(-kMostAlike)), all(kMostAlike));
  before = told > all(kInformed) ? off : all(0.0);
  const V least = all(is_turn ? w.settings.least_turn_noise : w.settings.least_shift_noise);
  const V most = all(is_turn ? w.settings.turn_noise : w.settings.shift_noise);
  const V matched = acceleration * (all(1.0) + all(kRate) * (ratio - all(1.0)));
  acceleration = told > all(kInformed) ? smaller(larger(matched, least * least), most * most) : acceleration;

  const V lead = both / expected;
  const V followed = velocity + told * lead * off;
  // What was to be expected of a motion that turned says nothing of where it goes now.
  velocity = followed + sudden * told * (moved / *at(a.seconds, 0) - followed);
  speed -= told * lead * both;
  both *= all(1.0) - told * gain;
  place *= all(1.0) - told * gain;
  const V t = *at(a.seconds, 0), turned = sudden * told;  // Then two points are all that is known.
  speed += turned * (all(2.0) * noise / (t * t) - speed);
  both += turned * (noise / t - both);
  place += turned * (noise - place);
  *at(a.variance, f) = all(1.0) / diagonal;
  *at(a.observed, f) = told;
  return all(1.0) - (all(1.0) - sudden) * told * (all(1.0) - gain);
}

// A joint that is seen again: the jump back into sight is no motion.
void restart(const Work& w, std::size_t f, bool is_turn, Mask returned) {
  const LaneArrays& a = w.a;
  const double speed = is_turn ? w.settings.hidden_turning : w.settings.hidden_speed;
  V& velocity = *at(a.velocity, f);
  V& both = *at(a.velocity_covariance, f);
  V& variance = *at(a.velocity_variance, f);
  velocity = returned ? all(0.0) : velocity;
  both = returned ? all(0.0) : both;
  variance = returned ? all(4.0 * speed * speed) : variance;
}

// Share of the markers' variance that is new in every frame.
V whiteShare(const Work& w) {
  V reported = all(0.0), seen = all(0.0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    const V* c = at(w.a.covariance, 6 * m);
    seen += *at(w.a.seen, m) > all(0.0) ? all(1.0) : all(0.0);
    reported += (c[0] + c[3] + c[5]) / all(3.0);
  }
  const V mean = reported / larger(seen, all(1.0));
  return mean / larger(mean + *at(w.a.skin_variance, 0), all(1e-12));
}

// Mean variance of the rotations that a joint hangs on: they are as uncertain as its own, and what
// they are off by it makes up for.
V varianceAbove(const Work& w, std::size_t joint) {
  while (w.hasParent(joint)) {
    joint = w.parent(joint);
    if (w.freedoms(joint) == 0) continue;
    V sum = all(0.0);
    for (std::size_t k = 0; k < 3; ++k) sum += all(1.0 / 3.0) / *at(w.a.diagonal, w.freedom(joint) + k);
    return sum;
  }
  return all(0.0);
}

// Filters the solution: what is left of it is the candidate afterwards. Covariances are made smaller
// by what the filter took away.
void filter(const Work& w) {
  const LaneArrays& a = w.a;
  const V white = whiteShare(w);
  V shares = all(0.0), weights = all(0.0);
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const std::size_t count = w.freedoms(j), first = w.freedom(j);
    if (count == 0) continue;
    const V* before = at(a.rotation, 4 * j);
    const V* predicted = at(a.predicted_rotation, 4 * j);
    V* candidate = at(a.candidate_rotation, 4 * j);
    V* place = at(a.candidate_translation, 3 * j);
    V turn[4], moved[6], off[6];
    between(before, candidate, turn);
    logarithm(turn, moved);
    between(predicted, candidate, turn);
    logarithm(turn, off);
    for (std::size_t k = 3; k < count; ++k) {
      moved[k] = place[k - 3] - at(a.translation, 3 * j)[k - 3];
      off[k] = place[k - 3] - at(a.predicted_translation, 3 * j)[k - 3];
    }
    Mask measured = all(0.0) > all(1.0);
    for (std::size_t k = 0; k < count; ++k) {
      measured |= *at(a.diagonal, first + k) > all(kMeasuredGain) * *at(a.information, first + k);
    }
    V& was_measured = *at(a.measured, j);
    const Mask returned = measured & (was_measured < all(0.5));
    was_measured = measured ? all(1.0) : all(0.0);
    const V above = varianceAbove(w, j);
    for (std::size_t k = 0; k < count; ++k) {
      const V sudden = returned ? all(1.0) : *at(a.sudden, j);
      const V share = correctFreedom(w, first + k, k < 3, off[k], moved[k], sudden, white, k < 3 ? above : all(0.0));
      restart(w, first + k, k < 3, returned);
      shares += share * *at(a.observed, first + k);
      weights += *at(a.observed, first + k);
      off[k] *= share;
    }
    limitLength(off, 1.0);
    turnJoint(predicted, off, candidate);
    for (std::size_t k = 3; k < count; ++k) place[k - 3] = at(a.predicted_translation, 3 * j)[k - 3] + off[k];
  }
  const V mean_share = shares / larger(weights, all(1e-9));
  const V left = all(1.0) - white * (all(1.0) - mean_share);
  *at(a.fitted, 0) = left;
  for (std::size_t i = 0; i < 6 * w.shape.joints; ++i) *at(a.joint_covariance, i) *= left;
}

void keepPose(const Work& w) {
  for (std::size_t i = 0; i < 4 * w.shape.joints; ++i) *at(w.a.rotation, i) = *at(w.a.candidate_rotation, i);
  for (std::size_t i = 0; i < 3 * w.shape.joints; ++i) *at(w.a.translation, i) = *at(w.a.candidate_translation, i);
}

// ---- All of it ----

// Steps that each lane needs.
V countIterations(const Work& w) {
  Mask back = all(0.0) > all(1.0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    back |= (*at(w.a.seen, m) > all(0.0)) & (*at(w.a.unseen, m) > all(kLongHidden));
  }
  const V usual = all(static_cast<double>(w.settings.iterations));
  return back ? usual + all(static_cast<double>(kReturnIterations)) : usual;
}

void zeroSums(const Work& w) {
  V* moments = lanes(w.a.moments);
  V* forces = lanes(w.a.forces);
  for (std::size_t i = 0; i < 21 * w.shape.joints; ++i) moments[i] = all(0.0);
  for (std::size_t i = 0; i < 6 * w.shape.joints; ++i) forces[i] = all(0.0);
}

void iterate(const Work& w) {
  const LaneArrays& a = w.a;
  V counts = countIterations(w);
  for (int i = 0;; ++i) {
    const V done = all(static_cast<double>(i));
    const Mask active = done < counts;
    if (!any(active)) break;
    Mask last = done + all(1.0) == counts;
    chain(w, a.candidate_rotation, a.candidate_translation);
    compare(w, a.candidate_translation);
    if (i == 0) updateSurprise(w);
    fillAxes(w);
    zeroSums(w);
    const Mask calm = isCalm(w);
    const V squared_radius = all(w.settings.squared_radius);
    gatherMoments(w, {.squared_radius = last | calm ? squared_radius : all(4.0) * squared_radius,
                      .hidden_share = last | calm ? all(0.09) : all(9.0)});
    project(w);
    addPriors(w, i == 0);
    factorAndSolve(w);
    if (i == 0) {
      counts = calm & isSmall(w) ? all(1.0) : counts;
      last = counts == all(1.0);
    }
    if (any(last)) {
      for (std::size_t f = 0; f < w.shape.freedoms; ++f) {
        V& diagonal = *at(a.diagonal, f);
        diagonal = last ? *at(a.matrix, w.diagonal(f)) : diagonal;
      }
      for (std::size_t j = 0; j < w.shape.joints; ++j) findCovariance(w, j, last);
    }
    applyStep(w, active);
  }
}

void solveAll(const LaneShape& shape, const LaneSettings& settings, const LaneArrays& arrays) {
  const Work w{shape, settings, arrays};
  predict(w);
  invertCovariances(w);
  for (std::size_t i = 0; i < 4 * shape.joints; ++i) lanes(arrays.candidate_rotation)[i] = lanes(arrays.predicted_rotation)[i];
  for (std::size_t i = 0; i < 3 * shape.joints; ++i) lanes(arrays.candidate_translation)[i] = lanes(arrays.predicted_translation)[i];
  iterate(w);
  filter(w);
  chain(w, arrays.candidate_rotation, arrays.candidate_translation);
  compare(w, arrays.candidate_translation);
  const V mean_square = updateBias(w);
  *at(arrays.rms, 0) = squareRoot(mean_square);
  V& misfit = *at(arrays.misfit, 0);
  misfit += smaller(all(1.0), *at(arrays.seconds, 0) / all(settings.misfit_time)) * (mean_square - misfit);
  keepPose(w);
}

}  // namespace
