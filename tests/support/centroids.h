#pragma once

#include <vector>

#include "capture/source/protocol.h"

namespace understudy::test {

/// A packet's centroids.
inline std::vector<frame::Centroid> centroidsOf(const source::PacketView& view) {
  std::vector<frame::Centroid> centroids(view.header.centroids);
  view.centroids(centroids);
  return centroids;
}

}  // namespace understudy::test
