#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/reconstruct/cold_kernels.h"

namespace understudy::reconstruct {

struct SearchCold;

/// A place where rays of two cameras, or of more, meet.
struct ColdCandidate {
  glm::vec3 position{0.0f};
  std::uint16_t support = 0;             ///< Rays that are known to meet there.
  std::uint16_t a = 0, b = 0;            ///< The cameras.
  std::uint16_t blob_a = 0, blob_b = 0;  ///< Their blobs in the cameras' maps.
  bool has_pair = false;                 ///< False: it comes of no two blobs in particular.
};

/// Candidates that are tested together, camera by camera, so that a camera's map stays near.
inline constexpr std::size_t kColdBatch = 128;

/// Scratch of the tests.
struct ColdTests {
  /// What its rays say of a candidate.
  struct Solution {
    glm::vec3 position{0.0f};
    float inverse[6] = {};   ///< Of the information: xx, xy, xz, yy, yz, zz; m^2/px^2.
    float squared_px = 0;    ///< Sum over the rays.
    std::uint16_t rays = 0;  ///< 0: it is none.
  };
  struct TakenBlob {
    std::uint16_t camera, blob;
  };
  std::vector<ColdCandidate> fresh;    ///< Of one pair of cameras.
  std::vector<ColdCandidate> pending;  ///< Seen by near views too, to be tested in all.
  std::vector<ColdCandidate> again;    ///< To be tested again, some of their blobs being gone.
  std::vector<ColdCandidate> put_off;  ///< Of too few rays so far.
  std::vector<ColdPoints> points;      ///< Per group.
  std::vector<ColdSight> sights;       ///< Per group `stride`, by camera.
  std::vector<std::int16_t> taken;     ///< Per group and camera kColdLanes.
  std::vector<std::int16_t> retaken;   ///< Of one group.
  std::size_t stride = 0;
  std::vector<std::uint32_t> batch_of;   ///< Per blob: the last batch with a candidate of it.
  std::uint32_t batch = 0;               ///< Number of batches so far.
  std::vector<std::uint8_t> confirming;  ///< Per candidate: near views that see it.
  std::vector<Solution> solutions;
  std::vector<std::uint16_t> order;
  std::vector<TakenBlob> rays;  ///< Of one candidate.
};

/// `blobs`: length of the arrays in ColdBlobs.
ColdTests makeColdTests(std::size_t cameras, std::size_t blobs);

/// Keeps of `fresh` what one of so many views from nearly the same side as camera a's sees too, as
/// pending.
void screenCandidates(const SearchCold& job, std::size_t a, std::size_t views);

/// Tests what is pending in all views, best support first: what has at least `least_rays` claims
/// its blobs, the rest is put off or dropped.
void takeCandidates(const SearchCold& job, int least_rays);

}  // namespace understudy::reconstruct
