#include "tools/mannequin/body.h"

namespace understudy::mannequin {
namespace {

constexpr double kArmHeight = 1.420;
constexpr double kArmDepth = -0.020;

const Vec3 kX(1, 0, 0), kY(0, 1, 0), kZ(0, 0, 1);

Part part(std::string name, Shape shape, double blend, double blend_across = 0.004) {
  return {.name = std::move(name),
          .shape = std::move(shape),
          .blend = blend,
          .mirrored = true,
          .operation = Operation::add,
          .blend_across = blend_across};
}

Part middle(Part side) {
  side.mirrored = false;
  return side;
}

Part carved(Part side) {
  side.operation = Operation::carve;
  return side;
}

// Axes of an ellipsoid whose first axis points along `direction`.
glm::dmat3 along(const Vec3& direction) {
  const Vec3 first = glm::normalize(direction);
  const Vec3 third = glm::normalize(glm::cross(first, kY));
  return {first, glm::cross(third, first), third};
}

// Sections: height, (x, z) of the middle, half width, half depth, squareness.
Loft trunk() {
  return {.origin = Vec3(0),
          .axis = kY,
          .u = kX,
          .v = kZ,
          .sections = {{0.865, 0, -0.005, 0.100, 0.080, 0.2},
                       {0.905, 0, -0.007, 0.146, 0.100, 0.4},
                       {0.960, 0, -0.006, 0.156, 0.105, 0.5},
                       {1.020, 0, -0.002, 0.147, 0.099, 0.45},
                       {1.080, 0, 0.003, 0.132, 0.091, 0.4},
                       {1.140, 0, 0.003, 0.129, 0.092, 0.4},
                       {1.210, 0, -0.001, 0.141, 0.101, 0.45},
                       {1.280, 0, -0.006, 0.157, 0.110, 0.5},
                       {1.340, 0, -0.012, 0.163, 0.110, 0.5},
                       {1.390, 0, -0.018, 0.150, 0.098, 0.45},
                       {1.430, 0, -0.024, 0.116, 0.080, 0.3},
                       {1.465, 0, -0.029, 0.080, 0.063, 0.1},
                       {1.500, 0, -0.028, 0.056, 0.054, 0}},
          .cap_start = 0.040,
          .cap_end = 0.02};
}

Loft neck() {
  return {.origin = Vec3(0),
          .axis = kY,
          .u = kX,
          .v = kZ,
          .sections = {{1.440, 0, -0.034, 0.062, 0.058},
                       {1.480, 0, -0.030, 0.0565, 0.0565},
                       {1.520, 0, -0.024, 0.0535, 0.0560},
                       {1.560, 0, -0.018, 0.0525, 0.0560},
                       {1.620, 0, -0.012, 0.0530, 0.0560}},
          .cap_start = 0.02,
          .cap_end = 0.02};
}

// The mask from chin to forehead; the skull is an ellipsoid of its own.
Loft mask() {
  return {.origin = Vec3(0),
          .axis = kY,
          .u = kX,
          .v = kZ,
          .sections = {{1.578, 0, 0.038, 0.036, 0.043, 0.35},
                       {1.600, 0, 0.027, 0.0485, 0.056, 0.35},
                       {1.640, 0, 0.019, 0.0590, 0.0665, 0.35},
                       {1.680, 0, 0.011, 0.0645, 0.0755, 0.3},
                       {1.715, 0, 0.003, 0.0665, 0.0805, 0.25}},
          .cap_start = 0.014,
          .cap_end = 0.055};
}

Loft arm() {
  return {.origin = Vec3(0, kArmHeight, kArmDepth),
          .axis = kX,
          .u = kY,
          .v = kZ,
          .sections = {{0.090, -0.004, 0.000, 0.046, 0.046},
                       {0.150, 0.000, -0.001, 0.0585, 0.0585},
                       {0.200, 0.001, -0.001, 0.0585, 0.0590},
                       {0.250, 0.001, 0.000, 0.0520, 0.0535},
                       {0.310, 0.001, 0.002, 0.0465, 0.0495},
                       {0.370, 0.000, 0.002, 0.0435, 0.0465},
                       {0.425, 0.000, 0.000, 0.0390, 0.0415},
                       {0.467, 0.000, -0.001, 0.0370, 0.0395},
                       {0.505, 0.000, 0.001, 0.0385, 0.0420},
                       {0.550, 0.000, 0.002, 0.0385, 0.0430},
                       {0.605, 0.000, 0.001, 0.0335, 0.0390},
                       {0.660, 0.000, 0.000, 0.0265, 0.0330},
                       {0.700, 0.000, 0.000, 0.0222, 0.0292, 0.2},
                       {0.730, 0.000, 0.000, 0.0205, 0.0290, 0.3}},
          .cap_start = 0.04,
          .cap_end = 0.015};
}

Loft palm() {
  return {.origin = Vec3(0, kArmHeight, kArmDepth),
          .axis = kX,
          .u = kY,
          .v = kZ,
          .sections = {{0.712, 0.000, 0.000, 0.0190, 0.0270, 0.4},
                       {0.735, 0.000, 0.000, 0.0180, 0.0310, 0.5},
                       {0.765, 0.000, 0.000, 0.0165, 0.0370, 0.6},
                       {0.790, 0.0005, 0.000, 0.0140, 0.0395, 0.65},
                       {0.806, 0.0010, 0.0005, 0.0115, 0.0375, 0.65}},
          .cap_start = 0.015,
          .cap_end = 0.012};
}

Loft leg() {
  return {.origin = Vec3(0),
          .axis = kY,
          .u = kX,
          .v = kZ,
          .sections = {{0.040, 0.1045, -0.018, 0.0300, 0.0400},
                       {0.085, 0.1045, -0.018, 0.0320, 0.0405},
                       {0.140, 0.1040, -0.019, 0.0315, 0.0365},
                       {0.210, 0.1035, -0.022, 0.0380, 0.0420},
                       {0.290, 0.1030, -0.027, 0.0485, 0.0525},
                       {0.350, 0.1020, -0.028, 0.0535, 0.0580},
                       {0.410, 0.1005, -0.022, 0.0525, 0.0570},
                       {0.460, 0.0990, -0.012, 0.0490, 0.0535},
                       {0.505, 0.0980, -0.004, 0.0495, 0.0550},
                       {0.545, 0.0970, 0.001, 0.0525, 0.0580},
                       {0.610, 0.0955, 0.006, 0.0595, 0.0665},
                       {0.690, 0.0930, 0.006, 0.0685, 0.0765},
                       {0.770, 0.0905, 0.001, 0.0745, 0.0845},
                       {0.840, 0.0890, -0.004, 0.0770, 0.0885},
                       {0.900, 0.0890, -0.006, 0.0740, 0.0875},
                       {0.950, 0.0880, -0.006, 0.0660, 0.0800}},
          .cap_start = 0.03,
          .cap_end = 0.06};
}

// Heel to toe, turned out a little. u is outwards, v up.
Loft foot() {
  const Vec3 forward = glm::normalize(Vec3(0.075, 0, 1));
  return {.origin = Vec3(0.1045, 0, -0.018),
          .axis = forward,
          .u = glm::normalize(Vec3(1, 0, -0.075)),
          .v = kY,
          .sections = {{-0.038, 0.000, 0.030, 0.0265, 0.0320, 0.3},
                       {-0.012, 0.000, 0.035, 0.0315, 0.0380, 0.3},
                       {0.020, 0.000, 0.037, 0.0330, 0.0410, 0.3},
                       {0.060, 0.0005, 0.031, 0.0350, 0.0360, 0.35},
                       {0.100, 0.001, 0.0235, 0.0400, 0.0275, 0.45},
                       {0.135, 0.001, 0.0175, 0.0440, 0.0205, 0.5},
                       {0.160, -0.001, 0.0140, 0.0425, 0.0165, 0.5},
                       {0.180, -0.004, 0.0125, 0.0365, 0.0140, 0.45}},
          .cap_start = 0.024,
          .cap_end = 0.026};
}

struct FingerBones {
  Vec3 knuckle, middle, distal, tip;
  double scale;
};

// Index to little finger, from the skeleton to the tips.
std::array<FingerBones, 4> fingerBones() {
  using J = anim::HumanoidJoint;
  const auto joints = bodyJoints();
  const auto bones = [&joints](J knuckle, const Vec3& tip, double scale) -> FingerBones {
    const auto first = static_cast<std::size_t>(knuckle);
    return {joints[first].position, joints[first + 1].position, joints[first + 2].position, tip,
            scale};
  };
  return {bones(J::left_index_proximal, {0.8945, 1.4160, kArmDepth + 0.0381}, 0.97),
          bones(J::left_middle_proximal, {0.9055, 1.4170, kArmDepth + 0.0114}, 1.0),
          bones(J::left_ring_proximal, {0.8945, 1.4160, kArmDepth - 0.0180}, 0.95),
          bones(J::left_little_proximal, {0.8648, 1.4145, kArmDepth - 0.0440}, 0.84)};
}

Loft finger(const FingerBones& bones) {
  const Vec3 axis = glm::normalize(bones.tip - bones.knuckle);
  const Vec3 side = glm::normalize(glm::cross(axis, kY));
  const Vec3 up = glm::cross(side, axis);
  Loft loft{.origin = bones.knuckle,
            .axis = axis,
            .u = side,
            .v = up,
            .sections = {},
            .cap_start = 0.01,
            .cap_end = 0.0085 * bones.scale};
  const auto add = [&](const Vec3& center, double ahead, double half_width, double half_height) {
    const Vec3 local = center - bones.knuckle;
    loft.sections.push_back({glm::dot(local, axis) + ahead, glm::dot(local, side),
                             glm::dot(local, up), half_width * bones.scale,
                             half_height * bones.scale, 0.25});
  };
  const auto between = [](const Vec3& a, const Vec3& b, double t) { return glm::mix(a, b, t); };
  add(bones.knuckle, -0.022, 0.0082, 0.0086);
  add(bones.knuckle, 0.0, 0.0090, 0.0112);
  add(between(bones.knuckle, bones.middle, 0.5), 0.0, 0.0090, 0.0100);
  add(bones.middle, 0.0, 0.0094, 0.0097);
  add(between(bones.middle, bones.distal, 0.5), 0.0, 0.0087, 0.0088);
  add(bones.distal, 0.0, 0.0086, 0.0084);
  add(between(bones.distal, bones.tip, 0.62), 0.0, 0.0079, 0.0072);
  return loft;
}

Loft thumb() {
  const auto joints = bodyJoints();
  const auto first = static_cast<std::size_t>(anim::HumanoidJoint::left_thumb_metacarpal);
  const Vec3 root = joints[first].position, knuckle = joints[first + 1].position,
             bend = joints[first + 2].position, tip(0.8195, 1.3985, 0.0630);
  const Vec3 axis = glm::normalize(tip - root);
  const Vec3 side = glm::normalize(glm::cross(axis, glm::normalize(Vec3(0.35, 1, -0.35))));
  const Vec3 up = glm::cross(side, axis);
  Loft loft{.origin = root,
            .axis = axis,
            .u = side,
            .v = up,
            .sections = {},
            .cap_start = 0.014,
            .cap_end = 0.0095};
  const auto add = [&](const Vec3& center, double half_width, double half_height) {
    const Vec3 local = center - root;
    loft.sections.push_back({glm::dot(local, axis), glm::dot(local, side), glm::dot(local, up),
                             half_width, half_height, 0.2});
  };
  add(root, 0.0150, 0.0145);
  add(glm::mix(root, knuckle, 0.5), 0.0140, 0.0135);
  add(knuckle, 0.0112, 0.0112);
  add(glm::mix(knuckle, bend, 0.5), 0.0104, 0.0100);
  add(bend, 0.0106, 0.0096);
  add(glm::mix(bend, tip, 0.6), 0.0098, 0.0080);
  return loft;
}

void addTrunk(std::vector<Part>& parts) {
  parts.push_back(middle(part("trunk", trunk(), 0.01)));
  parts.push_back(middle(part("neck", neck(), 0.035)));
  parts.push_back(
      part("chest", Ellipsoid{{0.074, 1.345, 0.058}, {0.080, 0.068, 0.034}}, 0.045, 0.03));
  parts.push_back(part("shoulder blade", Ellipsoid{{0.080, 1.350, -0.086}, {0.056, 0.080, 0.028}},
                       0.045, 0.03));
  parts.push_back(part(
      "trapezius", Cone{{0.035, 1.490, -0.040}, {0.150, 1.447, -0.028}, 0.030, 0.026}, 0.05, 0.03));
  parts.push_back(part("arm", arm(), 0.05));
  parts.push_back(part("deltoid", Ellipsoid{{0.190, 1.432, -0.020}, {0.062, 0.046, 0.058}}, 0.03));
  parts.push_back(part("leg", leg(), 0.030, 0.004));
  parts.push_back(
      part("glute", Ellipsoid{{0.072, 0.890, -0.060}, {0.076, 0.082, 0.060}}, 0.05, 0.016));
}

void addLimbDetail(std::vector<Part>& parts) {
  parts.push_back(part("biceps", Ellipsoid{{0.330, 1.424, 0.004}, {0.075, 0.030, 0.028}}, 0.03));
  parts.push_back(part("triceps", Ellipsoid{{0.300, 1.417, -0.044}, {0.080, 0.032, 0.026}}, 0.03));
  parts.push_back(part("elbow", Ellipsoid{{0.463, 1.420, -0.050}, {0.022, 0.018, 0.012}}, 0.025));
  parts.push_back(part("patella", Ellipsoid{{0.098, 0.514, 0.040}, {0.028, 0.036, 0.016}}, 0.035));
  parts.push_back(part("calf", Ellipsoid{{0.092, 0.365, -0.050}, {0.040, 0.085, 0.040}}, 0.04));
  parts.push_back(part("foot", foot(), 0.035));
  parts.push_back(
      part("inner ankle", Ellipsoid{{0.076, 0.088, -0.010}, Vec3(0.012, 0.016, 0.014)}, 0.02));
  parts.push_back(
      part("outer ankle", Ellipsoid{{0.134, 0.078, -0.022}, Vec3(0.011, 0.016, 0.014)}, 0.02));
}

void addHand(std::vector<Part>& parts) {
  parts.push_back(part("palm", palm(), 0.012));
  parts.push_back(part("thumb", thumb(), 0.014));
  parts.push_back(part(
      "ball of the thumb",
      Ellipsoid{{0.757, 1.408, 0.010}, {0.030, 0.013, 0.016}, along({0.75, -0.15, 0.6})}, 0.014));
  parts.push_back(
      part("ball of the hand", Ellipsoid{{0.755, 1.411, -0.044}, {0.032, 0.013, 0.013}}, 0.014));
  for (const FingerBones& bones : fingerBones())
    parts.push_back(part("finger", finger(bones), 0.0045));
}

void addHead(std::vector<Part>& parts) {
  parts.push_back(
      middle(part("skull", Ellipsoid{{0, 1.6895, -0.0185}, {0.0755, 0.0905, 0.0935}}, 0.022)));
  parts.push_back(middle(part("mask", mask(), 0.024)));
  parts.push_back(middle(part("chin", Ellipsoid{{0, 1.572, 0.056}, {0.024, 0.017, 0.025}}, 0.022)));
  parts.push_back(
      middle(part("mouth", Ellipsoid{{0, 1.613, 0.063}, {0.031, 0.022, 0.020}}, 0.026)));
  parts.push_back(part("cheek", Ellipsoid{{0.042, 1.643, 0.042}, {0.022, 0.032, 0.029}}, 0.026));
  parts.push_back(
      part("brow", Ellipsoid{{0.019, 1.7055, 0.062}, {0.030, 0.013, 0.0180}}, 0.034, 0.012));
  parts.push_back(
      carved(part("eye", Ellipsoid{{0.032, 1.682, 0.1090}, {0.026, 0.016, 0.027}}, 0.020)));
  parts.push_back(
      middle(part("nose", Cone{{0, 1.697, 0.0800}, {0, 1.6505, 0.0955}, 0.0065, 0.0095}, 0.014)));
  parts.push_back(part("ear", Ellipsoid{{0.0700, 1.662, -0.016}, {0.0095, 0.025, 0.025}}, 0.008));
}

void addFloor(std::vector<Part>& parts) {
  parts.push_back(middle(carved(part("floor", HalfSpace{}, 0.006))));
}

}  // namespace

std::vector<Part> bodyParts() {
  std::vector<Part> parts;
  addTrunk(parts);
  addLimbDetail(parts);
  addHand(parts);
  addHead(parts);
  addFloor(parts);
  return parts;
}

std::vector<Shape> fingerShapes() {
  std::vector<Shape> shapes = {thumb()};
  for (const FingerBones& bones : fingerBones()) shapes.emplace_back(finger(bones));
  return shapes;
}

}  // namespace understudy::mannequin
