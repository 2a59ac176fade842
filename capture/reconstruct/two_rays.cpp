#include "capture/reconstruct/two_rays.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/cold_geometry.h"
#include "capture/reconstruct/cold_search.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

constexpr float kFirstGate_px = 8.0f;  // Of a blob of which it is not known how fast it moves ...
constexpr float kGate_px = 2.0f;       // ... and of one of which it is.

// A blob of the open lists.
struct Listed {
  std::size_t index = 0;  // In its camera's list.
  ColdBlob blob;
};

Listed listedAt(const ColdBlobs& blobs, std::size_t camera, std::size_t index) {
  const std::size_t at = blobs.first[camera] + index;
  return {
      index,
      {blobs.open_u[at], blobs.open_v[at], blobs.radius_px[blobs.first[camera] + blobs.open[at]]}};
}

void claim(const FollowTwoRays& job, std::size_t camera, const Listed& listed) {
  ColdBlobs& blobs = job.workspace.blobs;
  claimBlob(blobs, camera, blobs.open[blobs.first[camera] + listed.index]);
}

// The one blob where the side's is expected; false if there is none, or more than one.
bool findNext(const FollowTwoRays& job, const TwoRay& pair, const TwoRay::Side& side,
              Listed& found) {
  ColdBlobs& blobs = job.workspace.blobs;
  const ColdList list = openBlobs(blobs, side.camera);
  const float gate = pair.frames == 1 ? kFirstGate_px : kGate_px;
  const float frames = static_cast<float>(1 + pair.missed);
  const float u = side.u + frames * side.step_u, v = side.v + frames * side.step_v;
  std::size_t count = 0;
  for (std::size_t i = 0; i < list.count; ++i) {
    const float du = list.u[i] - u, dv = list.v[i] - v;
    if (!(du * du + dv * dv < gate * gate)) continue;
    ++count;
    found = listedAt(blobs, side.camera, i);
  }
  return count == 1;
}

// Where two blobs meet, and how far they are from there.
struct Meeting {
  glm::vec3 position{0.0f};
  double squared_px = 0;
};

double squaredDistance(const PreparedCamera& camera, const glm::dvec3& point,
                       const ColdBlob& blob) {
  const glm::dvec3 p = toCamera(camera.projection, point);
  const double du = camera.focal_px * p.x / p.z - static_cast<double>(blob.u);
  const double dv = camera.focal_px * p.y / p.z - static_cast<double>(blob.v);
  return du * du + dv * dv;
}

double chordAt(const PreparedCamera& a, const PreparedCamera& b, const glm::dvec3& point) {
  return glm::distance(glm::normalize(point - a.centre), glm::normalize(point - b.centre));
}

bool meet(const FollowTwoRays& job, std::size_t a, const ColdBlob& blob_a, std::size_t b,
          const ColdBlob& blob_b, Meeting& meeting) {
  const PreparedCamera &camera_a = job.state.cameras[a], &camera_b = job.state.cameras[b];
  if (!meetingPoint(job.settings, camera_a, blob_a, camera_b, blob_b, meeting.position))
    return false;
  // Beyond the cameras nothing is to be expected that two of them see.
  const ColdRig& rig = job.state.cold_rig;
  const glm::vec3 centre(rig.centre[0], rig.centre[1], rig.centre[2]);
  if (!(glm::distance(meeting.position, centre) < rig.radius)) return false;
  const glm::dvec3 point(meeting.position);
  const double chord = chordAt(camera_a, camera_b, point);
  if (!(chord > job.settings.smallest_two_ray_angle)) return false;
  const double squared_a = squaredDistance(camera_a, point, blob_a);
  const double squared_b = squaredDistance(camera_b, point, blob_b);
  const double most = 0.5 * job.settings.epipolar_tolerance_px;
  meeting.squared_px = squared_a + squared_b;
  return squared_a < most * most && squared_b < most * most;
}

// True if a marker that is known may have left the blob: it would be that one's, shifted because it
// is half hidden, or a part of it.
bool isExplained(const FollowTwoRays& job, const PreparedCamera& camera, const ColdBlob& blob) {
  constexpr float kNear_px = 4.0f;
  const double reach = static_cast<double>(kNear_px + 1.5f * blob.radius_px);
  for (const frame::Marker& marker : job.cloud.markers) {
    const glm::dvec3 point(marker.position);
    if (toCamera(camera.projection, point).z < job.settings.nearest) continue;
    if (squaredDistance(camera, point, blob) < reach * reach) return true;
  }
  return false;
}

// True if the blob meets another one than its partner in any other camera.
bool hasOtherPartner(const FollowTwoRays& job, std::size_t a, const Listed& own,
                     std::size_t partner_camera, std::size_t partner) {
  ColdSearchWorkspace& w = job.workspace;
  const auto tolerance = static_cast<float>(job.settings.epipolar_tolerance_px);
  for (std::size_t c = 0; c < job.state.cameras.size(); ++c) {
    if (c == a || w.blobs.open_count[c] == 0) continue;
    const ColdList list = openBlobs(w.blobs, c);
    const ColdPair pair = makeColdPair(job.state.cameras[a], job.state.cameras[c]);
    std::size_t hits = 0;
    const ColdList alone{&own.blob.u, &own.blob.v, 1};
    job.kernels.findOnLines(pair, alone, 0, 1, list, tolerance, 1, w.hits.data(), &hits);
    job.counters.cold_tests += 1;
    for (std::size_t h = 0; h < hits; ++h) {
      glm::vec3 point;
      const Listed other = listedAt(w.blobs, c, w.hits[h].b);
      if (c == partner_camera && other.index == partner) continue;
      if (meetingPoint(job.settings, job.state.cameras[a], own.blob, job.state.cameras[c],
                       other.blob, point))
        return true;
    }
  }
  return false;
}

// The marker that two rays make; false where they make none.
bool makeMarker(const FollowTwoRays& job, const TwoRay& pair, const ColdBlob& blob_a,
                const ColdBlob& blob_b, const Meeting& meeting, frame::Marker& marker) {
  const PreparedCamera &a = job.state.cameras[pair.a.camera], &b = job.state.cameras[pair.b.camera];
  NormalEquations equations;
  glm::dvec3 point(meeting.position), step;
  glm::dmat3 inverse;
  for (const auto& [camera, blob] : {std::pair(&a, &blob_a), std::pair(&b, &blob_b)}) {
    addRay(*camera, point, static_cast<double>(blob->u), static_cast<double>(blob->v), 1.0,
           equations);
  }
  if (!solveNormalEquations(equations, step, inverse)) return false;
  point += step;
  constexpr double kOwnPlace = 0.025;  // Nearer to a marker there is none that two cameras see.
  for (const frame::Marker& other : job.cloud.markers) {
    if (glm::distance(glm::dvec3(other.position), point) < kOwnPlace) return false;
  }
  // How they met so far says what they are worth.
  const double sigma = job.settings.centroid_sigma_px;
  const double variance = std::max(sigma * sigma, pair.squared_px / pair.frames);
  marker = {.position = glm::vec3(point),
            .covariance = glm::mat3(inverse * variance),
            .residual_px = static_cast<float>(std::sqrt(0.5 * meeting.squared_px)),
            .rays = 2,
            .angle = static_cast<float>(chordAt(a, b, point))};
  return true;
}

void advance(TwoRay::Side& side, const ColdBlob& blob, std::uint32_t frames) {
  const float share = 1.0f / static_cast<float>(frames);
  side.step_u = share * (blob.u - side.u);
  side.step_v = share * (blob.v - side.v);
  side.u = blob.u;
  side.v = blob.v;
}

// Follows one pair into this frame; false if it has come to its end.
bool follow(const FollowTwoRays& job, TwoRay& pair) {
  constexpr std::uint32_t kMostMissed = 2;  // Of what has been a marker.
  const bool proven = pair.frames >= static_cast<std::uint32_t>(job.settings.two_ray_frames);
  Listed a, b;
  Meeting meeting;
  if (!findNext(job, pair, pair.a, a) || !findNext(job, pair, pair.b, b) ||
      !meet(job, pair.a.camera, a.blob, pair.b.camera, b.blob, meeting))
    return proven && pair.missed++ < kMostMissed;
  advance(pair.a, a.blob, 1 + pair.missed);
  advance(pair.b, b.blob, 1 + pair.missed);
  pair.missed = 0;
  ++pair.frames;
  pair.squared_px += meeting.squared_px;
  // Blobs that meet by chance do not keep to it as those of one marker do.
  constexpr double kLargestResidual = 1.5;  // Sigmas of a centroid, of two rays with one freedom.
  const double largest = kLargestResidual * job.settings.centroid_sigma_px;
  if (pair.squared_px > largest * largest * pair.frames) return false;
  if (pair.frames >= static_cast<std::uint32_t>(job.settings.two_ray_frames)) {
    const PreparedCamera &camera_a = job.state.cameras[pair.a.camera],
                         &camera_b = job.state.cameras[pair.b.camera];
    if (isExplained(job, camera_a, a.blob) || isExplained(job, camera_b, b.blob)) return false;
    if (!proven && (hasOtherPartner(job, pair.a.camera, a, pair.b.camera, b.index) ||
                    hasOtherPartner(job, pair.b.camera, b, pair.a.camera, a.index)))
      return false;
    frame::Marker marker;
    if (!makeMarker(job, pair, a.blob, b.blob, meeting, marker)) return false;
    if (job.cloud.markers.size() < job.cloud.markers.capacity())
      job.cloud.markers.push_back(marker);
  }
  claim(job, pair.a.camera, a);
  claim(job, pair.b.camera, b);
  return true;
}

// Remembers hits of two cameras' blobs that have nobody but each other.
void remember(const FollowTwoRays& job, const ColdRig::Pair& cameras, std::size_t hits) {
  ColdSearchWorkspace& w = job.workspace;
  std::vector<TwoRay>& pairs = job.state.two_rays.pairs;
  for (std::size_t h = 0; h < hits && pairs.size() < kMostTwoRays; ++h) {
    const ColdHit hit = w.hits[h];
    const std::size_t same = static_cast<std::size_t>(
        std::count_if(w.hits.begin(), w.hits.begin() + static_cast<std::ptrdiff_t>(hits),
                      [&](const ColdHit& x) { return x.a == hit.a || x.b == hit.b; }));
    if (same != 1) continue;
    const Listed a = listedAt(w.blobs, cameras.a, hit.a), b = listedAt(w.blobs, cameras.b, hit.b);
    Meeting meeting;
    if (!meet(job, cameras.a, a.blob, cameras.b, b.blob, meeting)) continue;
    pairs.push_back({.a = {.camera = cameras.a, .u = a.blob.u, .v = a.blob.v},
                     .b = {.camera = cameras.b, .u = b.blob.u, .v = b.blob.v},
                     .squared_px = meeting.squared_px});
    claim(job, cameras.a, a);
    claim(job, cameras.b, b);
  }
}

// Looks for new pairs of blobs in the next pairs of cameras.
void findNew(const FollowTwoRays& job) {
  constexpr std::uint32_t kTestsPerFrame = 128, kTestsOfPair = 4;
  constexpr std::size_t kMostHits = 64;  // In so many there is no telling.
  ColdSearchWorkspace& w = job.workspace;
  const ColdRig& rig = job.state.cold_rig;
  const auto tolerance = static_cast<float>(job.settings.epipolar_tolerance_px);
  std::uint32_t tests = 0;
  std::uint32_t& next = job.state.two_rays.next_pair;
  for (std::size_t tried = 0; tried < rig.pairs.size() && tests < kTestsPerFrame; ++tried) {
    const ColdRig::Pair cameras = rig.pairs[next % rig.pairs.size()];
    next = static_cast<std::uint32_t>((next + 1) % rig.pairs.size());
    ++tests;
    if (w.blobs.open_count[cameras.a] == 0 || w.blobs.open_count[cameras.b] == 0) continue;
    const ColdList a = openBlobs(w.blobs, cameras.a), b = openBlobs(w.blobs, cameras.b);
    const ColdPair pair = makeColdPair(job.state.cameras[cameras.a], job.state.cameras[cameras.b]);
    std::size_t hits = 0;
    tests += kTestsOfPair + static_cast<std::uint32_t>(a.count * (1 + b.count / 16));
    if (tests > 4 * kTestsPerFrame) continue;  // Too much is left over to tell anything.
    job.kernels.findOnLines(pair, a, 0, a.count, b, tolerance, kMostHits, w.hits.data(), &hits);
    if (hits > 0 && hits < kMostHits) remember(job, cameras, hits);
  }
  job.counters.cold_tests += tests;
}

}  // namespace

TwoRayState makeTwoRayState() {
  TwoRayState state;
  state.pairs.reserve(kMostTwoRays);
  return state;
}

void FollowTwoRays::run() const {
  TwoRayState& two = state.two_rays;
  // What is still to be searched may be of more rays than two.
  if (two.sequence + 1 != stamp.sequence || counters.cold_budget_spent ||
      settings.two_ray_frames == 0)
    two.pairs.clear();
  two.sequence = stamp.sequence;
  if (settings.two_ray_frames == 0 || counters.cold_budget_spent) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < two.pairs.size(); ++i) {
    TwoRay pair = two.pairs[i];
    if (follow(*this, pair)) two.pairs[kept++] = pair;
  }
  two.pairs.resize(kept);
  const std::vector<std::uint32_t>& open = workspace.blobs.open_count;
  const auto cameras = std::count_if(open.begin(), open.end(), [](auto n) { return n > 0; });
  if (cameras >= 2 && !state.cold_rig.pairs.empty()) findNew(*this);
}

}  // namespace understudy::reconstruct
