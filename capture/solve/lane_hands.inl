// Part of lane_kernels.inl: see there. The fingers of hands (hand_model.h): eliminated onto their hand, whose moments
// then hold what the fingers' markers say of it, and found again from the hand's motion.

#include "capture/solve/hand_math.inl"

namespace {

using understudy::solve::kHandPoseValues;
using understudy::solve::kMostHands;
using understudy::solve::LaneHandArrays;
using understudy::solve::LaneHandShape;

static_assert(sizeof(HandPose) == kHandPoseValues * sizeof(LaneValue));
static_assert(offsetof(HandPose, place) == understudy::solve::kHandPosePlaces * sizeof(LaneValue));

using understudy::solve::kHandAcceleration;
using understudy::solve::kHandDamping;
using understudy::solve::kHandMemory;
using understudy::solve::kHandNoise;
using understudy::solve::kHandTempo;

struct HandWork {
  const LaneHandShape& shape;
  const LaneHandArrays& a;
  HandView view;
  HandPose& pose;
};

HandWork handAt(const Work& w, std::size_t index) {
  const LaneHandShape& shape = w.shape.hand[index];
  const LaneHandArrays& a = w.a.hand[index];
  return {shape,
          a,
          {.coordinates = shape.coordinates,
           .markers = shape.markers,
           .marker_joint = shape.marker_joint,
           .before = lanes(a.before),
           .after = lanes(a.after),
           .translation = lanes(a.translation),
           .mean = lanes(a.mean),
           .basis = lanes(a.basis),
           .lower = lanes(a.lower_limit),
           .upper = lanes(a.upper_limit),
           .offset = lanes(a.offset)},
          *reinterpret_cast<HandPose*>(lanes(a.pose))};
}

template <class Function>
void forEachHand(const Work& w, const Function& function) {
  for (std::size_t h = 0; h < w.shape.hands; ++h) function(handAt(w, h));
}

V seenShare(const HandWork& hand) {
  V count = all(0.0);
  for (std::size_t m = 0; m < hand.shape.markers; ++m)
    count += *at(hand.a.seen, m) > all(0.0) ? all(1.0) : all(0.0);
  return count * all(1.0 / static_cast<double>(hand.shape.markers));
}

// How far coordinates may stray in a frame, as a share of the noise that one frame's markers leave: the tracking index
// of a filter of constant velocity (Kalata, "The tracking index", 1984).
V trackingIndex(const Work& w, const HandWork& hand) {
  V squares = all(0.0);
  for (std::size_t i = 0; i < hand.shape.coordinates; ++i) squares += *at(hand.a.velocity, i) * *at(hand.a.velocity, i);
  const V speed = squareRoot(squares * all(1.0 / static_cast<double>(hand.shape.coordinates)));
  const V t = *at(w.a.seconds, 0);
  return smaller((all(kHandAcceleration) + all(kHandTempo) * speed) * t * t * all(1.0 / kHandNoise), all(1.0));
}

// Inverse of each marker's covariance plus that of the skin, times confidence.
void informFingers(const Work& w, const HandWork& hand) {
  V count = all(0.0), reported = all(0.0);
  for (std::size_t m = 0; m < hand.shape.markers; ++m) {
    const V* c = at(hand.a.covariance, 6 * m);
    count += *at(hand.a.seen, m) > all(0.0) ? all(1.0) : all(0.0);
    reported += (c[0] + c[3] + c[5]) / all(3.0);
  }
  count = larger(count, all(1.0));
  // Coordinates that take part leave less of three equations a marker.
  const V equations = larger(all(3.0) * count - all(static_cast<double>(hand.shape.coordinates)), count);
  const V found = *at(hand.a.misfit, 0) * count / equations - reported / count;
  const V variance = smaller(larger(found, all(1e-8)), all(w.settings.finger_skin_variance));
  for (std::size_t m = 0; m < hand.shape.markers; ++m) {
    invertSymmetric(at(hand.a.covariance, 6 * m), variance, *at(hand.a.seen, m), at(hand.a.marker_information, 6 * m));
  }
}

void predictHands(const Work& w) {
  forEachHand(w, [&](const HandWork& hand) {
    const std::size_t n = hand.shape.coordinates;
    const V t = *at(w.a.seconds, 0);
    const V hidden = all(1.0) - seenShare(hand);
    const V damping = larger(all(1.0) - hidden * t * all(1.0 / kHandDamping), all(0.0));
    const V index = trackingIndex(w, hand);
    for (std::size_t i = 0; i < n; ++i) {
      V& velocity = *at(hand.a.velocity, i);
      velocity *= damping;
      *at(hand.a.predicted, i) = smaller(larger(*at(hand.a.coordinate, i) + velocity * t, all(-5.0)), all(5.0));
      *at(hand.a.candidate, i) = *at(hand.a.predicted, i);
    }
    V* prior = lanes(hand.a.prior);
    for (std::size_t i = 0; i < rowOf(n); ++i) prior[i] = *at(hand.a.information, i);
    const V forgets = smaller(t * all(1.0 / kHandMemory), all(0.5));
    diffuseHand(prior, n, all(2.0 * kHandNoise * kHandNoise) * index, forgets);
    informFingers(w, hand);
  });
}

// Fingers at the candidate, and the residuals of their markers.
void placeHands(const Work& w) {
  const V* origin = at(w.a.candidate_translation, 0);
  forEachHand(w, [&](const HandWork& hand) {
    const std::size_t j = static_cast<std::size_t>(hand.shape.joint);
    anglesOfHand(hand.view, lanes(hand.a.candidate), hand.pose.angle);
    poseFingers(hand.view, at(w.a.world_rotation, 4 * j), at(w.a.world_translation, 3 * j), hand.pose);
    for (std::size_t m = 0; m < hand.shape.markers; ++m) {
      V* place = at(hand.a.place, 3 * m);
      V* residual = at(hand.a.residual, 3 * m);
      placeOfMarker(hand.view, hand.pose, m, place);
      const Mask seen = *at(hand.a.seen, m) > all(0.0);
      for (std::size_t k = 0; k < 3; ++k) {
        const V off = (at(hand.a.position, 3 * m)[k] - origin[k]) - place[k];
        residual[k] = seen ? off : all(0.0);
      }
      *at(hand.a.squared_distance, m) = dot3(residual, residual);
    }
  });
}

// Keeps the error of predictions: it rises at once and falls slowly.
void updateFingerSurprise(const Work& w) {
  forEachHand(w, [&](const HandWork& hand) {
    V sum = all(0.0), count = all(0.0);
    for (std::size_t m = 0; m < hand.shape.markers; ++m) {
      const Mask counts = (*at(hand.a.seen, m) > all(0.0)) & (*at(hand.a.unseen, m) <= all(0.0));
      V expected[3];
      const std::size_t joint = static_cast<std::size_t>(hand.shape.marker_joint[m]);
      turnBy(hand.pose.turn[joint], at(hand.a.bias, 3 * m), expected);
      for (std::size_t k = 0; k < 3; ++k) expected[k] = at(hand.a.residual, 3 * m)[k] - expected[k];
      sum += counts ? dot3(expected, expected) / all(3.0) : all(0.0);
      count += counts ? all(1.0) : all(0.0);
    }
    const V now = sum / larger(count, all(1.0));
    V& kept = *at(hand.a.surprise, 0);
    const V rate = now > kept ? all(w.settings.surprise_rise) : *at(w.a.surprise_fall, 0);
    kept += count > all(0.0) ? rate * (now - kept) : all(0.0);
  });
}

// Builds the equations of a hand's fingers, factors them and adds to the hand what they leave of it.
void addHand(const Work& w, const HandWork& hand, V* moment, V* force) {
  const std::size_t n = hand.shape.coordinates;
  HandSystem system;
  const V forgets = smaller(*at(w.a.seconds, 0) * all(1.0 / kHandMemory), all(0.5));
  for (std::size_t i = 0; i < n; ++i) {
    const V* row = at(hand.a.prior, rowOf(i));
    for (std::size_t j = 0; j <= i; ++j) system.matrix[rowOf(i) + j] = row[j];
    system.matrix[rowOf(i) + i] += forgets;
    system.gradient[i] = -forgets * *at(hand.a.candidate, i);
    for (std::size_t j = 0; j < n; ++j) {
      const V off = *at(hand.a.predicted, j) - *at(hand.a.candidate, j);
      system.gradient[i] += *at(hand.a.prior, i >= j ? rowOf(i) + j : rowOf(j) + i) * off;
    }
    for (std::size_t k = 0; k < 6; ++k) system.coupling[i][k] = all(0.0);
  }
  for (std::size_t m = 0; m < hand.shape.markers; ++m) {
    const Mask seen = *at(hand.a.seen, m) > all(0.0);
    if (!any(seen)) continue;
    // Fingers that were found elsewhere than foreseen are followed.
    const V radius = all(w.settings.finger_radius) + all(12.0) * *at(hand.a.surprise, 0);
    const V share = radius / (radius + *at(hand.a.squared_distance, m));
    V info[6];
    for (std::size_t k = 0; k < 6; ++k) info[k] = at(hand.a.marker_information, 6 * m)[k] * (share * share);
    addMoment(at(hand.a.place, 3 * m), info, at(hand.a.residual, 3 * m), moment, force);
    addFingerMarker(hand.view, hand.pose, m, at(hand.a.place, 3 * m), info, at(hand.a.residual, 3 * m), system);
  }
  // Limits say nothing that is remembered: they are there again in the next frame.
  for (std::size_t i = 0; i < rowOf(n); ++i) *at(hand.a.information, i) = system.matrix[i];
  addFingerLimits(hand.view, hand.pose, all(w.settings.limit_information), system);
  V* factor = lanes(hand.a.factor);
  for (std::size_t i = 0; i < rowOf(n); ++i) factor[i] = system.matrix[i];
  factorHand(factor, n);
  V(*sides)[7] = reinterpret_cast<V(*)[7]>(lanes(hand.a.sides));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < 6; ++k) sides[i][k] = system.coupling[i][k];
    sides[i][6] = system.gradient[i];
  }
  solveLower(factor, n, sides);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t r = 0; r < 6; ++r) {
      force[r] -= sides[i][r] * sides[i][6];
      for (std::size_t c = 0; c <= r; ++c) moment[packed(r, c)] -= sides[i][r] * sides[i][c];
    }
  }
}

void addHands(const Work& w, std::size_t joint, V* moment, V* force) {
  for (std::size_t h = 0; h < w.shape.hands; ++h) {
    if (static_cast<std::size_t>(w.shape.hand[h].joint) == joint) addHand(w, handAt(w, h), moment, force);
  }
}

// After the body's solution: the step of the fingers, and whether it is small in each lane.
Mask solveHands(const Work& w) {
  constexpr double kSmall = 0.1;
  Mask small = all(0.0) < all(1.0);
  forEachHand(w, [&](const HandWork& hand) {
    const V* motion = at(w.a.motion, 6 * static_cast<std::size_t>(hand.shape.joint));
    V* step = lanes(hand.a.step);
    for (std::size_t i = 0; i < hand.shape.coordinates; ++i) {
      const V* row = at(hand.a.sides, 7 * i);
      step[i] = row[6];
      for (std::size_t k = 0; k < 6; ++k) step[i] -= row[k] * motion[k];
    }
    solveUpper(lanes(hand.a.factor), hand.shape.coordinates, step);
    for (std::size_t i = 0; i < hand.shape.coordinates; ++i) small &= step[i] * step[i] < all(kSmall * kSmall);
  });
  return small;
}

void stepHands(const Work& w, Mask active) {
  constexpr double kLongest = 0.7;
  forEachHand(w, [&](const HandWork& hand) {
    for (std::size_t i = 0; i < hand.shape.coordinates; ++i) {
      const V step = smaller(larger(*at(hand.a.step, i), all(-kLongest)), all(kLongest));
      *at(hand.a.candidate, i) += active ? step : all(0.0);
    }
  });
}

// Velocities, rotations and what is remembered of the markers; the pose must be placed.
void keepHands(const Work& w) {
  const V t = *at(w.a.seconds, 0);
  const V forget = larger(all(0.0), all(1.0) - t / all(w.settings.bias_time));
  forEachHand(w, [&](const HandWork& hand) {
    const V gain = all(0.5) * squareRoot(smaller(all(2.0) * trackingIndex(w, hand), all(1.0)));
    for (std::size_t i = 0; i < hand.shape.coordinates; ++i) {
      const V off = *at(hand.a.candidate, i) - *at(hand.a.predicted, i);
      *at(hand.a.velocity, i) += gain * off / t;
      *at(hand.a.coordinate, i) = *at(hand.a.candidate, i);
    }
    for (std::size_t joint = 0; joint < kHandJoints; ++joint) {
      const V* above = joint % kJointsOfDigit == 0
                           ? at(w.a.world_rotation, 4 * static_cast<std::size_t>(hand.shape.joint))
                           : hand.pose.rotation[joint - 1];
      between(above, hand.pose.rotation[joint], at(hand.a.rotation, 4 * joint));
    }
    V sum = all(0.0), count = all(0.0);
    for (std::size_t m = 0; m < hand.shape.markers; ++m) {
      const Mask seen = *at(hand.a.seen, m) > all(0.0);
      V local[3];
      turnBack(hand.pose.turn[hand.shape.marker_joint[m]], at(hand.a.residual, 3 * m), local);
      V* bias = at(hand.a.bias, 3 * m);
      for (std::size_t k = 0; k < 3; ++k) local[k] = bias[k] + all(0.5) * (local[k] - bias[k]);
      limitLength(local, 0.3 * w.settings.largest_bias);
      for (std::size_t k = 0; k < 3; ++k) bias[k] = seen ? local[k] : bias[k] * forget;
      V& unseen = *at(hand.a.unseen, m);
      unseen = seen ? all(0.0) : unseen + t;
      sum += *at(hand.a.squared_distance, m);
      count += seen ? all(1.0) : all(0.0);
    }
    V& misfit = *at(hand.a.misfit, 0);
    const V mean = sum / larger(count, all(1.0));
    misfit += count > all(0.0) ? smaller(all(1.0), t / all(w.settings.misfit_time)) * (mean - misfit) : all(0.0);
  });
}

// How the places of the second and third joint of a digit move with the coordinates, solved with the factor: x, y and
// z of each.
struct DigitMoves {
  V of[kMostHandCoordinates][6];
};

void findDigitMoves(const HandWork& hand, std::size_t root, DigitMoves& found) {
  V moves[kMostHandCoordinates][3];
  for (std::size_t level = 1; level < kJointsOfDigit; ++level) {
    movesOfPoint(hand.view, hand.pose, root + level - 1, hand.pose.place[root + level], moves);
    for (std::size_t i = 0; i < hand.shape.coordinates; ++i) {
      for (std::size_t k = 0; k < 3; ++k) found.of[i][3 * (level - 1) + k] = moves[i][k];
    }
  }
  solveLower(lanes(hand.a.factor), hand.shape.coordinates, found.of);
}

// Adds what the coordinates leave open of a joint's place. Joints go round circles: what is open of their turn moves
// them inwards, too, by its square over the radius. Nor do axes and bones ever fit a finger exactly.
void addFingerVariance(const HandWork& hand, std::size_t joint, const DigitMoves& moves, V* sum) {
  constexpr double kModel = 8e-4;  // Metres.
  const std::size_t level = joint % kJointsOfDigit, first = 3 * (level - 1);
  V lever[3];
  for (std::size_t k = 0; k < 3; ++k) lever[k] = hand.pose.place[joint][k] - hand.pose.place[joint - level][k];
  V open[6];
  for (V& value : open) value = all(0.0);
  for (std::size_t i = 0; i < hand.shape.coordinates; ++i) {
    const V* m = moves.of[i] + first;
    for (std::size_t r = 0, entry = 0; r < 3; ++r) {
      for (std::size_t c = r; c < 3; ++c) open[entry++] += m[r] * m[c];
    }
  }
  const V total = (open[0] + open[3]) + open[5];
  const V inwards = all(0.5) * total * total / dot3(lever, lever) + all(kModel * kModel);
  for (std::size_t k = 0; k < 6; ++k) sum[k] += open[k];
  sum[0] += inwards;
  sum[3] += inwards;
  sum[5] += inwards;
}

// How a joint's place moves with the hand's motion (turn and shift at the root), its fingers making up for some of it.
void findRows(const HandWork& hand, std::size_t joint, const DigitMoves& moves, V (*rows)[6]) {
  const V* place = hand.pose.place[joint];
  const V zero = all(0.0), one = all(1.0);
  const V turn[3][3] = {{zero, place[2], -place[1]}, {-place[2], zero, place[0]}, {place[1], -place[0], zero}};
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) {
      rows[r][c] = turn[r][c];
      rows[r][3 + c] = r == c ? one : zero;
    }
  }
  const std::size_t level = joint % kJointsOfDigit;
  if (level == 0) return;
  for (std::size_t i = 0; i < hand.shape.coordinates; ++i) {
    const V* side = at(hand.a.sides, 7 * i);
    const V* m = moves.of[i] + 3 * (level - 1);
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t c = 0; c < 6; ++c) rows[r][c] -= m[r] * side[c];
    }
  }
}

// Covariance of the places of a hand's joints: that of the hand's motion, and that of its fingers given it.
void findHandCovariance(const Work& w, Mask wanted) {
  forEachHand(w, [&](const HandWork& hand) {
    const V* motion = at(w.a.motion_covariance, 21 * static_cast<std::size_t>(hand.shape.joint));
    DigitMoves moves;
    for (std::size_t joint = 0; joint < kHandJoints; ++joint) {
      const bool is_root = joint % kJointsOfDigit == 0;
      if (is_root) findDigitMoves(hand, joint, moves);
      V rows[3][6], half[3][6], sum[6];
      findRows(hand, joint, moves, rows);
      for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t p = 0; p < 6; ++p) {
          half[c][p] = all(0.0);
          for (std::size_t q = 0; q < 6; ++q)
            half[c][p] += motion[p >= q ? packed(p, q) : packed(q, p)] * rows[c][q];
        }
      }
      for (std::size_t r = 0, entry = 0; r < 3; ++r) {
        for (std::size_t c = r; c < 3; ++c, ++entry) {
          sum[entry] = all(0.0);
          for (std::size_t p = 0; p < 6; ++p) sum[entry] += rows[r][p] * half[c][p];
        }
      }
      if (!is_root) addFingerVariance(hand, joint, moves, sum);
      V* out = at(hand.a.joint_covariance, 6 * joint);
      for (std::size_t k = 0; k < 6; ++k) out[k] = wanted ? sum[k] : out[k];
    }
  });
}

}  // namespace
