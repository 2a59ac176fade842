#include "capture/file/osim.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "capture/file/xml_text.h"
#include "engine/core/read_file.h"
#include "engine/core/text.h"
#include "engine/math/exponential.h"

namespace understudy::file {
namespace {

constexpr std::size_t kMostBodies = 1024, kMostMarkers = 4096, kMostNumbers = 10000;
constexpr int kDeepestMultiple = 8;
constexpr std::size_t kMostQuoted = 60;  // Names of bodies are long.

// All numbers of a text; nothing where it holds anything else.
std::optional<std::vector<double>> numbersOf(std::string_view text) {
  std::vector<std::string_view> words;
  core::appendWords(text, " \t\r\n", words, kMostNumbers + 1);
  if (words.size() > kMostNumbers) return std::nullopt;
  std::vector<double> numbers;
  for (const std::string_view word : words) {
    double value = 0.0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
    if (result.ptr != word.data() + word.size() || result.ec != std::errc{} ||
        !std::isfinite(value) || std::abs(value) > 1e9) {
      return std::nullopt;
    }
    numbers.push_back(value);
  }
  return numbers;
}

// The last part of a path such as "/bodyset/femur_r".
std::string lastPart(std::string_view path) {
  while (!path.empty() && (path.back() == ' ' || path.back() == '\n')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  std::string part(slash == path.npos ? path : path.substr(slash + 1));
  part.erase(std::remove(part.begin(), part.end(), ' '), part.end());
  return part;
}

// The spline of Forsythe, Malcolm and Moler, "Computer Methods for Mathematical Computations"
// (1977), as SIMM and OpenSim have it: at both ends the third derivative is that of the cubic
// through the four nearest knots.
void makeSpline(OsimFunction& f) {
  const std::size_t n = f.x.size();
  f.b.assign(n, 0.0);
  f.c.assign(n, 0.0);
  f.d.assign(n, 0.0);
  if (n == 2) {
    f.b[0] = f.b[1] = (f.y[1] - f.y[0]) / (f.x[1] - f.x[0]);
    return;
  }
  std::vector<double>&b = f.b, &c = f.c, &d = f.d;
  d[0] = f.x[1] - f.x[0];
  c[1] = (f.y[1] - f.y[0]) / d[0];
  for (std::size_t i = 1; i + 1 < n; ++i) {
    d[i] = f.x[i + 1] - f.x[i];
    b[i] = 2.0 * (d[i - 1] + d[i]);
    c[i + 1] = (f.y[i + 1] - f.y[i]) / d[i];
    c[i] = c[i + 1] - c[i];
  }
  b[0] = -d[0];
  b[n - 1] = -d[n - 2];
  c[0] = c[n - 1] = 0.0;
  if (n > 3) {
    c[0] = c[2] / (f.x[3] - f.x[1]) - c[1] / (f.x[2] - f.x[0]);
    c[n - 1] = c[n - 2] / (f.x[n - 1] - f.x[n - 3]) - c[n - 3] / (f.x[n - 2] - f.x[n - 4]);
    c[0] *= d[0] * d[0] / (f.x[3] - f.x[0]);
    c[n - 1] *= -d[n - 2] * d[n - 2] / (f.x[n - 1] - f.x[n - 4]);
  }
  for (std::size_t i = 1; i < n; ++i) {
    const double t = d[i - 1] / b[i - 1];
    b[i] -= t * d[i - 1];
    c[i] -= t * c[i - 1];
  }
  c[n - 1] /= b[n - 1];
  for (std::size_t i = n - 1; i-- > 0;) c[i] = (c[i] - d[i] * c[i + 1]) / b[i];
  b[n - 1] = (f.y[n - 1] - f.y[n - 2]) / d[n - 2] + d[n - 2] * (c[n - 2] + 2.0 * c[n - 1]);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    b[i] = (f.y[i + 1] - f.y[i]) / d[i] - d[i] * (c[i + 1] + 2.0 * c[i]);
    d[i] = (c[i + 1] - c[i]) / d[i];
    c[i] *= 3.0;
  }
  c[n - 1] *= 3.0;
  d[n - 1] = d[n - 2];
}

// Outside of its knots a SimmSpline goes on straight.
double splineAt(const OsimFunction& f, double at) {
  const std::size_t n = f.x.size();
  if (at <= f.x.front()) return f.y.front() + (at - f.x.front()) * f.b.front();
  if (at >= f.x.back()) return f.y.back() + (at - f.x.back()) * f.b.back();
  const auto above = std::upper_bound(f.x.begin(), f.x.end(), at);
  const std::size_t i = std::min(static_cast<std::size_t>(above - f.x.begin()) - 1, n - 2);
  const double t = at - f.x[i];
  return f.y[i] + t * (f.b[i] + t * (f.c[i] + t * f.d[i]));
}

class Reader : private XmlText {
 public:
  Reader(std::string_view text, const std::string& name) : XmlText(text, name) {}

  core::Result<OsimModel> read() {
    const auto root = load("OpenSimDocument", "an OpenSim model");
    if (!root) return root.error();
    if (root->attribute("Version").as_int() < 40000) {
      return error(*root, "is older than version 4; open and save it with OpenSim 4");
    }
    const pugi::xml_node model = root->child("Model");
    if (auto done = readJoints(model.child("JointSet").child("objects")); !done) {
      return done.error();
    }
    if (model_.bodies.empty()) return error(*root, "has no body that hangs on ground by joints");
    for (const pugi::xml_node& node :
         model.child("MarkerSet").child("objects").children("Marker")) {
      if (auto done = readMarker(node); !done) return done.error();
    }
    return std::move(model_);
  }

 private:
  struct Pending {
    OsimJoint joint;
    std::string parent, child;
    pugi::xml_node node;
  };

  core::Result<glm::dvec3> readVector(const pugi::xml_node& node, const char* key) const {
    const auto numbers = numbersOf(node.child_value(key));
    if (!numbers || numbers->size() != 3) {
      return error(node, fmt::format("{} of {} needs three finite numbers", key, node.name()));
    }
    return glm::dvec3((*numbers)[0], (*numbers)[1], (*numbers)[2]);
  }

  // A frame of a joint: a body, or an offset from one.
  core::Result<void> readFrame(const pugi::xml_node& joint, const char* key,
                               math::RigidTransformd& body_from_joint, std::string& body) const {
    body = lastPart(joint.child_value(key));
    for (const pugi::xml_node& frame : joint.child("frames").children("PhysicalOffsetFrame")) {
      if (body != frame.attribute("name").value()) continue;
      const auto shift = readVector(frame, "translation"), turns = readVector(frame, "orientation");
      if (!shift) return shift.error();
      if (!turns) return turns.error();
      glm::dquat rotation(1, 0, 0, 0);
      for (int k = 0; k < 3; ++k) {  // About x, y and z of the turned frame.
        glm::dvec3 about(0.0);
        about[k] = (*turns)[k];
        rotation = rotation * math::rotationFromVector(about);
      }
      body_from_joint = {rotation, *shift};
      body = lastPart(frame.child_value("socket_parent"));
      return {};
    }
    return {};
  }

  core::Result<OsimFunction> readFunction(const pugi::xml_node& axis) const {
    OsimFunction function;
    pugi::xml_node at = axis;
    for (int depth = 0; depth < kDeepestMultiple; ++depth) {
      if (const pugi::xml_node multiple = at.child("MultiplierFunction")) {
        const auto scale = numbersOf(multiple.child_value("scale"));
        if (!scale || scale->size() != 1) return error(multiple, "scale needs one finite number");
        function.factor *= scale->front();
        at = multiple.child("function");
        continue;
      }
      return readPlainFunction(at, std::move(function));
    }
    return error(axis, "multiplies functions deeper than any model does");
  }

  core::Result<OsimFunction> readPlainFunction(const pugi::xml_node& at,
                                               OsimFunction function) const {
    if (const pugi::xml_node node = at.child("Constant")) {
      const auto value = numbersOf(node.child_value("value"));
      if (!value || value->size() != 1) return error(node, "value needs one finite number");
      function.coefficients = *value;
      return function;
    }
    for (const char* kind : {"LinearFunction", "PolynomialFunction"}) {
      const pugi::xml_node node = at.child(kind);
      if (!node) continue;
      const auto values = numbersOf(node.child_value("coefficients"));
      if (!values || values->empty()) return error(node, "coefficients needs finite numbers");
      function.kind = OsimFunction::Kind::polynomial;
      function.coefficients = *values;
      return function;
    }
    const pugi::xml_node node = at.child("SimmSpline");
    if (!node) {
      return error(at,
                   "has no function of a known kind (Constant, LinearFunction, "
                   "PolynomialFunction, SimmSpline, MultiplierFunction)");
    }
    const auto x = numbersOf(node.child_value("x")), y = numbersOf(node.child_value("y"));
    if (!x || !y || x->size() != y->size() || x->size() < 2 ||
        !std::is_sorted(x->begin(), x->end(), std::less_equal<>())) {
      return error(node, "a SimmSpline needs as many y as x, growing, two at least");
    }
    function.kind = OsimFunction::Kind::spline;
    function.x = *x;
    function.y = *y;
    makeSpline(function);
    return function;
  }

  int coordinateOf(const std::string& coordinate) {
    const auto [at, fresh] =
        coordinates_.emplace(coordinate, static_cast<int>(model_.coordinates.size()));
    if (fresh) {
      model_.coordinates.push_back(coordinate);
      model_.defaults.push_back(0.0);
    }
    return at->second;
  }

  core::Result<void> readAxes(const pugi::xml_node& node, OsimJoint& joint) {
    if (std::strcmp(node.name(), "WeldJoint") == 0) return {};
    if (std::strcmp(node.name(), "PinJoint") == 0) {
      joint.turns[0].axis = {0, 0, 1};
      joint.turns[0].function = {.kind = OsimFunction::Kind::polynomial, .coefficients = {1, 0}};
      const pugi::xml_node only = node.child("coordinates").child("Coordinate");
      joint.turns[0].coordinate = coordinateOf(only.attribute("name").value());
      return {};
    }
    if (std::strcmp(node.name(), "CustomJoint") != 0) {
      return error(node, fmt::format("joints of kind {} cannot be read; CustomJoint, PinJoint and "
                                     "WeldJoint can",
                                     node.name()));
    }
    std::size_t k = 0;
    for (const pugi::xml_node& axis : node.child("SpatialTransform").children("TransformAxis")) {
      if (k >= 6) return error(axis, "more than six axes in a SpatialTransform");
      OsimAxis& wanted = k < 3 ? joint.turns[k] : joint.shifts[k - 3];
      ++k;
      const auto direction = readVector(axis, "axis");
      if (!direction) return direction.error();
      const double length = glm::length(*direction);
      wanted.axis = length > 1e-9 ? *direction / length : glm::dvec3(0.0);
      const std::string coordinate = lastPart(axis.child_value("coordinates"));
      if (!coordinate.empty()) wanted.coordinate = coordinateOf(coordinate);
      auto function = readFunction(axis);
      if (!function) return function.error();
      wanted.function = *std::move(function);
    }
    if (k != 6) return error(node, "a CustomJoint needs six axes");
    return {};
  }

  core::Result<void> readJoints(const pugi::xml_node& objects) {
    std::vector<Pending> pending;
    for (const pugi::xml_node& node : objects.children()) {
      if (node.type() != pugi::node_element) continue;
      if (pending.size() >= kMostBodies) {
        return error(node, fmt::format("more than {} joints", kMostBodies));
      }
      Pending joint{.node = node};
      if (auto done =
              readFrame(node, "socket_parent_frame", joint.joint.parent_from_joint, joint.parent);
          !done) {
        return done;
      }
      if (auto done =
              readFrame(node, "socket_child_frame", joint.joint.child_from_joint, joint.child);
          !done) {
        return done;
      }
      if (auto done = readAxes(node, joint.joint); !done) return done;
      for (const pugi::xml_node& coordinate : node.child("coordinates").children("Coordinate")) {
        const auto value = numbersOf(coordinate.child_value("default_value"));
        if (!value || value->size() != 1) continue;
        const int index = coordinateOf(coordinate.attribute("name").value());
        model_.defaults[static_cast<std::size_t>(index)] = value->front();
      }
      pending.push_back(std::move(joint));
    }
    return order(std::move(pending));
  }

  // Parents first, whatever the file's order.
  core::Result<void> order(std::vector<Pending> pending) {
    while (!pending.empty()) {
      const std::size_t before = pending.size();
      for (auto at = pending.begin(); at != pending.end();) {
        const auto parent = bodies_.find(at->parent);
        if (at->parent != "ground" && parent == bodies_.end()) {
          ++at;
          continue;
        }
        at->joint.parent = parent == bodies_.end() ? -1 : parent->second;
        if (!bodies_.emplace(at->child, static_cast<int>(model_.bodies.size())).second) {
          return error(at->node, fmt::format("two joints carry body {}",
                                             core::inQuotes(at->child, kMostQuoted)));
        }
        model_.bodies.push_back(at->child);
        model_.joints.push_back(std::move(at->joint));
        at = pending.erase(at);
      }
      if (pending.size() == before) {
        return error(pending.front().node,
                     fmt::format("body {}, on which this joint hangs, hangs on no ground",
                                 core::inQuotes(pending.front().parent, kMostQuoted)));
      }
    }
    return {};
  }

  core::Result<void> readMarker(const pugi::xml_node& node) {
    OsimMarker marker{.name = node.attribute("name").value()};
    const std::string body = lastPart(node.child_value("socket_parent_frame"));
    const auto found = bodies_.find(body);
    if (marker.name.empty() || found == bodies_.end()) {
      return error(node, fmt::format("marker {} sits on body {}, which the model does not have",
                                     core::inQuotes(marker.name, kMostQuoted),
                                     core::inQuotes(body, kMostQuoted)));
    }
    if (model_.markers.size() >= kMostMarkers) {
      return error(node, fmt::format("more than {} markers", kMostMarkers));
    }
    const auto place = readVector(node, "location");
    if (!place) return place.error();
    marker.body = found->second;
    marker.position = *place;
    model_.markers.push_back(marker);
    return {};
  }

  OsimModel model_;
  std::map<std::string, int> coordinates_, bodies_;
};

}  // namespace

double OsimFunction::operator()(double at) const {
  if (kind == Kind::spline) return factor * splineAt(*this, at);
  double value = 0.0;
  for (const double coefficient : coefficients) value = value * at + coefficient;
  return factor * value;
}

std::vector<math::RigidTransformd> OsimModel::worldFromBodies(
    const std::vector<double>& values) const {
  std::vector<math::RigidTransformd> world;
  const auto valueOf = [&](const OsimAxis& axis) {
    return axis.function(axis.coordinate < 0 ? 0.0
                                             : values[static_cast<std::size_t>(axis.coordinate)]);
  };
  for (const OsimJoint& joint : joints) {
    math::RigidTransformd motion;
    for (const OsimAxis& axis : joint.turns) {
      motion.rotation = motion.rotation * math::rotationFromVector(valueOf(axis) * axis.axis);
    }
    for (const OsimAxis& axis : joint.shifts) motion.translation += valueOf(axis) * axis.axis;
    const math::RigidTransformd parent =
        joint.parent < 0 ? math::RigidTransformd{} : world[static_cast<std::size_t>(joint.parent)];
    world.push_back(parent * joint.parent_from_joint * motion *
                    math::inverse(joint.child_from_joint));
  }
  return world;
}

core::Result<OsimModel> readOsim(std::string_view text, const std::string& name) {
  if (text.size() > kMostOsimBytes) {
    return core::makeError(fmt::format("{}: is larger than {} MiB; no model is, check the file",
                                       name, kMostOsimBytes >> 20));
  }
  return Reader(text, name).read();
}

core::Result<OsimModel> loadOsim(const std::filesystem::path& path) {
  const auto text = core::readFile(path, kMostOsimBytes);
  if (!text) return text.error();
  return readOsim(*text, path.string());
}

}  // namespace understudy::file
