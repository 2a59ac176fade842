#include "tools/mannequin/implicit.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace understudy::mannequin {
namespace {

// Parts further away than this beyond their blend are not evaluated.
constexpr double kCullMargin = 0.02;
// Step of the central differences.
constexpr double kGradientStep = 1e-5;
// A cap never tapers below this share of the tube's end.
constexpr double kLeastRadius = 0.3;

// Cubic Hermite interpolation with the tangents of unevenly spaced Catmull-Rom splines.
class SectionSpline {
 public:
  SectionSpline(const std::vector<Section>& sections, double along) : sections_(sections) {
    const auto above = std::upper_bound(
        sections.begin(), sections.end(), along,
        [](double value, const Section& section) { return value < section.along; });
    const auto position =
        std::clamp<std::ptrdiff_t>(above - sections.begin(), 1, std::ssize(sections) - 1);
    index_ = static_cast<std::size_t>(position) - 1;
    length_ = sections[index_ + 1].along - sections[index_].along;
    const double t = (along - sections[index_].along) / length_;
    t_ = std::clamp(t, 0.0, 1.0);
    beyond_ = (t - t_) * length_;
  }

  // Beyond the ends the tube goes on straight, so that caps continue its slope.
  double operator()(double Section::*member) const {
    const double t2 = t_ * t_, t3 = t2 * t_;
    const double inside = (2 * t3 - 3 * t2 + 1) * (sections_[index_].*member) +
                          (t3 - 2 * t2 + t_) * length_ * slope(index_, member) +
                          (3 * t2 - 2 * t3) * (sections_[index_ + 1].*member) +
                          (t3 - t2) * length_ * slope(index_ + 1, member);
    return inside + beyond_ * slope(beyond_ < 0.0 ? index_ : index_ + 1, member);
  }

  double radius(double Section::*member) const {
    const std::size_t end = beyond_ < 0.0 ? index_ : index_ + 1;
    return std::max((*this)(member), kLeastRadius * sections_[end].*member);
  }

 private:
  double slope(std::size_t at, double Section::*member) const {
    const std::size_t before = at == 0 ? 0 : at - 1;
    const std::size_t after = std::min(at + 1, sections_.size() - 1);
    return (sections_[after].*member - sections_[before].*member) /
           (sections_[after].along - sections_[before].along);
  }

  const std::vector<Section>& sections_;
  std::size_t index_;
  double length_;
  double t_;
  double beyond_;
};

// The squircle of Fernandez-Guasti (1992), "Analytic geometry of some rectilinear figures", read as
// a norm: the scale at which the unit figure passes through (u, v), and that scale's gradient.
struct SquircleNorm {
  double value, du, dv;
};

SquircleNorm squircleNorm(double u, double v, double squareness) {
  const double sum = u * u + v * v;
  const double s2 = squareness * squareness;
  const double root = std::sqrt(std::max(sum * sum - 4 * s2 * u * u * v * v, 0.0));
  const double q = std::sqrt(0.5 * (sum + root));
  if (root < 1e-12) return {q, 1.0, 0.0};
  return {q, (u + (sum * u - 2 * s2 * u * v * v) / root) / (2 * q),
          (v + (sum * v - 2 * s2 * u * u * v) / root) / (2 * q)};
}

// First-order distance (value - 1) / |gradient|, after Taubin (1994), "Distance approximations for
// rasterizing implicit curves".
double loftDistance(const Loft& loft, const Vec3& p) {
  const Vec3 local = p - loft.origin;
  const double along = glm::dot(local, loft.axis);
  const SectionSpline section(loft.sections, along);
  const double radius_u = section.radius(&Section::radius_u);
  const double radius_v = section.radius(&Section::radius_v);
  const double u = (glm::dot(local, loft.u) - section(&Section::center_u)) / radius_u;
  const double v = (glm::dot(local, loft.v) - section(&Section::center_v)) / radius_v;
  const SquircleNorm q = squircleNorm(u, v, std::clamp(section(&Section::squareness), 0.0, 0.9));
  const double first = loft.sections.front().along, last = loft.sections.back().along;
  const bool before = along < first;
  const double cap = before ? loft.cap_start : loft.cap_end;
  const double over = before ? along - first : std::max(along - last, 0.0);
  const double w = over / cap;
  const double value = std::sqrt(q.value * q.value + w * w);
  if (value < 1e-6) return -std::min(radius_u, radius_v);
  const Vec3 gradient(q.value * q.du / radius_u, q.value * q.dv / radius_v, w / cap);
  return (value - 1.0) * value / glm::length(gradient);
}

double ellipsoidDistance(const Ellipsoid& ellipsoid, const Vec3& p) {
  const Vec3 scaled = glm::transpose(ellipsoid.axes) * (p - ellipsoid.center) / ellipsoid.radii;
  const double value = glm::length(scaled);
  if (value < 1e-6) return -std::min({ellipsoid.radii.x, ellipsoid.radii.y, ellipsoid.radii.z});
  return (value - 1.0) * value / glm::length(scaled / ellipsoid.radii);
}

double coneDistance(const Cone& cone, const Vec3& p) {
  const Vec3 axis = cone.to - cone.from;
  const double t = std::clamp(glm::dot(p - cone.from, axis) / glm::dot(axis, axis), 0.0, 1.0);
  return glm::length(p - cone.from - axis * t) - glm::mix(cone.radius_from, cone.radius_to, t);
}

double evaluate(const Loft& loft, const Vec3& p) { return loftDistance(loft, p); }
double evaluate(const Ellipsoid& ellipsoid, const Vec3& p) {
  return ellipsoidDistance(ellipsoid, p);
}
double evaluate(const Cone& cone, const Vec3& p) { return coneDistance(cone, p); }
double evaluate(const HalfSpace& half, const Vec3& p) {
  return glm::dot(p - half.point, half.normal);
}

// Centres of spheres that together enclose the shape.
std::vector<std::pair<Vec3, double>> hull(const Shape& shape) {
  if (const auto* ellipsoid = std::get_if<Ellipsoid>(&shape)) {
    const Vec3& r = ellipsoid->radii;
    return {{ellipsoid->center, std::max({r.x, r.y, r.z})}};
  }
  if (const auto* cone = std::get_if<Cone>(&shape))
    return {{cone->from, cone->radius_from}, {cone->to, cone->radius_to}};
  if (const auto* half = std::get_if<HalfSpace>(&shape)) return {{half->point, 1e3}};
  const auto& loft = std::get<Loft>(shape);
  std::vector<std::pair<Vec3, double>> spheres;
  for (const Section& section : loft.sections)
    spheres.emplace_back(loft.origin + loft.axis * section.along + loft.u * section.center_u +
                             loft.v * section.center_v,
                         std::max(section.radius_u, section.radius_v));
  spheres.front().second = std::max(spheres.front().second, loft.cap_start);
  spheres.back().second = std::max(spheres.back().second, loft.cap_end);
  return spheres;
}

Vec3 mirrored(const Vec3& p) { return {-p.x, p.y, p.z}; }

}  // namespace

double distance(const Shape& shape, const Vec3& p) {
  return std::visit([&p](const auto& kind) { return evaluate(kind, p); }, shape);
}

// The quadratic smooth minimum of Quilez (2013), "Smooth minimum".
double smoothMinimum(double a, double b, double blend) {
  const double h = std::max(blend - std::abs(a - b), 0.0);
  return std::min(a, b) - h * h * 0.25 / blend;
}

double smoothStep(double low, double high, double x) {
  const double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3.0 - 2.0 * t);
}

Field::Field(std::vector<Part> parts, Recess recess) : parts_(std::move(parts)), recess_(recess) {
  for (const Part& part : parts_) {
    Bounds bounds{Vec3(1e9), Vec3(-1e9)};
    for (const auto& [center, radius] : hull(part.shape)) {
      bounds.low = glm::min(bounds.low, center - radius);
      bounds.high = glm::max(bounds.high, center + radius);
    }
    bounds_.push_back(bounds);
  }
}

// Distance to the part, or anything above `beyond` if it is certainly further away than that.
double Field::partDistance(std::size_t part, const Vec3& p, double beyond) const {
  const Bounds& bounds = bounds_[part];
  const Vec3 outside = glm::max(glm::max(bounds.low - p, p - bounds.high), Vec3(0.0));
  if (glm::dot(outside, outside) > beyond * beyond && beyond > 0)
    return std::numeric_limits<double>::max();
  return distance(parts_[part].shape, p);
}

double Field::value(const Vec3& p) const {
  double field = 10.0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    const double beyond = std::max(std::abs(field), 0.0) + part.blend + kCullMargin;
    double d = partDistance(i, p, beyond);
    if (part.mirrored)
      d = smoothMinimum(d, partDistance(i, mirrored(p), beyond), part.blend_across);
    if (part.operation == Operation::add)
      field = smoothMinimum(field, d, part.blend);
    else
      field = -smoothMinimum(-field, d, part.blend);
  }
  return recess_ == nullptr ? field : field + recess_(p);
}

Vec3 Field::gradient(const Vec3& p) const {
  Vec3 gradient;
  for (int axis = 0; axis < 3; ++axis) {
    Vec3 step(0.0);
    step[axis] = kGradientStep;
    gradient[axis] = (value(p + step) - value(p - step)) / (2 * kGradientStep);
  }
  return gradient;
}

Vec3 Field::project(Vec3 p) const {
  for (int iteration = 0; iteration < 4; ++iteration) {
    const double f = value(p);
    if (std::abs(f) < 1e-7) break;
    const Vec3 g = gradient(p);
    p -= g * (f / std::max(glm::dot(g, g), 0.05));
  }
  return p;
}

}  // namespace understudy::mannequin
