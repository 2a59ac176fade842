#include <algorithm>
#include <cmath>

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

}  // namespace

void predictPose(const SolveModel& model, const SolveSettings& settings, const SolveState& state,
                 double seconds, std::vector<RigidTransformd>& predicted,
                 std::vector<double>& information) {
  const double frames = seconds * kReferenceRate;
  const double turn_noise = std::min(settings.angular_noise * seconds * seconds, 0.3);
  const double shift_noise = std::min(settings.linear_noise * seconds * seconds, 0.1);
  const double seen_damping = power(settings.velocity_damping, frames);
  const double hidden_damping = power(settings.hidden_damping, frames);
  predicted = state.parent_from_joint;
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    const std::size_t count = static_cast<std::size_t>(model.joint_freedoms[joint]);
    const double damping = state.measured[joint] ? seen_damping : hidden_damping;
    double step[6];
    for (std::size_t k = 0; k < count; ++k) {
      step[k] = state.velocity[first + k] * damping * seconds;
      const double noise = k < 3 ? turn_noise : shift_noise;
      double variance = state.variance[first + k] + noise * noise;
      if (!state.measured[joint]) {  // An unseen joint goes on at a speed that nobody knows.
        const double speed = k < 3 ? settings.hidden_turning : settings.hidden_speed;
        const double sigma = std::sqrt(variance) + speed * seconds;
        variance = sigma * sigma;
      }
      const double largest = settings.largest_sigma * settings.largest_sigma;
      information[first + k] = 1.0 / std::min(variance, largest);
    }
    moveJoint(model, joint, step, predicted[joint]);
  });
}

void updateSurprise(const SolveSubject& job, double seconds) {
  constexpr double kUsual = 4.0, kSudden = 16.0;  // Times the expected square.
  SolveWorkspace& w = job.workspace;
  job.state.surprise_seconds = seconds;
  const double fall = std::min(1.0, seconds / job.settings.surprise_time);
  const double smallest = job.settings.smallest_sigma * job.settings.smallest_sigma;
  worldFromJoints(job.model, w.predicted, w.world_from_joint);
  std::fill(w.surprise.begin(), w.surprise.end(), 0.0);
  std::fill(w.surprise_count.begin(), w.surprise_count.end(), 0);
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    const subject::SubjectMarker& marker = job.subject.markers[m];
    // A marker that comes back was predicted by its model alone.
    if (!(job.labelled.markers[m].confidence > 0.0f) || job.state.unseen[m] > 0.0) continue;
    const auto joint = static_cast<std::size_t>(marker.joint);
    const glm::dvec3 expected = markerPosition(marker, w.world_from_joint) +
                                w.world_from_joint[joint].rotation * job.state.bias[m];
    const glm::dvec3 off = glm::dvec3(job.labelled.markers[m].position) - expected;
    w.surprise[joint] += glm::dot(off, off) / 3.0;
    ++w.surprise_count[joint];
  }
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    if (w.surprise_count[joint] == 0) continue;
    const double now = w.surprise[joint] / w.surprise_count[joint];
    double& kept = job.state.surprise[joint];
    const double ratio = now / (kept + smallest);
    w.surprise[joint] = std::clamp((ratio - kUsual) / (kSudden - kUsual), 0.0, 1.0);
    kept += (now > kept ? job.settings.surprise_rise : fall) * (now - kept);
  }
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
