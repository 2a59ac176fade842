#include "capture/label/unlabelled_tracks.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace understudy::label {
namespace {

using Place = TrackWorkspace::Place;

// Codes in TrackWorkspace::marker_of.
constexpr std::int32_t kNoMarker = -1;
constexpr std::int32_t kNamed = -2;  // Its marker has a name now.

constexpr float kFarthest = 10000.0f;  // Metres; nothing beyond is followed.

bool isPlace(const glm::vec3& p) {
  return std::abs(p.x) < kFarthest && std::abs(p.y) < kFarthest && std::abs(p.z) < kFarthest;
}

double squaredDistance(const glm::dvec3& a, const glm::dvec3& b) {
  const glm::dvec3 between = a - b;
  return glm::dot(between, between);
}

void addPlace(std::vector<Place>& places, const glm::vec3& position, std::size_t index) {
  if (!isPlace(position) || places.size() == places.capacity()) return;
  places.push_back({position, static_cast<std::uint32_t>(index)});
}

void sortPlaces(std::vector<Place>& places) {
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.position.x != b.position.x ? a.position.x < b.position.x : a.index < b.index;
  });
}

// Calls visit(place, squared distance) for all places within `reach`; it returns true to stop.
template <typename Visit>
bool visitNear(const std::vector<Place>& places, const glm::dvec3& centre, double reach,
               const Visit& visit) {
  auto place = std::lower_bound(
      places.begin(), places.end(), centre.x - reach,
      [](const Place& p, double x) { return static_cast<double>(p.position.x) < x; });
  for (; place != places.end() && static_cast<double>(place->position.x) <= centre.x + reach;
       ++place) {
    const double squared = squaredDistance(glm::dvec3(place->position), centre);
    if (squared <= reach * reach && visit(*place, squared)) return true;
  }
  return false;
}

bool isAnyNear(const std::vector<Place>& places, const glm::dvec3& centre, double reach) {
  return visitNear(places, centre, reach, [](const Place&, double) { return true; });
}

Track ahead(const TrackSettings& settings, const Track& track, double seconds) {
  const double q = settings.acceleration_density;
  Track later = track;
  later.position += seconds * track.velocity;
  later.position_variance += seconds * (2.0 * track.mixed_variance +
                                        seconds * (track.velocity_variance + q * seconds / 3.0));
  later.mixed_variance += seconds * (track.velocity_variance + 0.5 * q * seconds);
  later.velocity_variance += q * seconds;
  return later;
}

double varianceOf(const TrackSettings& settings, const frame::Marker& marker) {
  constexpr double kLargest = 0.05 * 0.05;
  const double smallest = settings.smallest_sigma * settings.smallest_sigma;
  const double mean = static_cast<double>(marker.covariance[0][0] + marker.covariance[1][1] +
                                          marker.covariance[2][2]) /
                      3.0;
  return mean > smallest ? std::min(mean, kLargest) : smallest;
}

double gateOf(const TrackSettings& settings, const Track& track) {
  return std::clamp(settings.gate_sigmas * std::sqrt(track.position_variance),
                    settings.smallest_gate, settings.largest_gate);
}

void correct(const TrackSettings& settings, const frame::Marker& marker, Track& track) {
  const double total = track.position_variance + varianceOf(settings, marker);
  const double gain = track.position_variance / total;
  const double velocity_gain = track.mixed_variance / total;
  const glm::dvec3 off = glm::dvec3(marker.position) - track.position;
  track.position += gain * off;
  track.velocity += velocity_gain * off;
  track.velocity_variance -= velocity_gain * track.mixed_variance;
  track.mixed_variance *= 1.0 - gain;
  track.position_variance *= 1.0 - gain;
  ++track.seen;
  track.missed = 0;
}

std::uint64_t framesSince(std::uint64_t before, std::uint64_t now) {
  return now > before ? now - before : 0;
}

// The track that a prediction came of, or the number of tracks.
std::size_t trackOf(const UpdateTracks& job, std::int32_t prediction) {
  const std::size_t none = job.state.tracks.size();
  if (prediction < 0 || static_cast<std::size_t>(prediction) >= job.predictions.markers.size())
    return none;
  const frame::PredictedMarker& predicted =
      job.predictions.markers[static_cast<std::size_t>(prediction)];
  return predicted.subject == frame::kNoSubject ? std::min<std::size_t>(predicted.marker, none)
                                                : none;
}

// What reconstruction matched to a track is its marker; where that has no place among the markers
// without a name, it was given one.
void takeMatches(const UpdateTracks& job) {
  TrackWorkspace& w = job.workspace;
  const std::size_t count = job.state.tracks.size();
  for (const frame::Marker& marker : job.cloud.markers) {
    const std::size_t t = trackOf(job, marker.prediction);
    if (t < count) w.marker_of[t] = kNamed;
  }
  for (std::size_t m = 0; m < job.labels.unlabelled.size(); ++m) {
    const frame::Marker& marker = job.labels.unlabelled[m];
    const std::size_t t = trackOf(job, marker.prediction);
    if (t >= count || w.marker_of[t] >= 0 || !isPlace(marker.position)) continue;
    w.marker_of[t] = static_cast<std::int32_t>(m);
    w.taken[m] = 1;
  }
}

void findPairs(const UpdateTracks& job) {
  TrackWorkspace& w = job.workspace;
  w.places.clear();
  w.pairs.clear();
  for (std::size_t m = 0; m < job.labels.unlabelled.size(); ++m) {
    if (!w.taken[m]) addPlace(w.places, job.labels.unlabelled[m].position, m);
  }
  sortPlaces(w.places);
  for (std::size_t t = 0; t < job.state.tracks.size() && !w.places.empty(); ++t) {
    if (w.marker_of[t] != kNoMarker) continue;
    const Track& track = job.state.tracks[t];
    const double gate = gateOf(job.settings, track);
    visitNear(w.places, track.position, gate, [&](const Place& place, double squared) {
      if (w.pairs.size() == w.pairs.capacity()) return true;
      w.pairs.push_back({squared / (gate * gate), static_cast<std::uint32_t>(t), place.index});
      return false;
    });
  }
}

void takeNearest(const UpdateTracks& job) {
  TrackWorkspace& w = job.workspace;
  findPairs(job);
  using Pair = TrackWorkspace::Pair;
  std::sort(w.pairs.begin(), w.pairs.end(), [](const Pair& a, const Pair& b) {
    if (a.cost != b.cost) return a.cost < b.cost;
    return a.track != b.track ? a.track < b.track : a.marker < b.marker;
  });
  for (const Pair& pair : w.pairs) {
    if (w.marker_of[pair.track] != kNoMarker || w.taken[pair.marker]) continue;
    w.marker_of[pair.track] = static_cast<std::int32_t>(pair.marker);
    w.taken[pair.marker] = 1;
  }
}

// A track without a marker, where a marker with a name is, was of that one.
void endNamed(const UpdateTracks& job) {
  TrackWorkspace& w = job.workspace;
  if (std::find(w.marker_of.begin(), w.marker_of.end(), kNoMarker) == w.marker_of.end()) return;
  w.places.clear();
  for (const frame::LabelledSubject& subject : job.labels.subjects) {
    for (const frame::LabelledMarker& marker : subject.markers) {
      if (marker.confidence > 0.0f) addPlace(w.places, marker.position, 0);
    }
  }
  sortPlaces(w.places);
  for (std::size_t t = 0; t < job.state.tracks.size(); ++t) {
    if (w.marker_of[t] != kNoMarker) continue;
    if (isAnyNear(w.places, job.state.tracks[t].position, job.settings.subject_radius))
      w.marker_of[t] = kNamed;
  }
}

// Corrects the tracks with their markers and drops those that have ended; their order stays.
void settle(const UpdateTracks& job, std::uint32_t elapsed) {
  std::vector<Track>& tracks = job.state.tracks;
  std::size_t kept = 0;
  for (std::size_t t = 0; t < tracks.size(); ++t) {
    Track track = tracks[t];
    const std::int32_t m = job.workspace.marker_of[t];
    if (m == kNamed) continue;
    if (m >= 0) {
      frame::Marker& marker = job.labels.unlabelled[static_cast<std::size_t>(m)];
      correct(job.settings, marker, track);
      marker.track = track.id;
    } else {
      track.missed += elapsed;
      // A track that never was seen enough has nothing to wait for.
      if (track.missed > job.settings.most_missed || track.seen < job.settings.fewest_seen)
        continue;
    }
    tracks[kept++] = track;
  }
  tracks.resize(kept);
}

void startTracks(const UpdateTracks& job) {
  TrackWorkspace& w = job.workspace;
  std::vector<Track>& tracks = job.state.tracks;
  if (std::find(w.taken.begin(), w.taken.end(), 0) == w.taken.end()) return;
  w.places.clear();
  for (const Track& track : tracks) addPlace(w.places, glm::vec3(track.position), 0);
  sortPlaces(w.places);
  for (std::size_t m = 0; m < w.taken.size() && tracks.size() < kMostTracks; ++m) {
    frame::Marker& marker = job.labels.unlabelled[m];
    if (w.taken[m] || !isPlace(marker.position)) continue;
    if (isAnyNear(w.places, glm::dvec3(marker.position), job.settings.own_radius)) continue;
    marker.track = job.state.next_id;
    job.state.next_id = std::max<std::uint32_t>(1, job.state.next_id + 1);
    tracks.push_back({.id = marker.track,
                      .seen = 1,
                      .position = glm::dvec3(marker.position),
                      .position_variance = varianceOf(job.settings, marker),
                      .velocity_variance = job.settings.first_speed * job.settings.first_speed});
  }
}

}  // namespace

core::Result<void> check(const TrackSettings& s) {
  const auto outOfRange = [](const char* key, const char* condition) {
    return core::makeError(std::string("track settings: ") + key + " must be " + condition);
  };
  const auto positive = [](double value) { return value > 0.0 && std::isfinite(value); };
  if (!positive(s.acceleration_density)) return outOfRange("acceleration_density", "> 0");
  if (!positive(s.first_speed)) return outOfRange("first_speed", "> 0");
  if (!positive(s.smallest_sigma)) return outOfRange("smallest_sigma", "> 0");
  if (!positive(s.gate_sigmas)) return outOfRange("gate_sigmas", "> 0");
  if (!positive(s.smallest_gate)) return outOfRange("smallest_gate", "> 0");
  if (!(s.largest_gate >= s.smallest_gate && s.largest_gate <= 1.0))
    return outOfRange("largest_gate", "between smallest_gate and 1");
  if (s.fewest_seen == 0) return outOfRange("fewest_seen", "> 0");
  if (!(s.subject_radius >= 0.0 && s.subject_radius <= 1.0))
    return outOfRange("subject_radius", "in 0..1");
  if (!(s.own_radius >= 0.0 && s.own_radius <= 1.0)) return outOfRange("own_radius", "in 0..1");
  return {};
}

TrackState makeTrackState() {
  TrackState state;
  state.tracks.reserve(kMostTracks);
  return state;
}

void forgetTracks(TrackState& state) {
  state.tracks.clear();
  state.sequence = 0;
}

TrackWorkspace makeTrackWorkspace(std::size_t most_named, std::size_t most_unlabelled) {
  constexpr std::size_t kPairsPerTrack = 8;
  TrackWorkspace w;
  w.places.reserve(most_named + most_unlabelled + kMostTracks);
  w.pairs.reserve(kPairsPerTrack * kMostTracks);
  w.marker_of.reserve(kMostTracks);
  w.taken.reserve(most_unlabelled);
  return w;
}

void PredictTracks::run() const {
  if (state.tracks.empty()) return;
  std::vector<Place>& places = workspace.places;
  const double seconds =
      static_cast<double>(framesSince(state.sequence, predictions.stamp.sequence)) / rate_hz;
  if (!(seconds > 0.0 && seconds < 1.0)) return;
  places.clear();
  for (const frame::PredictedMarker& predicted : predictions.markers)
    addPlace(places, predicted.position, kMostTracks);
  for (std::size_t t = 0; t < state.tracks.size(); ++t)
    addPlace(places, glm::vec3(state.tracks[t].position + seconds * state.tracks[t].velocity), t);
  sortPlaces(places);
  const double reach = std::max(settings.subject_radius, settings.own_radius);
  for (std::size_t t = 0; t < state.tracks.size(); ++t) {
    const Track& track = state.tracks[t];
    if (track.seen < settings.fewest_seen) continue;
    if (predictions.markers.size() == predictions.markers.capacity()) return;
    const Track later = ahead(settings, track, seconds);
    if (!isPlace(glm::vec3(later.position))) continue;
    const bool silent = visitNear(places, later.position, reach, [&](const Place& p, double sq) {
      const bool subject = p.index == kMostTracks;
      const double own = subject ? settings.subject_radius : settings.own_radius;
      return (subject || p.index < t) && sq <= own * own;
    });
    if (silent) continue;
    predictions.markers.push_back(
        {.subject = frame::kNoSubject,
         .marker = static_cast<std::uint32_t>(t),
         .position = glm::vec3(later.position),
         .sigma = static_cast<float>(std::sqrt(later.position_variance))});
  }
}

void UpdateTracks::run() const {
  for (frame::Marker& marker : labels.unlabelled) marker.track = 0;
  const std::uint64_t now = labels.stamp.sequence;
  const std::uint64_t frames = framesSince(state.sequence, now);
  if (frames == 0 || frames > settings.most_missed) forgetTracks(state);
  state.sequence = now;
  if (state.tracks.empty() && labels.unlabelled.empty()) return;
  const double seconds = static_cast<double>(frames) / rate_hz;
  for (Track& track : state.tracks) track = ahead(settings, track, seconds);
  workspace.marker_of.assign(state.tracks.size(), kNoMarker);
  workspace.taken.assign(labels.unlabelled.size(), 0);
  takeMatches(*this);
  takeNearest(*this);
  endNamed(*this);
  settle(*this, static_cast<std::uint32_t>(frames));
  startTracks(*this);
}

}  // namespace understudy::label
