#pragma once

#include <span>
#include <string>

#include "tools/mannequin/mesh.h"

namespace understudy::mannequin {

/// The parts of the mannequin that look different.
enum class Region { shell, joint, limb, face, sole, signal, count };

/// Physically based look of one region, as in glTF 2.0.
struct Look {
  std::string name;
  glm::vec3 base_color;  ///< Linear.
  float metallic;
  float roughness;
};

/// One entry per Region.
std::span<const Look> regionLooks();

/// A smooth line on the skin: where a quadric function is zero, inside a box. Border 0 is the plane
/// x = 0.
struct Border {
  Vec3 low, high;              ///< The box.
  Vec3 point;                  ///< Where the function is 0.
  Vec3 linear;                 ///< Its gradient there.
  Vec3 quadratic = Vec3(0.0);  ///< Half its second derivatives.

  double value(const Vec3& p) const;
  Vec3 gradient(const Vec3& p) const;
  bool covers(const Vec3& p) const;
};

/// All borders, at most 32. The left half only.
std::span<const Border> bodyBorders();

/// The region of a point of the skin.
Region regionAt(const Vec3& p);

/// Distance by which the skin is sunk at a point so that regions meet in a fine step.
double seamRecess(const Vec3& p);

/// The point moved to where the field and all borders of the bit set are zero, by Newton steps of
/// least length. At most two borders are kept.
Vec3 projectToBorders(const Field& field, std::uint32_t borders, Vec3 p);

/// Splits triangles so that every border runs along edges, and assigns the triangles' regions.
void cutAlongBorders(const Field& field, Mesh& mesh);

}  // namespace understudy::mannequin
