#include "tools/mannequin/regions.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace understudy::mannequin {
namespace {

constexpr double kSeamDepth = 0.0010;
constexpr double kSeamWidth = 0.0050;

const Look kLooks[] = {
    {"shell", {0.735f, 0.700f, 0.640f}, 0.0f, 0.48f},
    {"joint", {0.035f, 0.037f, 0.042f}, 0.0f, 0.62f},
    {"limb", {0.380f, 0.355f, 0.325f}, 0.0f, 0.55f},
    {"face", {0.820f, 0.800f, 0.760f}, 0.0f, 0.16f},
    {"sole", {0.022f, 0.022f, 0.024f}, 0.0f, 0.85f},
    {"signal", {0.800f, 0.160f, 0.025f}, 0.0f, 0.38f},
};

enum BorderId {
  middle,
  neck_low,
  neck_high,
  neck_ring,
  waist_low,
  waist_high,
  shoulder_in,
  shoulder_out,
  elbow_in,
  elbow_out,
  wrist_in,
  wrist_out,
  wrist_ring,
  hip_in,
  hip_out,
  knee_high,
  knee_low,
  ankle_high,
  ankle_low,
  sole_line,
  face_line,
  ear_line,
};

const Border kBorders[] = {
    {{-1, -1, -1}, {0, 3, 1}, {0, 0, 0}, {1, 0, 0}},
    {{-1, 1.40, -1}, {0.12, 1.62, 1}, {0, 1.500, -0.028}, {0, 0.94, 0.34}, {-8.0, 0, 0}},
    {{-1, 1.40, -1}, {0.12, 1.62, 1}, {0, 1.536, -0.024}, {0, 0.94, 0.34}, {-3.0, 0, 0}},
    {{-1, 1.40, -1}, {0.12, 1.62, 1}, {0, 1.493, -0.028}, {0, 0.94, 0.34}, {-8.0, 0, 0}},
    {{-1, 0.95, -1}, {0.25, 1.25, 1}, {0, 1.060, 0}, {0, 1, 0.08}, {-0.6, 0, 0}},
    {{-1, 0.95, -1}, {0.25, 1.25, 1}, {0, 1.104, 0}, {0, 1, -0.08}, {0.6, 0, 0}},
    {{0.05, 1.2, -1}, {0.30, 1.6, 1}, {0.158, 1.42, -0.02}, {0.94, 0.34, 0}, {0, 0, 1.5}},
    {{0.05, 1.2, -1}, {0.30, 1.6, 1}, {0.180, 1.42, -0.02}, {0.94, 0.34, 0}, {0, 0, 1.5}},
    {{0.35, 1.2, -1}, {0.60, 1.6, 1}, {0.440, 1.42, -0.02}, {1, 0, 0.20}, {0, 3.0, 0}},
    {{0.35, 1.2, -1}, {0.60, 1.6, 1}, {0.494, 1.42, -0.02}, {1, 0, -0.20}, {0, -3.0, 0}},
    {{0.60, 1.2, -1}, {0.76, 1.6, 1}, {0.690, 1.42, -0.02}, {1, 0, 0}},
    {{0.60, 1.2, -1}, {0.76, 1.6, 1}, {0.716, 1.42, -0.02}, {1, 0, 0}},
    {{0.60, 1.2, -1}, {0.76, 1.6, 1}, {0.684, 1.42, -0.02}, {1, 0, 0}},
    {{-1, 0.70, -1}, {0.30, 1.04, 1}, {0.093, 0.918, 0}, {-0.62, 0.78, -0.22}, {0, 0, 0}},
    {{-1, 0.70, -1}, {0.30, 1.04, 1}, {0.093, 0.903, 0}, {-0.62, 0.78, -0.22}, {0, 0, 0}},
    {{-1, 0.35, -1}, {0.30, 0.70, 1}, {0.098, 0.538, 0}, {0, 1, -0.30}, {4.0, 0, 0}},
    {{-1, 0.35, -1}, {0.30, 0.70, 1}, {0.098, 0.480, 0}, {0, 1, 0.25}, {-4.0, 0, 0}},
    {{-1, 0.06, -1}, {0.30, 0.30, 1}, {0.104, 0.134, -0.018}, {0, 1, 0.15}},
    {{-1, 0.06, -1}, {0.30, 0.30, 1}, {0.104, 0.110, -0.018}, {0, 1, 0.30}},
    {{-1, -1, -1}, {0.30, 0.06, 1}, {0.104, 0.012, 0}, {0, 1, -0.03}},
    {{-1, 1.55, 0.02}, {0.30, 1.80, 1}, {0.0, 1.742, 0}, {0, -1, 0}, {-15.9, -5.9, 0}},
    {{0.04, 1.60, -0.1}, {0.30, 1.72, 0.1}, {0.07, 1.681, -0.016}, {0, -1, 0}, {0, -26.3, -26.3}},
};

// A region is where every named border has the named sign, inside its box; the first match counts.
struct Rule {
  Region region;
  std::vector<std::pair<BorderId, int>> signs;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> kRules = {
      {Region::joint, {{neck_low, 1}, {neck_high, -1}}},
      {Region::signal, {{neck_ring, 1}, {neck_low, -1}}},
      {Region::joint, {{waist_low, 1}, {waist_high, -1}}},
      {Region::joint, {{shoulder_in, 1}, {shoulder_out, -1}}},
      {Region::joint, {{elbow_in, 1}, {elbow_out, -1}}},
      {Region::joint, {{wrist_in, 1}, {wrist_out, -1}}},
      {Region::signal, {{wrist_ring, 1}, {wrist_in, -1}}},
      {Region::limb, {{wrist_out, 1}}},
      {Region::joint, {{hip_in, -1}, {hip_out, 1}}},
      {Region::joint, {{knee_low, 1}, {knee_high, -1}}},
      {Region::joint, {{ankle_low, 1}, {ankle_high, -1}}},
      {Region::sole, {{sole_line, -1}}},
      {Region::face, {{face_line, 1}}},
      {Region::joint, {{ear_line, 1}}},
  };
  return kRules;
}

bool holds(BorderId id, int sign, const Vec3& p) {
  const Border& border = kBorders[id];
  return border.covers(p) && border.value(p) * sign > 0.0;
}

}  // namespace

std::span<const Look> regionLooks() { return kLooks; }
std::span<const Border> bodyBorders() { return kBorders; }

double Border::value(const Vec3& p) const {
  const Vec3 d = p - point;
  return glm::dot(linear, d) + glm::dot(quadratic, d * d);
}

Vec3 Border::gradient(const Vec3& p) const { return linear + 2.0 * quadratic * (p - point); }

bool Border::covers(const Vec3& p) const {
  return glm::all(glm::greaterThanEqual(p, low)) && glm::all(glm::lessThanEqual(p, high));
}

Region regionAt(const Vec3& p) {
  // Feet have two borders one above the other, and would need a box each: state them here.
  if (p.x < 0.35 && p.y < 0.2 && kBorders[ankle_low].value(p) < 0.0 &&
      kBorders[sole_line].value(p) > 0.0)
    return Region::limb;
  for (const Rule& rule : rules()) {
    const bool match = std::all_of(rule.signs.begin(), rule.signs.end(), [&p](const auto& sign) {
      return holds(sign.first, sign.second, p);
    });
    if (match) return rule.region;
  }
  return p.x > 0.75 ? Region::limb : Region::shell;
}

double seamRecess(const Vec3& p) {
  const Vec3 side(std::abs(p.x), p.y, p.z);
  double depth = 0.0;
  for (const Rule& rule : rules()) {
    if (rule.region != Region::joint) continue;
    double inset = kSeamWidth;
    for (const auto& [id, sign] : rule.signs) {
      const Border& border = kBorders[id];
      // Left of the middle the boxes are open: the field has to be smooth across it.
      if (!border.covers(side)) inset = 0.0;
      inset = std::min(inset, border.value(side) * sign / glm::length(border.gradient(side)));
    }
    depth = std::max(depth, kSeamDepth * smoothStep(0.0, kSeamWidth, inset));
  }
  return depth;
}

Vec3 projectToBorders(const Field& field, std::uint32_t borders, Vec3 p) {
  if (borders == 0) return field.project(p);
  for (int iteration = 0; iteration < 6; ++iteration) {
    Vec3 residual(field.value(p), 0.0, 0.0);
    glm::dmat3 rows(0.0);  // Columns are the gradients.
    rows[0] = field.gradient(p);
    int count = 1;
    for (std::size_t k = 0; k < std::size(kBorders) && count < 3; ++k) {
      if ((borders >> k & 1u) == 0) continue;
      residual[count] = kBorders[k].value(p);
      rows[count++] = kBorders[k].gradient(p);
    }
    glm::dmat3 normal = glm::transpose(rows) * rows;
    for (int unused = count; unused < 3; ++unused) normal[unused][unused] = 1.0;
    if (std::abs(glm::determinant(normal)) < 1e-9) break;
    p -= rows * (glm::inverse(normal) * residual);
    if (glm::length(residual) < 1e-8) break;
  }
  if ((borders & 1u) != 0) p.x = 0.0;
  return p;
}

}  // namespace understudy::mannequin
