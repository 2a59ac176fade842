#include "capture/reconstruct/cold_geometry.h"

#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

// True if two blobs may show one sphere at the point; a radius of 0 is unknown.
bool isOneSize(float radius_a_px, const PreparedCamera& a, float radius_b_px,
               const PreparedCamera& b, const glm::vec3& point) {
  constexpr double kMostApart =
      1.6;  // Merged and half hidden blobs differ; noise does not so much.
  const double size_a =
      static_cast<double>(radius_a_px) * toCamera(a.projection, glm::dvec3(point)).z / a.focal_px;
  const double size_b =
      static_cast<double>(radius_b_px) * toCamera(b.projection, glm::dvec3(point)).z / b.focal_px;
  if (!(size_a > 0.0 && size_b > 0.0)) return true;
  return size_a < kMostApart * size_b && size_b < kMostApart * size_a;
}

}  // namespace

ColdPair makeColdPair(const PreparedCamera& a, const PreparedCamera& b) {
  const double *ra = a.projection.rotation, *rb = b.projection.rotation;
  const glm::dvec3 origin = toCamera(b.projection, a.centre);
  double turn[9];  // b_from_a
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c)
      turn[3 * r + c] =
          rb[3 * r] * ra[3 * c] + rb[3 * r + 1] * ra[3 * c + 1] + rb[3 * r + 2] * ra[3 * c + 2];
  }
  ColdPair pair;
  for (int c = 0; c < 3; ++c) {
    const glm::dvec3 column(turn[c], turn[3 + c], turn[6 + c]);
    const glm::dvec3 crossed = glm::cross(origin, column);
    for (int r = 0; r < 3; ++r) pair.essential[3 * r + c] = static_cast<float>(crossed[r]);
  }
  pair.focal_a = static_cast<float>(a.focal_px);
  pair.focal_b = static_cast<float>(b.focal_px);
  return pair;
}

bool meetingPoint(const ReconstructSettings& settings, const PreparedCamera& a,
                  const ColdBlob& blob_a, const PreparedCamera& b, const ColdBlob& blob_b,
                  glm::vec3& point) {
  const auto rayOf = [](const PreparedCamera& camera, const ColdBlob& blob) {
    return rayWorld(camera, static_cast<double>(blob.u), static_cast<double>(blob.v));
  };
  const glm::dvec3 da = rayOf(a, blob_a), db = rayOf(b, blob_b), between = b.centre - a.centre;
  const double aa = glm::dot(da, da), bb = glm::dot(db, db), ab = glm::dot(da, db);
  const double determinant = aa * bb - ab * ab;
  if (determinant < 1e-4 * aa * bb) return false;  // Nearly parallel: under about half a degree.
  const double along_a = (glm::dot(da, between) * bb - glm::dot(db, between) * ab) / determinant;
  const double along_b = (glm::dot(da, between) * ab - glm::dot(db, between) * aa) / determinant;
  // The directions have depth 1, so these are depths.
  if (along_a < settings.nearest || along_a > settings.farthest) return false;
  if (along_b < settings.nearest || along_b > settings.farthest) return false;
  point = glm::vec3(0.5 * ((a.centre + along_a * da) + (b.centre + along_b * db)));
  return isOneSize(blob_a.radius_px, a, blob_b.radius_px, b, point);
}

}  // namespace understudy::reconstruct
