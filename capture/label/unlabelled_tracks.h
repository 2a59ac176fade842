#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/frame/frames.h"
#include "engine/core/result.h"

namespace understudy::label {

/// Motion model and gates of markers without a name.
struct TrackSettings {
  double acceleration_density = 7.5;  ///< Of the white acceleration that drives a marker, m^2/s^3:
                                      ///< 30 m/s^2 that change 120 times a second.
  double first_speed = 3.0;           ///< Standard deviation of a new track's velocity, m/s.
  double smallest_sigma = 0.0003;     ///< Of a measurement, metres, whatever its covariance says.
  double gate_sigmas = 4.0;           ///< How far a marker may be from where its track expects it
  double smallest_gate = 0.010;       ///< ... but at least this, metres,
  double largest_gate = 0.10;         ///< and at most this.
  std::uint32_t fewest_seen = 3;      ///< Frames that a track is seen in before it predicts.
  std::uint32_t most_missed = 12;     ///< Frames without a marker after which a track ends.
  double subject_radius = 0.015;  ///< A track this near a subject's prediction is silent, metres.
  double own_radius = 0.008;      ///< Likewise to an older track; no track starts this near one.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const TrackSettings& settings);

/// Most tracks at a time; further markers have none.
inline constexpr std::size_t kMostTracks = 1024;

/// One marker without a name, followed through time.
struct Track {
  std::uint32_t id = 0;                     ///< Never 0; not given again before 2^32 others.
  std::uint32_t seen = 0;                   ///< Frames with a marker.
  std::uint32_t missed = 0;                 ///< Frames since the last one.
  glm::dvec3 position{0.0}, velocity{0.0};  ///< World, m and m/s, at TrackState::sequence.
  double position_variance = 0;             ///< Per axis, m^2; the axes are alike.
  double mixed_variance = 0;                ///< Of position with velocity, m^2/s.
  double velocity_variance = 0;             ///< m^2/s^2.
};

struct TrackState {
  std::vector<Track> tracks;  ///< Oldest first.
  std::uint32_t next_id = 1;
  std::uint64_t sequence = 0;  ///< Of the frame they were brought up to.
};

TrackState makeTrackState();
/// Ends all tracks; ids go on.
void forgetTracks(TrackState& state);

/// Scratch; one per thread.
struct TrackWorkspace {
  struct Place {
    glm::vec3 position;
    std::uint32_t index;
  };
  struct Pair {
    double cost;  ///< Squared distance over the squared gate.
    std::uint32_t track, marker;
  };
  std::vector<Place> places;  ///< Sorted by x, then by index.
  std::vector<Pair> pairs;
  std::vector<std::int32_t> marker_of;  ///< Per track: unlabelled marker, or a negative code.
  std::vector<std::uint8_t> taken;      ///< Per unlabelled marker.
};

/// `most_named`: markers of all subjects together.
TrackWorkspace makeTrackWorkspace(std::size_t most_named, std::size_t most_unlabelled);

/// Appends where the tracks are expected to the predictions of the subjects, with
/// frame::kNoSubject as subject and the index of the track as marker. Silent are tracks that are
/// too young and those beside a subject's prediction or an older track: a blob has one taker.
struct PredictTracks {
  const TrackSettings& settings;
  double rate_hz;
  const TrackState& state;
  TrackWorkspace& workspace;
  frame::PredictedMarkers& predictions;  ///< Its stamp says of when; filled up to its capacity.

  void run() const;
};

/// Brings the tracks up to a frame when all names are given: a marker without a name belongs to the
/// track whose prediction it was matched to; the others go to the nearest track in whose gate they
/// are, the cheapest pair first (Blackman and Popoli, "Design and Analysis of Modern Tracking
/// Systems", 1999, 6.4), and begin a track where there is none. A track whose marker has a name now
/// ends. Sets Marker::track of the unlabelled markers. Every track is a Kalman filter of constant
/// velocity under white acceleration (Bar-Shalom, Li and Kirubarajan, "Estimation with Applications
/// to Tracking and Navigation", 2001, 6.2.2).
struct UpdateTracks {
  const TrackSettings& settings;
  double rate_hz;
  const frame::PredictedMarkers& predictions;  ///< That the frame was reconstructed with.
  const frame::MarkerCloud& cloud;
  TrackState& state;
  TrackWorkspace& workspace;
  frame::LabelledMarkers& labels;

  void run() const;
};

}  // namespace understudy::label
