#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <glm/glm.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"
#include "engine/math/rigid_transform.h"

namespace understudy::file {

/// A function of one coordinate, as OpenSim's joints have them.
struct OsimFunction {
  enum class Kind : std::uint8_t { constant, polynomial, spline };
  Kind kind = Kind::constant;
  double factor = 1.0;               ///< Of the whole.
  std::vector<double> coefficients;  ///< Constant: one. Polynomial: highest power first.
  /// Spline: knots, values, and the cubic's coefficients from each knot on.
  std::vector<double> x, y, b, c, d;

  double operator()(double at) const;
};

/// One axis of a joint's motion: a turn about it or a shift along it.
struct OsimAxis {
  glm::dvec3 axis{1, 0, 0};
  int coordinate = -1;  ///< Index in OsimModel::coordinates; -1: the function of 0.
  OsimFunction function;
};

/// A joint and the body that it carries.
struct OsimJoint {
  int parent = -1;  ///< Index in OsimModel::bodies; -1: ground.
  math::RigidTransformd parent_from_joint, child_from_joint;
  std::array<OsimAxis, 3> turns, shifts;  ///< Turned about one after the other, then shifted.
};

struct OsimMarker {
  std::string name;
  int body = 0;
  glm::dvec3 position{0.0};  ///< In the body's frame, metres.
};

/// The moving skeleton of an OpenSim model: bodies, each with the joint that carries it, and
/// markers. World: +Y up, metres.
struct OsimModel {
  std::vector<std::string> bodies;  ///< Parents first.
  std::vector<OsimJoint> joints;    ///< One per body.
  std::vector<std::string> coordinates;
  std::vector<double> defaults;  ///< Per coordinate, radians and metres.
  std::vector<OsimMarker> markers;

  /// Where every body is for given coordinates (radians and metres), one per entry of
  /// `coordinates`.
  std::vector<math::RigidTransformd> worldFromBodies(const std::vector<double>& values) const;
};

/// Reads the text of an OpenSim model of version 4: CustomJoint, PinJoint and WeldJoint with
/// constant, linear, polynomial and SimmSpline functions and multiples of them. Other kinds are
/// errors that name them; muscles, contacts and constraints do not matter here. `name` stands in
/// messages. At most kMostOsimBytes, 1024 bodies and 4096 markers.
core::Result<OsimModel> readOsim(std::string_view text, const std::string& name);

inline constexpr std::size_t kMostOsimBytes = std::size_t{64} << 20;

/// Reads an OpenSim model; see readOsim.
core::Result<OsimModel> loadOsim(const std::filesystem::path& path);

}  // namespace understudy::file
