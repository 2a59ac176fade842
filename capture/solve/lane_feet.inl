// Part of lane_kernels.inl: see there. Feet that stand; see FootHold in solve_subject.h.

namespace {

constexpr double kHoldSlip = 0.0015;  // Metres: a hold gives way where the pose is so far from it.
constexpr double kUnheld = 3.6e-7;    // Square metres: of a foot's place without a hold.
constexpr double kFewestHeld = 0.025, kSurelyHeld = 0.08, kLongestHeld = 0.5;  // Seconds.
constexpr double kRecently = 0.04;      // Seconds that the mean of late counts.
constexpr double kHiddenFall = 4.0;     // A foot that no marker shows is forgotten so much faster.

// Places of the balls of the feet by the model, about the root.
void placeFeet(const Work& w) {
  const LaneArrays& a = w.a;
  for (std::size_t foot = 0; foot < w.shape.feet; ++foot) {
    const std::size_t j = static_cast<std::size_t>(w.shape.foot_joint[foot]);
    V* place = at(a.foot_place, 3 * foot);
    turnBy(at(a.world_turn, 9 * j), at(a.foot_offset, 3 * foot), place);
    for (std::size_t k = 0; k < 3; ++k) place[k] += at(a.world_translation, 3 * j)[k];
  }
}

// How surely each foot stands, 0..1: for long enough, and without drift.
void judgeFeet(const Work& w) {
  const LaneArrays& a = w.a;
  for (std::size_t foot = 0; foot < w.shape.feet; ++foot) {
    const V* mean = at(a.foot_mean, 3 * foot);
    const V* late = at(a.foot_late, 3 * foot);
    V drift[3];
    for (std::size_t k = 0; k < 3; ++k) drift[k] = late[k] - mean[k];
    const V squared = dot3(drift, drift);
    const V drifted = squareRoot(squared) * all(1.0 / w.settings.hold_drift);
    const V long_enough =
        clampUnit((*at(a.foot_seconds, foot) - all(kFewestHeld)) * all(1.0 / (kSurelyHeld - kFewestHeld)));
    *at(a.foot_hold, foot) = long_enough * clampUnit(all(2.0) - all(2.0) * drifted);
    *at(a.foot_variance, foot) = all(w.settings.hold_variance) + squared;
  }
}

// A hold's share that is left where the pose is off it (Geman and McClure's weight).
V holdShare(const V* off) {
  constexpr double kSquare = kHoldSlip * kHoldSlip;
  const V share = all(kSquare) / (all(kSquare) + dot3(off, off));
  return share * share;
}

// Adds the holds of a joint's feet to its moments: each is a marker at the place where the foot stood.
void addHolds(const Work& w, std::size_t joint, const LaneValue* translations, V* moment, V* force) {
  const LaneArrays& a = w.a;
  const V* origin = at(const_cast<LaneValue*>(translations), 0);
  for (std::size_t foot = 0; foot < w.shape.feet; ++foot) {
    if (static_cast<std::size_t>(w.shape.foot_joint[foot]) != joint) continue;
    const V hold = *at(a.foot_hold, foot);
    if (!any(hold > all(0.0))) continue;
    V off[3];
    const V* place = at(a.foot_place, 3 * foot);
    for (std::size_t k = 0; k < 3; ++k) off[k] = (at(a.foot_mean, 3 * foot)[k] - origin[k]) - place[k];
    const V information = hold * holdShare(off) / *at(a.foot_variance, foot);
    const V info[6] = {information, all(0.0), all(0.0), information, all(0.0), information};
    addMoment(place, info, off, moment, force);
  }
}

// Puts the feet that stand back where they stood after the filter, whose freedoms each lag on their
// own, has moved them: the least turns of the leg's joints that do (damped least squares).
void plantFeet(const Work& w) {
  constexpr double kDamping = 1e-4;  // Square metres a square radian.
  constexpr std::size_t kJointsOfLeg = 3;
  const LaneArrays& a = w.a;
  const V* origin = at(a.candidate_translation, 0);
  bool moved = false;
  placeFeet(w);
  for (std::size_t foot = 0; foot < w.shape.feet; ++foot) {
    const V hold = *at(a.foot_hold, foot);
    if (!any(hold > all(0.0))) continue;
    moved = true;
    const V* place = at(a.foot_place, 3 * foot);
    V off[3];
    for (std::size_t k = 0; k < 3; ++k) off[k] = (at(a.foot_mean, 3 * foot)[k] - origin[k]) - place[k];
    const V share = hold * holdShare(off) * (all(kUnheld) / (all(kUnheld) + *at(a.foot_variance, foot)));
    V s[6] = {all(kDamping), all(0.0), all(0.0), all(kDamping), all(0.0), all(kDamping)};
    std::size_t joint = static_cast<std::size_t>(w.shape.foot_joint[foot]), joints[kJointsOfLeg], count = 0;
    V lever[kJointsOfLeg][3];
    for (; count < kJointsOfLeg; joint = w.parent(joint)) {
      if (!w.hasParent(joint)) break;
      if (w.freedoms(joint) != 3) continue;
      joints[count] = joint;
      V* l = lever[count++];
      for (std::size_t k = 0; k < 3; ++k) l[k] = place[k] - at(a.world_translation, 3 * joint)[k];
      // Turns about all axes: the moves' products are |l|^2 - l l^T.
      const V squared = dot3(l, l);
      s[0] += squared - l[0] * l[0];
      s[1] -= l[0] * l[1];
      s[2] -= l[0] * l[2];
      s[3] += squared - l[1] * l[1];
      s[4] -= l[1] * l[2];
      s[5] += squared - l[2] * l[2];
    }
    const V m0 = s[3] * s[5] - s[4] * s[4], m1 = s[2] * s[4] - s[1] * s[5], m2 = s[1] * s[4] - s[2] * s[3];
    const V scale = share / ((s[0] * m0 + s[1] * m1) + s[2] * m2);
    const V inverse[6] = {m0, m1, m2, s[0] * s[5] - s[2] * s[2], s[1] * s[2] - s[0] * s[4], s[0] * s[3] - s[1] * s[1]};
    const V pull[3] = {((inverse[0] * off[0] + inverse[1] * off[1]) + inverse[2] * off[2]) * scale,
                       ((inverse[1] * off[0] + inverse[3] * off[1]) + inverse[4] * off[2]) * scale,
                       ((inverse[2] * off[0] + inverse[4] * off[1]) + inverse[5] * off[2]) * scale};
    for (std::size_t n = 0; n < count; ++n) {
      V turn[3], own[3], to[4];
      cross(lever[n], pull, turn);
      turnBack(at(a.world_turn, 9 * joints[n]), turn, own);
      limitLength(own, 0.1);
      V* rotation = at(a.candidate_rotation, 4 * joints[n]);
      turnJoint(rotation, own, to);
      for (std::size_t k = 0; k < 4; ++k) rotation[k] = share > all(0.0) ? to[k] : rotation[k];
    }
  }
  if (moved) chain(w, a.candidate_rotation, a.candidate_translation);
}

// Follows where each foot is by its own markers, whatever holds it: the mean of the place since it
// came to rest, and of late.
void followFeet(const Work& w) {
  const LaneArrays& a = w.a;
  const V t = *at(a.seconds, 0);
  const V* origin = at(a.candidate_translation, 0);
  placeFeet(w);
  for (std::size_t foot = 0; foot < w.shape.feet; ++foot) {
    const std::size_t j = static_cast<std::size_t>(w.shape.foot_joint[foot]);
    V place[3], count = all(0.0), off[3] = {all(0.0), all(0.0), all(0.0)};
    for (std::int32_t i = w.shape.marker_begin[j]; i < w.shape.marker_begin[j + 1]; ++i) {
      const std::size_t m = static_cast<std::size_t>(w.shape.marker_order[i]);
      const Mask seen = *at(a.seen, m) > all(0.0);
      for (std::size_t k = 0; k < 3; ++k) off[k] += seen ? at(a.residual, 3 * m)[k] : all(0.0);
      count += seen ? all(1.0) : all(0.0);
    }
    for (std::size_t k = 0; k < 3; ++k) {
      place[k] = (at(a.foot_place, 3 * foot)[k] + origin[k]) + off[k] / larger(count, all(1.0));
    }
    V* mean = at(a.foot_mean, 3 * foot);
    V* late = at(a.foot_late, 3 * foot);
    V& seconds = *at(a.foot_seconds, foot);
    V away[3];
    for (std::size_t k = 0; k < 3; ++k) away[k] = place[k] - mean[k];
    const Mask shown = count > all(0.0);
    const Mask gone = shown & (dot3(away, away) > all(w.settings.hold_reach * w.settings.hold_reach));
    const V lasted = smaller(seconds + t, all(kLongestHeld));
    const V share = t / lasted, late_share = smaller(all(1.0), t / smaller(lasted, all(kRecently)));
    for (std::size_t k = 0; k < 3; ++k) {
      mean[k] = gone ? place[k] : shown ? mean[k] + share * away[k] : mean[k];
      late[k] = gone ? place[k] : shown ? late[k] + late_share * (place[k] - late[k]) : late[k];
    }
    seconds = gone ? t : shown ? lasted : larger(seconds - all(kHiddenFall) * t, all(0.0));
  }
}

}  // namespace
