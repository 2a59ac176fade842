#pragma once

#include <glm/glm.hpp>
#include <string>
#include <variant>
#include <vector>

namespace understudy::mannequin {

using Vec3 = glm::dvec3;

/// One cross-section of a loft: a rounded rectangle between ellipse and box.
struct Section {
  double along;     ///< Position on the loft's axis.
  double center_u;  ///< Where the section's middle lies, in the loft's frame.
  double center_v;
  double radius_u;
  double radius_v;
  double squareness = 0;  ///< 0 an ellipse, towards 1 a rectangle.
};

/// A tube through sections, interpolated by cubics, closed by ellipsoidal caps.
struct Loft {
  Vec3 origin{0.0};
  Vec3 axis{0.0, 1.0, 0.0};
  Vec3 u{1.0, 0.0, 0.0};
  Vec3 v{0.0, 0.0, 1.0};
  std::vector<Section> sections;  ///< At least two, `along` ascending.
  double cap_start = 0.02;        ///< Length of the cap before the first section.
  double cap_end = 0.02;
};

/// An ellipsoid along the axes of the columns of `axes`.
struct Ellipsoid {
  Vec3 center{0.0};
  Vec3 radii{0.01};
  glm::dmat3 axes{1.0};
};

/// A bone-like solid: two spheres and everything between them.
struct Cone {
  Vec3 from{0.0};
  Vec3 to{0.0};
  double radius_from = 0.01;
  double radius_to = 0.01;
};

/// Everything behind a plane.
struct HalfSpace {
  Vec3 point{0.0};
  Vec3 normal{0.0, 1.0, 0.0};
};

using Shape = std::variant<Loft, Ellipsoid, Cone, HalfSpace>;

enum class Operation { add, carve };

/// One shape and how it joins what stands before it in the list.
struct Part {
  std::string name;
  Shape shape;
  double blend = 0.01;   ///< Distance over which it melts into the rest.
  bool mirrored = true;  ///< Also stands at -x.
  Operation operation = Operation::add;
  double blend_across = 0.004;  ///< Blend of the two mirrored copies with each other.
};

/// Approximate signed distance to the shape: exact on its surface to first order, negative inside.
double distance(const Shape& shape, const Vec3& p);

/// Smooth minimum of two distances over the width `blend`. Commutative bit by bit.
double smoothMinimum(double a, double b, double blend);

/// 0 below `low`, 1 above `high`, smooth between.
double smoothStep(double low, double high, double x);

/// The body as a field: zero on the skin, negative inside; symmetric in x bit by bit.
class Field {
 public:
  /// Distance by which the skin is sunk at a point, for seams.
  using Recess = double (*)(const Vec3& p);

  explicit Field(std::vector<Part> parts, Recess recess = nullptr);

  double value(const Vec3& p) const;
  Vec3 gradient(const Vec3& p) const;
  /// The point moved along the gradient until the field is zero.
  Vec3 project(Vec3 p) const;

 private:
  struct Bounds {
    Vec3 low, high;
  };

  double partDistance(std::size_t part, const Vec3& p, double beyond) const;

  std::vector<Part> parts_;
  std::vector<Bounds> bounds_;
  Recess recess_;
};

}  // namespace understudy::mannequin
