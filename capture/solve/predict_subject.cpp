#include <algorithm>
#include <cmath>

#include "capture/solve/habit.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {

using math::RigidTransformd;

namespace {

constexpr double kSkinCreep = 0.04;   // Metres a second,
constexpr double kMostCreep = 0.02;   // at most so far.
constexpr double kMisfitShare = 4.0;  // Of the model; what is hidden is known by it alone.
// Skin keeps a marker this far off its model, metres; further off it may have another's name.
constexpr double kUsualBias = 0.006;

// Joints that markers measure are as sure as the solution left them: how their motion surprises is
// known from their markers. The solver's own prior is wider, so that it never holds a motion back.
void doubtHiddenOnly(const SolveModel& model, const SolveState& state,
                     std::vector<double>& information) {
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    if (!state.measured[joint]) return;
    for (std::size_t k = 0; k < static_cast<std::size_t>(model.joint_freedoms[joint]); ++k) {
      information[first + k] = 1.0 / state.variance[first + k];
    }
  });
}

// Blends what a ball joint does while markers show it with its habit, as far as it is hidden.
void followHabit(const SolveModel& model, const SolveState& state, std::size_t joint,
                 double seconds, double* step, std::vector<double>& information) {
  const std::size_t first = static_cast<std::size_t>(model.joint_freedom[joint]);
  double hidden[3], most = 0.0;
  for (std::size_t k = 0; k < 3; ++k) {
    hidden[k] = hiddenShare(state.observed[first + k]);
    most = std::max(most, hidden[k]);
  }
  if (!(most > 0.0)) return;
  const JointAngles at = anglesOf(model, joint, state.parent_from_joint[joint].rotation);
  if (!at.steady) return;
  const double* velocity = &state.velocity[first];
  const glm::dvec3 rate = anglesFromTurn(at, {velocity[0], velocity[1], velocity[2]});
  glm::dvec3 change;
  for (int i = 0; i < 3; ++i) {
    const std::size_t f = first + static_cast<std::size_t>(i);
    const HabitStep habit = habitStep(state.habit_variance[f], state.habit_speed[f], seconds);
    const double mean = state.habit_mean[f] + state.suggested[f];
    const double gone = (mean + state.suggested_speed[f] * seconds) +
                        habit.keeps_place * (at.angles[i] - mean) +
                        habit.place_from_speed * (rate[i] - state.suggested_speed[f]);
    change[i] = std::min(std::max(gone, model.lower_limit[f]), model.upper_limit[f]) - at.angles[i];
    const double shown = 1.0 / information[f], share = hidden[i];
    const double variance = habitVariance(state, f, habit);
    information[f] = 1.0 / (shown + share * (variance - shown));
  }
  const glm::dvec3 turn = turnFromAngles(at, change);
  for (int i = 0; i < 3; ++i) step[i] += hidden[i] * (turn[i] - step[i]);
}

}  // namespace

void predictPose(const SolveModel& model, const SolveSettings& settings, const SolveState& state,
                 double seconds, std::vector<RigidTransformd>& predicted,
                 std::vector<double>& information) {
  const double turn_noise = std::min(settings.angular_noise * seconds * seconds, 0.3);
  const double shift_noise = std::min(settings.linear_noise * seconds * seconds, 0.1);
  const double hidden_damping = power(settings.hidden_damping, seconds * kReferenceRate);
  const double largest = settings.largest_sigma * settings.largest_sigma;
  predicted = state.parent_from_joint;
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    const std::size_t count = static_cast<std::size_t>(model.joint_freedoms[joint]);
    double step[6];
    for (std::size_t k = 0; k < count; ++k) {
      const double observed = state.observed[first + k];
      const double damping = hidden_damping + observed * (1.0 - hidden_damping);
      step[k] = state.velocity[first + k] * damping * seconds;
      // What nothing measures goes on at a speed that nobody knows.
      const double speed = k < 3 ? settings.hidden_turning : settings.hidden_speed;
      const double noise = observed * (k < 3 ? turn_noise : shift_noise);
      const double sigma =
          std::sqrt(state.variance[first + k] + noise * noise) + (1.0 - observed) * speed * seconds;
      information[first + k] = 1.0 / std::min(sigma * sigma, largest);
    }
    if (count == 3) followHabit(model, state, joint, seconds, step, information);
    moveJoint(model, joint, step, predicted[joint]);
  });
}

void PredictSubject::run() const {
  if (!state.tracked) return;
  predictPose(model, settings, state, seconds_ahead, workspace.predicted, workspace.information);
  doubtHiddenOnly(model, state, workspace.information);
  worldFromJoints(model, workspace.predicted, workspace.world_from_joint);
  fillAxes(model, workspace.world_from_joint, glm::dvec3(0.0), workspace.axes);
  // An unforeseen acceleration acts with the square of the time.
  const double longer = std::max(1.0, seconds_ahead / state.surprise_seconds);
  const double growth = longer * longer * longer * longer;
  for (std::size_t m = 0; m < subject.markers.size(); ++m) {
    const subject::SubjectMarker& marker = subject.markers[m];
    const std::size_t joint = static_cast<std::size_t>(marker.joint);
    const glm::dvec3 bias = workspace.world_from_joint[joint].rotation * state.bias[m];
    const glm::dvec3 position = markerPosition(marker, workspace.world_from_joint) + bias;
    double variance =
        settings.smallest_sigma * settings.smallest_sigma + growth * state.surprise[joint];
    const double kept_off = std::sqrt(glm::dot(state.bias[m], state.bias[m])) - kUsualBias;
    if (kept_off > 0.0) variance += kept_off * kept_off;
    if (state.unseen[m] > 0.0) {  // Skin creeps while nobody looks.
      const double crept = std::min(kSkinCreep * state.unseen[m], kMostCreep);
      variance += settings.marker_sigma * settings.marker_sigma + crept * crept +
                  kMisfitShare * state.misfit +
                  markerVariance(model, workspace, marker.joint, position);
    }
    markers.push_back({.subject = subject_index,
                       .marker = static_cast<std::uint32_t>(m),
                       .position = glm::vec3(position),
                       .sigma = static_cast<float>(std::sqrt(variance))});
  }
}

}  // namespace understudy::solve
