#pragma once

#include <cstdint>
#include <vector>

#include "capture/frame/frames.h"
#include "tools/scoring/true_markers.h"

namespace understudy::scoring {

/// In how many pieces the paths of markers are.
struct FragmentCount {
  std::uint64_t markers = 0;  ///< That were there at any time.
  /// In the recording: stretches between its gaps, whose ends nobody has joined.
  std::uint64_t before = 0;
  /// In the live output: stretches under one and the same identity, across gaps.
  std::uint64_t after = 0;
};

/// Counts fragments by the truth. A marker carries the identity of what the output has nearest to
/// it, within LabelScore::kRightRadius: a slot of a subject or the track of an unlabelled marker.
/// Another identity than its last begins a new fragment; a gap alone does not.
class FragmentScore {
 public:
  explicit FragmentScore(std::size_t markers);

  void add(const TrueMarkers& markers, const frame::LabelledMarkers& labels);
  FragmentCount count() const;

 private:
  struct Path {
    bool there = false;
    bool carried = false;  ///< In this frame; names come before tracks.
    std::int64_t identity = -1;
    std::uint64_t before = 0, after = 0;
  };
  void carry(const TrueMarkers& markers, const glm::vec3& position, std::int64_t identity);

  std::vector<Path> paths_;
};

}  // namespace understudy::scoring
