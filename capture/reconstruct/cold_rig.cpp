#include "capture/reconstruct/cold_rig.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {
namespace {

glm::dvec3 forward(const PreparedCamera& camera) {
  const double* r = camera.projection.rotation;
  return {r[6], r[7], r[8]};
}

// Where the cameras look: the point nearest to all their axes.
glm::dvec3 stageCentre(const std::vector<PreparedCamera>& cameras) {
  NormalEquations equations;
  glm::dvec3 before(0.0);
  for (const PreparedCamera& camera : cameras) {
    constexpr double kUsualDistance = 5.0;
    const glm::dvec3 axis = forward(camera);
    before += (camera.centre + kUsualDistance * axis) / static_cast<double>(cameras.size());
    const glm::dvec3 off = camera.centre - glm::dot(camera.centre, axis) * axis;
    int k = 0;
    for (int r = 0; r < 3; ++r) {
      for (int c = r; c < 3; ++c)
        equations.information[k++] += (r == c ? 1.0 : 0.0) - axis[r] * axis[c];
      equations.gradient[r] += off[r];
    }
  }
  glm::dvec3 centre;
  glm::dmat3 unused;
  constexpr double kFarthest = 100.0;
  const bool meet = solveNormalEquations(equations, centre, unused);
  return meet && glm::length(centre - before) < kFarthest ? centre : before;
}

std::uint32_t reversedBits(std::uint32_t value) {
  std::uint32_t reversed = 0;
  for (int bit = 0; bit < 16; ++bit) reversed |= ((value >> bit) & 1u) << (15 - bit);
  return reversed;
}

// How far a pair is from the best angle: wide enough to know the depth, narrow enough to see the
// same sides. The chord stands for the angle.
int pairClass(const glm::dvec3& side_a, const glm::dvec3& side_b) {
  constexpr double kBestChord = 0.47;      // 27 degrees.
  constexpr double kOppositeChord = 1.93;  // 150 degrees.
  const double chord = std::max(1e-3, glm::length(side_a - side_b));
  const double off = std::max(chord / kBestChord, kBestChord / chord);
  return static_cast<int>(std::min(1000.0, 4.0 * off)) + (chord > kOppositeChord ? 8 : 0);
}

// How far the ideal image reaches from the principal point: the sensor's border, undistorted.
glm::vec2 idealHalfSize(const PreparedCamera& camera) {
  const glm::dvec2 size(camera.camera.width_px, camera.camera.height_px);
  glm::dvec2 reach = 0.5 * size;
  constexpr int kSteps = 8;
  for (int step = 0; step <= kSteps; ++step) {
    const double along = static_cast<double>(step) / kSteps;
    for (const glm::dvec2& border : {glm::dvec2(along, 0.0), glm::dvec2(along, 1.0),
                                     glm::dvec2(0.0, along), glm::dvec2(1.0, along)}) {
      const glm::dvec2 ideal =
          camera.focal_px * camera::normalisedFromPixel(camera.camera, border * size);
      for (int axis = 0; axis < 2; ++axis) {
        if (std::isfinite(ideal[axis])) reach[axis] = std::max(reach[axis], std::abs(ideal[axis]));
      }
    }
  }
  constexpr double kWidest = 2.0;  // Lenses beyond are cut: the map stays small.
  return glm::vec2(glm::min(reach, kWidest * size) + 1.0);
}

ColdCamera coldCameraOf(const PreparedCamera& from) {
  ColdCamera camera;
  for (std::size_t k = 0; k < 9; ++k)
    camera.rotation[k] = static_cast<float>(from.projection.rotation[k]);
  for (int k = 0; k < 3; ++k) {
    camera.translation[k] = static_cast<float>(from.projection.translation[k]);
    camera.centre[k] = static_cast<float>(from.centre[k]);
  }
  camera.focal_px = static_cast<float>(from.focal_px);
  const glm::vec2 half = idealHalfSize(from);
  camera.half_width_px = half.x;
  camera.half_height_px = half.y;
  // As fine as 16 bits allow, differences included.
  camera.units_per_px = 8.0f;
  while (camera.units_per_px * std::max(half.x, half.y) > 16000.0f) camera.units_per_px *= 0.5f;
  return camera;
}

}  // namespace

// Pairs far from the best angle find next to nothing that the better ones left, but hit by chance.
constexpr std::size_t kPairsPerCamera = 10;

// Views in which a candidate of a pair is looked for first.
constexpr std::size_t kNearViews = 14;

ColdRig makeColdRig(const std::vector<PreparedCamera>& from) {
  ColdRig rig;
  const glm::dvec3 centre = stageCentre(from);
  for (int axis = 0; axis < 3; ++axis) rig.centre[axis] = static_cast<float>(centre[axis]);
  double distances = 0.0;
  std::vector<glm::dvec3> sides;
  for (const PreparedCamera& camera : from) {
    rig.cameras.push_back(coldCameraOf(camera));
    const glm::dvec3 side = camera.centre - centre;
    sides.push_back(side / std::max(1e-6, glm::length(side)));
    distances += glm::length(side);
  }
  rig.radius = static_cast<float>(distances / std::max(1.0, static_cast<double>(from.size())));
  struct Ranked {
    int rank;
    ColdRig::Pair pair;
  };
  std::vector<Ranked> ranked;
  for (std::uint16_t a = 0; a < from.size(); ++a) {
    for (std::uint16_t b = static_cast<std::uint16_t>(a + 1); b < from.size(); ++b)
      ranked.push_back({pairClass(sides[a], sides[b]), {a, b}});
  }
  std::sort(ranked.begin(), ranked.end(), [](const Ranked& x, const Ranked& y) {
    if (x.rank != y.rank) return x.rank < y.rank;
    const std::uint32_t turn_x = reversedBits(x.pair.a), turn_y = reversedBits(y.pair.a);
    return turn_x != turn_y ? turn_x < turn_y : x.pair.b < y.pair.b;
  });
  const std::size_t most = kPairsPerCamera * from.size();
  for (const Ranked& entry : ranked) {
    if (rig.pairs.size() < most) rig.pairs.push_back(entry.pair);
  }
  rig.near_count = std::min(kNearViews, from.size() - std::min<std::size_t>(1, from.size()));
  for (std::uint16_t a = 0; a < from.size(); ++a) {
    std::vector<std::uint16_t> order;
    for (std::uint16_t b = 0; b < from.size(); ++b) {
      if (b != a) order.push_back(b);
    }
    std::sort(order.begin(), order.end(), [&](std::uint16_t x, std::uint16_t y) {
      const double near_x = glm::dot(sides[a], sides[x]), near_y = glm::dot(sides[a], sides[y]);
      return near_x != near_y ? near_x > near_y : x < y;
    });
    rig.near.insert(rig.near.end(), order.begin(),
                    order.begin() + static_cast<std::ptrdiff_t>(rig.near_count));
  }
  return rig;
}

}  // namespace understudy::reconstruct
