// Part of lane_kernels.inl: see there.

namespace {

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
  const V most = smaller(sigma * sigma, all(w.settings.largest_variance));
  *at(a.expected_variance, f) = most;
  *at(a.information, f) = all(1.0) / most;

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

// Information of a ball joint's prediction from its covariance: of what was known of its turns
// together, `keeps` is left.
void expectTurns(const Work& w, std::size_t joint, const V* keeps) {
  constexpr double kMostAlike = 0.9999;  // So that rounding leaves the inverse sound.
  const LaneArrays& a = w.a;
  const std::size_t first = w.freedom(joint);
  const V* with = at(a.turn_covariance, 3 * joint);
  V variance[3];
  for (std::size_t k = 0; k < 3; ++k) {
    V& expected = *at(a.expected_variance, first + k);
    expected = larger(expected, keeps[k] * keeps[k] * *at(a.variance, first + k) * all(1.0 / kMostAlike));
    variance[k] = expected;
  }
  const V xy = with[0] * keeps[0] * keeps[1], xz = with[1] * keeps[0] * keeps[2], yz = with[2] * keeps[1] * keeps[2];
  const V m0 = variance[1] * variance[2] - yz * yz, m1 = xz * yz - xy * variance[2], m2 = xy * yz - xz * variance[1];
  const V scale = all(1.0) / ((variance[0] * m0 + xy * m1) + xz * m2);
  *at(a.information, first) = m0 * scale;
  *at(a.information, first + 1) = (variance[0] * variance[2] - xz * xz) * scale;
  *at(a.information, first + 2) = (variance[0] * variance[1] - xy * xy) * scale;
  V* between_turns = at(a.turn_information, 3 * joint);
  between_turns[0] = m1 * scale;
  between_turns[1] = m2 * scale;
  between_turns[2] = (xy * xz - variance[0] * yz) * scale;
}

// A ball joint's way: what is hidden of it follows the performer's habit.
void predictBall(const Work& w, std::size_t joint, V* step) {
  const LaneArrays& a = w.a;
  const std::size_t first = w.freedom(joint);
  V hidden[3], keeps[3] = {all(1.0), all(1.0), all(1.0)}, most = all(0.0);
  for (std::size_t k = 0; k < 3; ++k) {
    hidden[k] = hiddenShare(*at(a.observed, first + k));
    most = larger(most, hidden[k]);
  }
  const bool some = any(most > all(0.0));
  Going going[3];
  if (some) {
    const Angles angles = anglesOf(w, joint, at(a.rotation, 4 * joint));
    goByHabit(w, joint, angles, going);
    for (V& share : hidden) share = angles.steady ? share : all(0.0);
  }
  for (std::size_t k = 0; k < 3; ++k) {
    const std::size_t f = first + k;
    step[k] = predictFreedom(w, f, true);
    if (!some) continue;
    const Mask is_hidden = hidden[k] > all(0.0);
    const auto blend = [&](V& shown, V by_habit) {
      shown = is_hidden ? shown + hidden[k] * (by_habit - shown) : shown;
    };
    blend(step[k], going[k].step);
    blend(*at(a.velocity, f), going[k].velocity);
    blend(*at(a.place_variance, f), going[k].place);
    blend(*at(a.velocity_variance, f), going[k].speed);
    blend(*at(a.velocity_covariance, f), going[k].both);
    blend(*at(a.expected_variance, f), going[k].place);
    keeps[k] = is_hidden ? all(1.0) + hidden[k] * (going[k].keeps - all(1.0)) : all(1.0);
  }
  expectTurns(w, joint, keeps);
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
    if (count == 3) predictBall(w, j, step);
    else
      for (std::size_t k = 0; k < count; ++k) step[k] = predictFreedom(w, w.freedom(j) + k, k < 3);
    limitLength(step, 1.0);
    turnFreedoms(w, j, from, step, to);
    if (count == 6) {
      for (std::size_t k = 0; k < 3; ++k) place[k] += step[3 + k];
    }
  }
}

// ---- After the solution ----

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

// How much markers told of a freedom, against what one in sight is believed to do on its own: 0..1.
V toldShare(const Work& w, std::size_t f, bool is_turn) {
  const V t = *at(w.a.seconds, 0);
  const V foreseen = smaller(all(is_turn ? w.settings.turn_noise : w.settings.shift_noise) * t * t,
                             all(is_turn ? 0.3 : 0.1));
  const V learnt =
      larger(*at(w.a.diagonal, f) - all(1.0) / *at(w.a.expected_variance, f), all(0.0)) * foreseen * foreseen;
  return learnt / (learnt + all(1.0));
}

// What the solution says of one freedom.
struct Correction {
  V off, moved;   // From where it was expected, and from where it was.
  V told;         // toldShare.
  V sudden;       // How little the motion until then says, 0..1.
  V white;        // Share of a marker's variance that is new in every frame.
  V above;        // Variance of the turns that the joint hangs on.
};

// The solution's share in one freedom's filter; returns the share of the correction that is kept. The
// unforeseen acceleration is as large as the corrections say (covariance matching; Mehra, "Approaches
// to adaptive filtering", 1972).
V correctFreedom(const Work& w, std::size_t f, bool is_turn, const Correction& c) {
  constexpr double kRate = 0.07, kMostAlike = 4.0, kMemory = 0.05, kInformed = 0.2;
  const LaneArrays& a = w.a;
  const V diagonal = *at(a.diagonal, f), information = all(1.0) / *at(a.expected_variance, f);
  const V learnt = larger(diagonal - information, all(1e-9)), t = *at(a.seconds, 0);
  const V told = c.told, off = c.off, sudden = c.sudden;
  const V noise = c.white * (all(1.0) / learnt + c.above);
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
  velocity = sudden > all(0.0) ? followed + sudden * told * (c.moved / t - followed) : followed;
  speed -= told * lead * both;
  both *= all(1.0) - told * gain;
  place *= all(1.0) - told * gain;
  const V turned = sudden * told;  // Then two points are all that is known.
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
  const V mean = seenMarkers(w).variance;
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
    V moved[6], off[6];
    freedomsBetween(w, j, predicted, candidate, off);
    for (std::size_t k = 3; k < count; ++k) {
      off[k] = place[k - 3] - at(a.predicted_translation, 3 * j)[k - 3];
    }
    Mask measured = all(0.0) > all(1.0);
    V told[6];
    for (std::size_t k = 0; k < count; ++k) {
      told[k] = toldShare(w, first + k, k < 3);
      measured |= told[k] > all(kMeasured);
    }
    V& was_measured = *at(a.measured, j);
    const Mask returned = measured & (was_measured < all(0.5));
    was_measured = measured ? all(1.0) : all(0.0);
    const V sudden = returned ? all(1.0) : *at(a.sudden, j);
    if (any(sudden > all(0.0))) {
      freedomsBetween(w, j, before, candidate, moved);
      for (std::size_t k = 3; k < count; ++k) moved[k] = place[k - 3] - at(a.translation, 3 * j)[k - 3];
    } else {
      for (V& value : moved) value = all(0.0);
    }
    const V above = varianceAbove(w, j);
    for (std::size_t k = 0; k < count; ++k) {
      const V share = correctFreedom(
          w, first + k, k < 3, {off[k], moved[k], told[k], sudden, white, k < 3 ? above : all(0.0)});
      restart(w, first + k, k < 3, returned);
      shares += share * *at(a.observed, first + k);
      weights += *at(a.observed, first + k);
      off[k] *= share;
    }
    limitLength(off, 1.0);
    turnFreedoms(w, j, predicted, off, candidate);
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

}  // namespace
