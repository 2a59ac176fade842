#include "tests/bench/naive_matcher.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::bench {
namespace {

using namespace reconstruct;

// One place where two or more rays meet.
struct Meeting {
  glm::dvec3 position{0.0};
  std::vector<std::int32_t> centroid;  // Per camera, -1 for none.
  int support = 2;
  bool joined = false;
};

constexpr double kJoinRadius = 0.008;  // Metres between two triangulations of one marker.

bool triangulate(const NaiveMatcher& job, const PreparedCamera& a, const glm::dvec3& da,
                 const PreparedCamera& b, const glm::dvec3& db, glm::dvec3& point) {
  const glm::dvec3 between = b.centre - a.centre;
  const double aa = glm::dot(da, da), bb = glm::dot(db, db), ab = glm::dot(da, db);
  const double determinant = aa * bb - ab * ab;
  if (determinant < 1e-4 * aa * bb) return false;
  const double along_a = (glm::dot(da, between) * bb - glm::dot(db, between) * ab) / determinant;
  const double along_b = (glm::dot(da, between) * ab - glm::dot(db, between) * aa) / determinant;
  if (std::min(along_a, along_b) < job.settings.nearest ||
      std::max(along_a, along_b) > job.settings.farthest)
    return false;
  point = 0.5 * ((a.centre + along_a * da) + (b.centre + along_b * db));
  return true;
}

std::vector<Meeting> findMeetings(const NaiveMatcher& job) {
  const auto& cameras = job.state.cameras;
  std::vector<std::vector<glm::dvec3>> rays(cameras.size());
  for (std::size_t c = 0; c < cameras.size(); ++c) {
    for (const FreeCentroid& free : job.state.free[c])
      rays[c].push_back(rayWorld(cameras[c], free.u, free.v));
  }
  std::vector<Meeting> meetings;
  for (std::size_t a = 0; a < cameras.size(); ++a) {
    for (std::size_t b = a + 1; b < cameras.size(); ++b) {
      const glm::dvec3 origin = toCamera(cameras[b].projection, cameras[a].centre);
      for (std::size_t i = 0; i < rays[a].size(); ++i) {
        const glm::dvec3 tip =
            toCamera(cameras[b].projection, cameras[a].centre + rays[a][i]);
        const glm::dvec3 normal = glm::cross(origin, tip - origin);
        const glm::dvec3 line = normal / std::hypot(normal.x, normal.y);
        for (std::size_t j = 0; j < rays[b].size(); ++j) {
          const FreeCentroid& to = job.state.free[b][j];
          if (std::abs(line.x * to.u + line.y * to.v + line.z * cameras[b].focal_px) >
              job.settings.epipolar_tolerance_px)
            continue;
          Meeting meeting;
          if (!triangulate(job, cameras[a], rays[a][i], cameras[b], rays[b][j], meeting.position))
            continue;
          meeting.centroid.assign(cameras.size(), -1);
          meeting.centroid[a] = static_cast<std::int32_t>(i);
          meeting.centroid[b] = static_cast<std::int32_t>(j);
          meetings.push_back(std::move(meeting));
        }
      }
    }
  }
  return meetings;
}

// Every meeting gathers the rays of all others near it.
void joinMeetings(std::vector<Meeting>& meetings) {
  for (std::size_t i = 0; i < meetings.size(); ++i) {
    for (std::size_t j = i + 1; j < meetings.size(); ++j) {
      const glm::dvec3 between = meetings[i].position - meetings[j].position;
      if (glm::dot(between, between) > kJoinRadius * kJoinRadius) continue;
      for (std::size_t c = 0; c < meetings[i].centroid.size(); ++c) {
        if (meetings[i].centroid[c] < 0) meetings[i].centroid[c] = meetings[j].centroid[c];
        if (meetings[j].centroid[c] < 0) meetings[j].centroid[c] = meetings[i].centroid[c];
      }
    }
  }
  for (Meeting& meeting : meetings) {
    meeting.support = static_cast<int>(
        std::count_if(meeting.centroid.begin(), meeting.centroid.end(), [](int c) { return c >= 0; }));
  }
}

// Least squares over the rays that are left to the meeting; drops rays that do not fit.
bool refine(const NaiveMatcher& job, Meeting& meeting, frame::Marker& marker) {
  NormalEquations equations;
  glm::dvec3 step;
  glm::dmat3 inverse;
  int rays = 0;
  for (int pass = 0; pass < 4; ++pass) {
    equations = {};
    rays = 0;
    for (std::size_t c = 0; c < meeting.centroid.size(); ++c) {
      if (meeting.centroid[c] < 0) continue;
      const FreeCentroid& free = job.state.free[c][static_cast<std::size_t>(meeting.centroid[c])];
      NormalEquations alone;
      const double squared = addRay(job.state.cameras[c], meeting.position, free.u, free.v, 1.0, alone);
      const double limit = pass < 2 ? 25.0 : 2.25;
      if (squared > limit) {
        meeting.centroid[c] = -1;
        continue;
      }
      addRay(job.state.cameras[c], meeting.position, free.u, free.v, 1.0, equations);
      ++rays;
    }
    if (rays < job.settings.smallest_cold_rays) return false;
    if (!solveNormalEquations(equations, step, inverse)) return false;
    meeting.position += step;
  }
  marker.position = glm::vec3(meeting.position);
  marker.rays = static_cast<std::uint16_t>(rays);
  const double sigma = job.settings.centroid_sigma_px;
  marker.covariance = glm::mat3(inverse * (sigma * sigma));
  return true;
}

}  // namespace

void NaiveMatcher::run() const {
  markers.clear();
  std::vector<Meeting> meetings = findMeetings(*this);
  joinMeetings(meetings);
  std::stable_sort(meetings.begin(), meetings.end(),
                   [](const Meeting& a, const Meeting& b) { return a.support > b.support; });
  std::vector<std::vector<bool>> taken(state.cameras.size());
  for (std::size_t c = 0; c < taken.size(); ++c) taken[c].assign(state.free[c].size(), false);
  for (Meeting& meeting : meetings) {
    int left = 0;
    for (std::size_t c = 0; c < taken.size(); ++c) {
      if (meeting.centroid[c] >= 0 && taken[c][static_cast<std::size_t>(meeting.centroid[c])])
        meeting.centroid[c] = -1;
      left += meeting.centroid[c] >= 0;
    }
    if (left < settings.smallest_cold_rays) continue;
    frame::Marker marker;
    if (!refine(*this, meeting, marker)) continue;
    for (std::size_t c = 0; c < taken.size(); ++c) {
      if (meeting.centroid[c] >= 0) taken[c][static_cast<std::size_t>(meeting.centroid[c])] = true;
    }
    markers.push_back(marker);
  }
}

}  // namespace understudy::bench
