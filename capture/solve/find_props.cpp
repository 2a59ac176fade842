#include "capture/solve/find_props.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

using Prop = FindPropsState::Prop;

constexpr std::size_t kMost = PropPattern::kMost;
constexpr std::size_t kGain = 2;  // A tracked prop moves only for so many more markers.

frame::LabelledSubject& labelsOf(const FindProps& job, const Prop& prop) {
  return job.labels.subjects[prop.subject];
}

bool isTracked(const FindProps& job, const Prop& prop) { return job.states[prop.subject].tracked; }

std::size_t countSeen(const frame::LabelledSubject& labelled) {
  std::size_t seen = 0;
  for (const frame::LabelledMarker& marker : labelled.markers) seen += marker.confidence > 0.0f;
  return seen;
}

void listUnlabelled(const FindProps& job) {
  FindPropsWorkspace& w = job.workspace;
  w.points.clear();
  for (const frame::Marker& marker : job.labels.unlabelled) {
    if (w.points.size() < w.points.capacity()) w.points.emplace_back(marker.position);
  }
  w.taken.assign(w.points.size(), 0);
}

// Takes the used markers out of the unnamed ones.
void sweep(const FindProps& job) {
  std::vector<frame::Marker>& unlabelled = job.labels.unlabelled;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < unlabelled.size(); ++i) {
    if (i < job.workspace.taken.size() && job.workspace.taken[i] != 0) continue;
    unlabelled[kept++] = unlabelled[i];
  }
  unlabelled.resize(kept);
}

void release(const FindProps& job, frame::LabelledMarker& slot) {
  std::vector<frame::Marker>& unlabelled = job.labels.unlabelled;
  FindPropsWorkspace& w = job.workspace;
  if (unlabelled.size() < unlabelled.capacity() && unlabelled.size() == w.points.size() &&
      w.points.size() < w.points.capacity()) {
    unlabelled.push_back(unnamedMarker(slot));
    w.points.emplace_back(slot.position);
    w.taken.push_back(0);
  }
  slot = {};
}

// The slot of a performer that holds a marker just there; null for none. A prop's place is known to
// a millimetre, and no skin marker can be inside it.
frame::LabelledMarker* performersMarkerAt(const FindProps& job, const glm::dvec3& place) {
  const double reach = 0.6 * job.settings.tolerance;
  for (std::size_t s = 0; s < job.subjects.size(); ++s) {
    if (subject::isProp(job.subjects[s])) continue;
    for (frame::LabelledMarker& slot : job.labels.subjects[s].markers) {
      if (!(slot.confidence > 0.0f)) continue;
      const glm::dvec3 between = glm::dvec3(slot.position) - place;
      if (glm::dot(between, between) < reach * reach) return &slot;
    }
  }
  return nullptr;
}

// Gives empty slots the unnamed markers that lie where the placement has them, or what a performer
// took for its own there.
void claim(const FindProps& job, const Prop& prop, const PropPlacement& placement) {
  FindPropsWorkspace& w = job.workspace;
  std::vector<frame::LabelledMarker>& slots = labelsOf(job, prop).markers;
  const double reach = job.settings.tolerance * job.settings.tolerance;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    if (slots[m].confidence > 0.0f) continue;
    const glm::dvec3 expected = placement.world_from_prop * prop.pattern.points[m];
    double nearest = reach;
    std::size_t found = w.points.size();
    for (std::size_t p = 0; p < w.points.size(); ++p) {
      if (w.taken[p] != 0) continue;
      const glm::dvec3 between = w.points[p] - expected;
      const double squared = glm::dot(between, between);
      if (squared >= nearest) continue;
      nearest = squared;
      found = p;
    }
    if (found == w.points.size()) {
      if (frame::LabelledMarker* other = performersMarkerAt(job, expected); other != nullptr) {
        slots[m] = *other;
        *other = {};
      }
      continue;
    }
    const frame::Marker& marker = job.labels.unlabelled[found];
    slots[m] = {marker.position, marker.covariance, 1.0f};
    w.taken[found] = 1;
  }
}

// Where this prop's markers were expected; null where it was not.
const frame::PredictedMarker* predictionsOf(const FindProps& job, const Prop& prop) {
  const std::vector<frame::PredictedMarker>& all = job.predictions.markers;
  const auto first = std::lower_bound(
      all.begin(), all.end(), prop.subject,
      [](const frame::PredictedMarker& p, std::size_t subject) { return p.subject < subject; });
  return first != all.end() && first->subject == prop.subject ? &*first : nullptr;
}

// With too few markers for a fit, those stay that lie near enough to where they were expected and
// keep their distances from each other; of two that do not, the more unexpected one goes.
void keepFew(const FindProps& job, Prop& prop) {
  constexpr double kSigmas = 3.0, kSmallest = 1.6;  // Of the gate; the latter in tolerances.
  std::vector<frame::LabelledMarker>& slots = labelsOf(job, prop).markers;
  const frame::PredictedMarker* expected = predictionsOf(job, prop);
  if (expected == nullptr) return;
  std::array<double, kMost> surprise{};  // In sizes of the gate.
  for (std::size_t m = 0; m < slots.size(); ++m) {
    if (!(slots[m].confidence > 0.0f)) continue;
    const double gate = std::max(kSigmas * static_cast<double>(expected[m].sigma),
                                 kSmallest * job.settings.tolerance);
    surprise[m] =
        static_cast<double>(glm::distance(slots[m].position, expected[m].position)) / gate;
    if (surprise[m] > 1.0) release(job, slots[m]);
  }
  for (std::size_t a = 0; a < slots.size(); ++a) {
    for (std::size_t b = a + 1; b < slots.size(); ++b) {
      if (!(slots[a].confidence > 0.0f && slots[b].confidence > 0.0f)) continue;
      const double apart = static_cast<double>(glm::distance(slots[a].position, slots[b].position));
      if (std::abs(apart - prop.pattern.apartOf(a, b)) <= job.settings.tolerance) continue;
      release(job, slots[surprise[a] > surprise[b] ? a : b]);
    }
  }
}

bool agree(const FindProps& job, const Prop& prop, const std::array<glm::dvec3, kMost>& seen) {
  for (std::size_t a = 0; a < prop.pattern.size(); ++a) {
    for (std::size_t b = a + 1; b < prop.pattern.size(); ++b) {
      const glm::dvec3 between = seen[a] - seen[b];
      const double apart = std::sqrt(glm::dot(between, between));
      if (std::abs(apart - prop.pattern.apartOf(a, b)) > job.settings.tolerance) return false;
    }
  }
  return true;
}

// Drops what does not agree and takes what does.
void keep(const FindProps& job, Prop& prop) {
  std::vector<frame::LabelledMarker>& slots = labelsOf(job, prop).markers;
  std::array<glm::dvec3, kMost> seen;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    seen[m] = slots[m].confidence > 0.0f ? glm::dvec3(slots[m].position)
                                         : glm::dvec3(std::numeric_limits<double>::quiet_NaN());
  }
  // All in place and no two of them at a wrong distance: nothing to do.
  if (countSeen(labelsOf(job, prop)) == slots.size() && agree(job, prop, seen)) return;
  PropPlacement fit;
  fitProp(prop.pattern, job.settings.tolerance, {seen.data(), slots.size()}, fit);
  if (!fit.found) {
    keepFew(job, prop);
    return;
  }
  for (std::size_t m = 0; m < slots.size(); ++m) {
    if (slots[m].confidence > 0.0f && fit.point_of_marker[m] < 0) release(job, slots[m]);
  }
  claim(job, prop, fit);
}

void updateTracking(const FindProps& job, Prop& prop) {
  const std::size_t seen = countSeen(labelsOf(job, prop));
  prop.hidden = seen == 0 ? prop.hidden + job.seconds : 0.0;
  prop.few = seen < 3 ? prop.few + job.seconds : 0.0;
  if (prop.hidden <= job.settings.hidden_time && prop.few <= job.settings.few_time) return;
  job.states[prop.subject].tracked = false;
  for (frame::LabelledMarker& slot : labelsOf(job, prop).markers) {
    if (slot.confidence > 0.0f) release(job, slot);
  }
}

void startProp(const FindProps& job, Prop& prop, const PropPlacement& placement) {
  job.workspace.pose[0] = placement.world_from_prop;
  startTracking(job.models[prop.subject], job.sequence, job.workspace.pose,
                job.states[prop.subject]);
  prop.hidden = prop.few = 0.0;
}

void adopt(const FindProps& job, Prop& prop, const PropPlacement& placement) {
  FindPropsWorkspace& w = job.workspace;
  std::vector<frame::LabelledMarker>& slots = labelsOf(job, prop).markers;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    slots[m] = {};
    if (placement.point_of_marker[m] < 0) continue;
    const auto p = static_cast<std::size_t>(placement.point_of_marker[m]);
    const frame::Marker& marker = job.labels.unlabelled[p];
    slots[m] = {marker.position, marker.covariance, 1.0f};
    w.taken[p] = 1;
  }
  startProp(job, prop, placement);
}

void search(const FindProps& job, const Prop& prop, PropPlacement& placement) {
  RecogniseProp{.settings = job.settings,
                .pattern = prop.pattern,
                .points = job.workspace.points,
                .taken = job.workspace.taken,
                .workspace = job.workspace.search,
                .placement = placement}
      .run();
}

// A tracked prop that misses markers while there are unnamed ones may have been placed wrongly: it
// is looked for anew among those and its own.
void doubt(const FindProps& job, Prop& prop, PropPlacement& placement) {
  FindPropsWorkspace& w = job.workspace;
  frame::LabelledSubject& labelled = labelsOf(job, prop);
  const std::size_t seen = countSeen(labelled);
  const auto open = static_cast<std::size_t>(std::count(w.taken.begin(), w.taken.end(), 0));
  if (seen == labelled.markers.size() || open < kGain || job.sequence < prop.next_attempt) return;
  prop.next_attempt = job.sequence + job.settings.every;
  const std::size_t named = labelled.markers.size();
  if (job.labels.unlabelled.size() + named > job.labels.unlabelled.capacity()) return;
  if (w.points.size() != job.labels.unlabelled.size() ||
      w.points.size() + named > w.points.capacity()) {
    return;
  }
  // Its own markers stand among the unnamed ones for the search.
  std::array<frame::LabelledMarker, kMost> before;
  std::copy(labelled.markers.begin(), labelled.markers.end(), before.begin());
  const std::size_t first = w.points.size();
  for (frame::LabelledMarker& slot : labelled.markers) {
    if (slot.confidence > 0.0f) release(job, slot);
  }
  search(job, prop, placement);
  if (placement.found && placement.matched >= seen + kGain) {
    adopt(job, prop, placement);
    return;
  }
  job.labels.unlabelled.resize(first);
  w.points.resize(first);
  w.taken.resize(first);
  std::copy(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(named),
            labelled.markers.begin());
}

bool isTaken(const FindProps& job, const PropPlacement& placement) {
  return std::any_of(
      placement.point_of_marker.begin(), placement.point_of_marker.end(), [&](std::int32_t point) {
        return point >= 0 && job.workspace.taken[static_cast<std::size_t>(point)] != 0;
      });
}

double shareOf(const PropPlacement& placement, const Prop& prop) {
  return static_cast<double>(placement.matched) / static_cast<double>(prop.pattern.size());
}

// Looks for lost props until the frame's tests are spent; the next frame begins with the others.
void findLost(const FindProps& job) {
  FindPropsWorkspace& w = job.workspace;
  FindPropsState& state = job.state;
  const std::size_t count = state.props.size();
  for (PropPlacement& placement : w.placements) placement.found = false;
  for (std::size_t i = 0; i < count && w.search.tests < job.settings.tests; ++i) {
    Prop& prop = state.props[(state.turn + i) % count];
    if (isTracked(job, prop) || job.sequence < prop.next_attempt) continue;
    prop.next_attempt = job.sequence + job.settings.every;
    search(job, prop, w.placements[(state.turn + i) % count]);
    if (w.search.tests >= job.settings.tests) state.turn = (state.turn + i + 1) % count;
  }
  for (;;) {
    std::size_t best = count;
    for (std::size_t p = 0; p < count; ++p) {
      if (!w.placements[p].found) continue;
      if (isTaken(job, w.placements[p])) {  // By a better one; looked for again in the next frame.
        w.placements[p].found = false;
        state.props[p].next_attempt = job.sequence + 1;
        continue;
      }
      if (best == count ||
          shareOf(w.placements[p], state.props[p]) > shareOf(w.placements[best], state.props[best]))
        best = p;
    }
    if (best == count) return;
    adopt(job, state.props[best], w.placements[best]);
    w.placements[best].found = false;
  }
}

}  // namespace

SolveSettings propSolveSettings() {
  return {.marker_sigma = 0.0006,
          .robust_radius = 0.004,
          .angular_noise = 1500.0,
          .linear_noise = 150.0,
          .hidden_damping = 0.985,
          .largest_bias = 0.0,
          .lost_share = 0.0};
}

FindPropsState makeFindPropsState(std::span<const subject::Subject> subjects,
                                  const PropSettings& settings) {
  FindPropsState state;
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    if (!subject::isProp(subjects[s])) continue;
    state.props.push_back(
        {.subject = s, .pattern = makePropPattern(subjects[s], settings.tolerance)});
  }
  return state;
}

FindPropsWorkspace makeFindPropsWorkspace(const FindPropsState& state, std::size_t most_points) {
  FindPropsWorkspace w;
  w.points.reserve(most_points);
  w.taken.reserve(most_points);
  w.placements.resize(state.props.size());
  w.pose.resize(1);
  w.search = makePropWorkspace(most_points);
  return w;
}

void FindProps::run() const {
  if (state.props.empty()) return;
  workspace.search.tests = 0;
  listUnlabelled(*this);
  for (Prop& prop : state.props) {
    if (!isTracked(*this, prop)) continue;
    keep(*this, prop);
    updateTracking(*this, prop);
  }
  for (std::size_t p = 0; p < state.props.size(); ++p) {
    if (isTracked(*this, state.props[p])) doubt(*this, state.props[p], workspace.placements[p]);
  }
  findLost(*this);
  sweep(*this);
}

}  // namespace understudy::solve
