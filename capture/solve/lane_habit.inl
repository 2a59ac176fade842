// Part of lane_kernels.inl: see there. What habit.h says, for lanes.

namespace {

constexpr double kSteady = 0.04;  // Least squared cosine of half the swing that leaves a twist.

// Angles of a ball joint about its freedoms' axes; see JointAngles.
struct Angles {
  V of[3];
  V twist_sine, twist_cosine;
  Mask steady;
};

Angles anglesOf(const Work& w, std::size_t joint, const V* rotation) {
  V home[4], turn[4];
  between(at(w.a.rest_rotation, 4 * joint), rotation, home);
  turnBack(at(w.a.basis, 9 * joint), home, turn);
  const V sign = home[3] < all(0.0) ? all(-1.0) : all(1.0);
  for (std::size_t k = 0; k < 3; ++k) turn[k] *= sign;
  turn[3] = sign * home[3];
  Angles result;
  const V squared = turn[3] * turn[3] + turn[1] * turn[1];
  result.steady = squared > all(kSteady);
  const V scale = all(1.0) / squareRoot(larger(squared, all(kSteady)));
  const V cosine = turn[3] * scale, sine = turn[1] * scale;
  const V untwist[4] = {all(0.0), -sine, all(0.0), cosine};
  const V twist[4] = {all(0.0), sine, all(0.0), cosine};
  V swing[4], vector[3], about[3];
  multiply(turn, untwist, swing);
  logarithm(swing, vector);
  logarithm(twist, about);
  result.of[0] = vector[0];
  result.of[1] = about[1];
  result.of[2] = vector[2];
  result.twist_cosine = cosine * cosine - sine * sine;
  result.twist_sine = all(2.0) * (cosine * sine);
  return result;
}

void turnFromAngles(const Angles& at_angles, const V* change, V* turn) {
  turn[0] = at_angles.twist_cosine * change[0] - at_angles.twist_sine * change[2];
  turn[1] = change[1];
  turn[2] = at_angles.twist_sine * change[0] + at_angles.twist_cosine * change[2];
}

void anglesFromTurn(const Angles& at_angles, const V* turn, V* change) {
  change[0] = at_angles.twist_cosine * turn[0] + at_angles.twist_sine * turn[2];
  change[1] = turn[1];
  change[2] = at_angles.twist_cosine * turn[2] - at_angles.twist_sine * turn[0];
}

V hiddenShare(V observed) { return clampUnit((all(kShownAbove) - observed) * all(1.0 / (kShownAbove - kHiddenBelow))); }

// A freedom's motion: step and speed, and the variances of both.
struct Going {
  V step, velocity, place, speed, both, keeps;
};

// How hidden freedoms of a joint go on; steps and speeds are the joint's own turns.
void goByHabit(const Work& w, std::size_t joint, const Angles& angles, Going* going) {
  const LaneArrays& a = w.a;
  const std::size_t first = w.freedom(joint);
  const V t = *at(a.seconds, 0);
  V rate[3], change[3], later[3], turn[3];
  anglesFromTurn(angles, at(a.velocity, first), rate);
  for (std::size_t k = 0; k < 3; ++k) {
    const std::size_t f = first + k;
    const V spread = larger(*at(a.habit_variance, f), all(kLeastSpread * kLeastSpread));
    const V tempo = smaller(larger(squareRoot(*at(a.habit_speed, f) / spread), all(kLeastTempo)), all(kMostTempo));
    const V x = tempo * t;
    const V fall = all(1.0) / (all(1.0) + x * (all(1.0) + x * (all(0.5) + x * (all(1.0 / 6.0) + x * all(1.0 / 24.0)))));
    const V keeps_place = fall * (all(1.0) + x), from_speed = fall * t;
    const V from_place = -(fall * tempo * x), keeps_speed = fall * (all(1.0) - x);
    const V suggested_speed = *at(a.suggested_speed, f);
    const V mean = *at(a.habit_mean, f) + *at(a.suggested, f);
    const V off = angles.of[k] - mean, relative = rate[k] - suggested_speed;
    const V gone = (mean + suggested_speed * t) + (keeps_place * off + from_speed * relative);
    const V within = smaller(larger(gone, *at(a.lower_limit, f)), *at(a.upper_limit, f));
    change[k] = within - angles.of[k];
    later[k] = suggested_speed + (from_place * off + keeps_speed * relative);
    // The habit's own variances stay as they are; what differs from them fades.
    const V usual_speed = tempo * tempo * spread;
    // Nor is anything less known than they say.
    const V least_place = squareRoot(smaller(all(1.0), spread / *at(a.variance, f)));
    const V least_speed = squareRoot(smaller(all(1.0), usual_speed / larger(*at(a.velocity_variance, f), all(1e-12))));
    const V place = least_place * least_place * *at(a.variance, f) - spread;
    const V both = least_place * least_speed * *at(a.velocity_covariance, f);
    const V speed = least_speed * least_speed * *at(a.velocity_variance, f) - usual_speed;
    going[k].keeps = keeps_place * least_place;
    going[k].place = spread + (keeps_place * keeps_place * place + all(2.0) * keeps_place * from_speed * both) +
                     from_speed * from_speed * speed;
    going[k].both = (keeps_place * from_place * place + (keeps_place * keeps_speed + from_speed * from_place) * both) +
                    from_speed * keeps_speed * speed;
    going[k].speed = usual_speed + (from_place * from_place * place + all(2.0) * from_place * keeps_speed * both) +
                     keeps_speed * keeps_speed * speed;
  }
  turnFromAngles(angles, change, turn);
  for (std::size_t k = 0; k < 3; ++k) going[k].step = turn[k];
  turnFromAngles(angles, later, turn);
  for (std::size_t k = 0; k < 3; ++k) going[k].velocity = turn[k];
}

// Learns how the joints of one share of the body, another one in each frame, are held and moved.
void learnHabits(const Work& w) {
  const LaneArrays& a = w.a;
  const V rate = *at(a.habit_rate, 0);
  for (std::size_t j = static_cast<std::size_t>(w.settings.habit_turn); j < w.shape.joints; j += kHabitTurns) {
    if (w.freedoms(j) != 3 || w.shape.learns[j] == 0) continue;
    const Angles angles = anglesOf(w, j, at(a.candidate_rotation, 4 * j));
    for (std::size_t k = 0; k < 3; ++k) {
      const std::size_t f = w.freedom(j) + k;
      const Mask shown = (*at(a.observed, f) > all(kShownAbove)) & angles.steady;
      const V share = shown ? rate : all(0.0);
      const V off = angles.of[k] - *at(a.habit_mean, f);
      *at(a.habit_mean, f) += share * off;
      *at(a.habit_variance, f) += share * ((all(1.0) - share) * off * off - *at(a.habit_variance, f));
      const V velocity = *at(a.velocity, f);
      *at(a.habit_speed, f) += share * (velocity * velocity - *at(a.habit_speed, f));
    }
  }
}

}  // namespace
