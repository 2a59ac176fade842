#include "capture/subject/fit_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/subject/anatomy.h"

namespace understudy::subject {
namespace {

using anim::HumanoidJoint;
using Landmarks = std::span<const std::optional<Landmark>>;

constexpr BodySide kSides[] = {BodySide::left, BodySide::right};

double signOf(BodySide side) { return side == BodySide::left ? 1.0 : -1.0; }

glm::dvec3 across(const glm::dvec3& vector, const glm::dvec3& axis) {
  return vector - axis * glm::dot(vector, axis);
}

glm::dvec3 unit(const glm::dvec3& vector, const glm::dvec3& otherwise) {
  const double length = glm::length(vector);
  return length > 1e-6 ? vector / length : otherwise;
}

// ---- Names ----

std::vector<std::optional<Landmark>> lookUp(const LandmarkNames& names,
                                            const std::vector<std::string>& markers,
                                            std::size_t prefix) {
  std::vector<std::optional<Landmark>> found;
  for (const std::string& marker : markers) {
    const Landmark* landmark =
        findLandmark(names, plainName(std::string_view(marker).substr(prefix)));
    found.push_back(landmark ? std::optional(*landmark) : std::nullopt);
  }
  return found;
}

// Characters that all names begin with.
std::size_t commonPrefix(const std::vector<std::string>& markers) {
  std::size_t length = markers.front().size();
  for (const std::string& marker : markers) {
    const auto [mine, theirs] =
        std::mismatch(markers.front().begin(), markers.front().end(), marker.begin(), marker.end());
    length = std::min(length, static_cast<std::size_t>(mine - markers.front().begin()));
  }
  return length;
}

// ---- The frame ----

// Where the body's points lie in one frame.
struct BodyPoints {
  struct Mean {
    glm::dvec3 sum{0.0};
    int count = 0;
  };
  std::array<std::array<Mean, 3>, static_cast<std::size_t>(BodyPoint::count)> means;

  void add(const Landmark& landmark, const glm::dvec3& place) {
    Mean& mean =
        means[static_cast<std::size_t>(landmark.point)][static_cast<std::size_t>(landmark.side)];
    mean.sum += place;
    ++mean.count;
  }
  bool has(BodyPoint point, BodySide side = BodySide::middle) const {
    return means[static_cast<std::size_t>(point)][static_cast<std::size_t>(side)].count > 0;
  }
  bool hasBoth(BodyPoint point) const {
    return has(point, BodySide::left) && has(point, BodySide::right);
  }
  glm::dvec3 at(BodyPoint point, BodySide side = BodySide::middle) const {
    const Mean& mean = means[static_cast<std::size_t>(point)][static_cast<std::size_t>(side)];
    return mean.sum / static_cast<double>(mean.count);
  }
  glm::dvec3 middleOf(BodyPoint point) const {
    return 0.5 * (at(point, BodySide::left) + at(point, BodySide::right));
  }
  // All markers of a point, whatever their side.
  glm::dvec3 meanOf(BodyPoint point, int& count) const {
    glm::dvec3 sum(0.0);
    count = 0;
    for (const Mean& mean : means[static_cast<std::size_t>(point)]) {
      sum += mean.sum;
      count += mean.count;
    }
    return sum / static_cast<double>(std::max(count, 1));
  }
};

bool hasPelvis(const BodyPoints& points) {
  return points.hasBoth(BodyPoint::front_waist) &&
         (points.hasBoth(BodyPoint::back_waist) || points.has(BodyPoint::sacrum));
}

bool hasLegs(const BodyPoints& points) {
  return points.hasBoth(BodyPoint::knee) && points.hasBoth(BodyPoint::ankle);
}

glm::dvec3 backOfPelvis(const BodyPoints& points) {
  return points.hasBoth(BodyPoint::back_waist) ? points.middleOf(BodyPoint::back_waist)
                                               : points.at(BodyPoint::sacrum);
}

// How well a body stands for calibration, 1 at best: shins, thighs and trunk plumb, shoulders over
// the hips, feet to the front, arms straight and not raised.
double steadiness(const BodyPoints& points) {
  double sum = 0.0;
  int count = 0;
  const auto add = [&](double merit) {
    sum += merit;
    ++count;
  };
  const auto along = [](const glm::dvec3& from, const glm::dvec3& to) {
    return unit(to - from, glm::dvec3(0.0));
  };
  const glm::dvec3 waist = points.middleOf(BodyPoint::front_waist);
  const glm::dvec3 back = backOfPelvis(points);
  const glm::dvec3 left = along(points.at(BodyPoint::front_waist, BodySide::right),
                                points.at(BodyPoint::front_waist, BodySide::left));
  for (const BodySide side : kSides) {
    const glm::dvec3 knee = points.at(BodyPoint::knee, side);
    const glm::dvec3 ankle = points.at(BodyPoint::ankle, side);
    add(along(ankle, knee).y);
    add(along(knee, points.at(BodyPoint::front_waist, side)).y);
    if (points.has(BodyPoint::toe, side)) {
      add(glm::dot(along(ankle, points.at(BodyPoint::toe, side)), along(back, waist)));
    }
    const BodyPoint top =
        points.has(BodyPoint::acromion, side) ? BodyPoint::acromion : BodyPoint::deltoid;
    if (!points.has(top, side) || !points.has(BodyPoint::elbow, side) ||
        !points.has(BodyPoint::wrist, side)) {
      continue;
    }
    const glm::dvec3 elbow = points.at(BodyPoint::elbow, side);
    const glm::dvec3 upper = along(points.at(top, side), elbow);
    add(glm::dot(upper, along(elbow, points.at(BodyPoint::wrist, side))));
    add(1.0 - std::max(0.0, upper.y));
    add(1.0 - std::max(0.0, -signOf(side) * glm::dot(upper, left)));
  }
  if (points.has(BodyPoint::neck_back)) add(along(back, points.at(BodyPoint::neck_back)).y);
  if (points.has(BodyPoint::breastbone_top)) {
    add(along(waist, points.at(BodyPoint::breastbone_top)).y);
  }
  if (points.hasBoth(BodyPoint::acromion)) {
    add(glm::dot(left, along(points.at(BodyPoint::acromion, BodySide::right),
                             points.at(BodyPoint::acromion, BodySide::left))));
  }
  return sum / static_cast<double>(count);
}

// The best stance among the most complete frames; a missing marker may be worth a better stance.
std::size_t chooseFrame(const FitInput& input, Landmarks landmarks) {
  std::size_t best = input.frames.front();
  double best_merit = -1e300;
  for (const std::size_t f : input.frames) {
    BodyPoints points;
    double missing = 0.0;
    for (std::size_t m = 0; m < landmarks.size(); ++m) {
      if (!landmarks[m]) continue;
      if (!isSeen(input.clip.at(f, m))) {
        missing += landmarks[m]->point == BodyPoint::none ? 1.0 : 2.0;
        continue;
      }
      points.add(*landmarks[m], glm::dvec3(input.clip.at(f, m)));
    }
    const bool sound = hasPelvis(points) && hasLegs(points);
    const double merit = (sound ? 60.0 * steadiness(points) : -100.0) - missing;
    if (merit <= best_merit) continue;
    best_merit = merit;
    best = f;
  }
  return best;
}

// ---- Joint centres ----

// A skeleton as it grows.
struct Builder {
  Subject& subject;
  std::vector<glm::dvec3> places;

  int jointOf(HumanoidJoint part) const { return subject.humanoid[part]; }
  const glm::dvec3& placeOf(HumanoidJoint part) const {
    return places[static_cast<std::size_t>(jointOf(part))];
  }
  void add(HumanoidJoint part, HumanoidJoint parent, const glm::dvec3& place, float limit) {
    const int above = part == HumanoidJoint::hips ? anim::kNoParent : jointOf(parent);
    const glm::dvec3 origin = above < 0 ? glm::dvec3(0.0) : places[static_cast<std::size_t>(above)];
    subject.humanoid.joint[static_cast<std::size_t>(part)] = static_cast<int>(places.size());
    subject.skeleton.names.emplace_back(anim::humanoidName(part));
    subject.skeleton.parents.push_back(above);
    subject.skeleton.parent_from_joint.push_back(
        {glm::quat(1.0f, 0.0f, 0.0f, 0.0f), glm::vec3(place - origin)});
    subject.joints.push_back(
        {.motion = above < 0 ? JointMotion::free : JointMotion::ball, .limit = limit});
    places.push_back(place);
  }
};

HumanoidJoint sided(HumanoidJoint left_part, BodySide side) {
  constexpr int kToRightArm = static_cast<int>(HumanoidJoint::right_shoulder) -
                              static_cast<int>(HumanoidJoint::left_shoulder);
  constexpr int kToRightLeg = static_cast<int>(HumanoidJoint::right_upper_leg) -
                              static_cast<int>(HumanoidJoint::left_upper_leg);
  if (side != BodySide::right) return left_part;
  const bool leg = left_part >= HumanoidJoint::left_upper_leg;
  return static_cast<HumanoidJoint>(static_cast<int>(left_part) +
                                    (leg ? kToRightLeg : kToRightArm));
}

// Axes of the pelvis: towards the performer's left, up, and to the front.
struct Pelvis {
  glm::dvec3 front{0.0}, back{0.0}, left{0.0}, up{0.0}, forward{0.0};
  double width = 0.0, depth = 0.0;
};

Pelvis findPelvis(const BodyPoints& points, double marker_radius) {
  Pelvis p;
  p.front = points.middleOf(BodyPoint::front_waist);
  p.back = backOfPelvis(points);
  const glm::dvec3 between = points.at(BodyPoint::front_waist, BodySide::left) -
                             points.at(BodyPoint::front_waist, BodySide::right);
  p.left = unit(between, glm::dvec3(1, 0, 0));
  p.forward = unit(across(p.front - p.back, p.left), glm::dvec3(0, 0, 1));
  p.up = glm::cross(p.forward, p.left);
  p.front -= marker_radius * p.forward;
  p.back += marker_radius * p.forward;
  p.width = glm::length(between);
  p.depth = glm::length(p.front - p.back);
  return p;
}

// Harrington, Zavatsky, Lawson, Yuan and Theologis, "Prediction of the hip joint centre in adults,
// children, and patients with cerebral palsy based on magnetic resonance imaging", J. Biomechanics
// 40 (2007), the regressions on pelvic width and depth.
glm::dvec3 hipCentre(const Pelvis& p, BodySide side) {
  return p.front + (-0.24 * p.depth - 0.0099) * p.forward + (-0.30 * p.width - 0.0109) * p.up +
         signOf(side) * (0.33 * p.width + 0.0073) * p.left;
}

// The centre of a hinge from the marker on its outside: `inwards` of it, where the line to the
// centre above meets it squarely (the chord of Davis, Ounpuu, Tyburski and Gage, "A gait analysis
// data collection and reduction technique", Human Movement Science 10 (1991)).
glm::dvec3 hingeCentre(const glm::dvec3& marker, const glm::dvec3& above, const glm::dvec3& inwards,
                       double offset) {
  const glm::dvec3 up = unit(above - marker, glm::dvec3(0, 1, 0));
  const double distance = std::max(glm::length(above - marker), 1e-6);
  const double cosine = std::min(offset / distance, 0.9);
  const glm::dvec3 in = unit(across(inwards, up), glm::dvec3(0.0));
  return marker + offset * (cosine * up + std::sqrt(1.0 - cosine * cosine) * in);
}

void addLegs(const BodyPoints& points, const Pelvis& pelvis, const StaticFitSettings& settings,
             Builder& builder) {
  for (const BodySide side : kSides) {
    const glm::dvec3 hip = hipCentre(pelvis, side);
    const glm::dvec3 outside_knee = points.at(BodyPoint::knee, side);
    const glm::dvec3 inwards = -signOf(side) * pelvis.left;
    const glm::dvec3 knee = points.has(BodyPoint::medial_knee, side)
                                ? 0.5 * (outside_knee + points.at(BodyPoint::medial_knee, side))
                                : hingeCentre(outside_knee, hip, inwards,
                                              0.5 * settings.knee_width + settings.marker_radius);
    const glm::dvec3 outside_ankle = points.at(BodyPoint::ankle, side);
    const glm::dvec3 ankle = points.has(BodyPoint::medial_ankle, side)
                                 ? 0.5 * (outside_ankle + points.at(BodyPoint::medial_ankle, side))
                                 : hingeCentre(outside_ankle, knee, knee - outside_knee,
                                               0.5 * settings.ankle_width + settings.marker_radius);
    builder.add(sided(HumanoidJoint::left_upper_leg, side), HumanoidJoint::hips, hip, 2.6f);
    builder.add(sided(HumanoidJoint::left_lower_leg, side),
                sided(HumanoidJoint::left_upper_leg, side), knee, 2.8f);
    builder.add(sided(HumanoidJoint::left_foot, side), sided(HumanoidJoint::left_lower_leg, side),
                ankle, 1.5f);
  }
}

// The foot of the neck, from the markers about it.
std::optional<glm::dvec3> neckBase(const BodyPoints& points, const Pelvis& pelvis) {
  const bool back = points.has(BodyPoint::neck_back);
  const bool front = points.has(BodyPoint::breastbone_top);
  if (back && front) {
    return glm::mix(points.at(BodyPoint::neck_back), points.at(BodyPoint::breastbone_top), 0.4);
  }
  if (back) return points.at(BodyPoint::neck_back) + 0.05 * pelvis.forward;
  if (front) return points.at(BodyPoint::breastbone_top) - 0.08 * pelvis.forward;
  for (const BodyPoint point : {BodyPoint::acromion, BodyPoint::deltoid}) {
    if (points.hasBoth(point)) return points.middleOf(point) + 0.03 * pelvis.up;
  }
  return std::nullopt;
}

// Inside of the elbow: the axis that the bent arm turns about, else away from the straight arm's
// line.
glm::dvec3 elbowInwards(const glm::dvec3& shoulder, const glm::dvec3& marker,
                        const glm::dvec3& wrist, BodySide side) {
  const glm::dvec3 upper = unit(marker - shoulder, glm::dvec3(0.0));
  const glm::dvec3 fore = unit(wrist - marker, glm::dvec3(0.0));
  const glm::dvec3 axis = glm::cross(upper, fore);
  constexpr double kBent = 0.5;  // Sine; the marker itself bends a straight arm by some 15 degrees.
  if (glm::length(axis) > kBent) return signOf(side) * axis;
  const glm::dvec3 line = unit(wrist - shoulder, upper);
  return -across(marker - shoulder, line);
}

void addArm(const BodyPoints& points, const Pelvis& pelvis, BodySide side,
            const StaticFitSettings& settings, Builder& builder) {
  const bool acromion = points.has(BodyPoint::acromion, side);
  if (!acromion && !points.has(BodyPoint::deltoid, side)) return;
  if (!points.has(BodyPoint::elbow, side) || !points.has(BodyPoint::wrist, side)) return;
  const glm::dvec3 neck = builder.placeOf(HumanoidJoint::neck);
  const glm::dvec3 up = unit(neck - builder.placeOf(HumanoidJoint::spine), pelvis.up);
  const BodyPoint shoulder_point = acromion ? BodyPoint::acromion : BodyPoint::deltoid;
  const glm::dvec3 top = points.at(shoulder_point, side);
  // Rab, Petuskey and Bagley, "A method for determination of upper extremity kinematics", Gait and
  // Posture 15 (2002): below the acromion by 17 % of the distance between both.
  const double breadth = points.hasBoth(shoulder_point)
                             ? glm::distance(points.at(shoulder_point, BodySide::left),
                                             points.at(shoulder_point, BodySide::right))
                             : 2.0 * glm::length(across(top - neck, up));
  const glm::dvec3 shoulder = top - (acromion ? 0.17 : 0.06) * breadth * up;
  const glm::dvec3 marker = points.at(BodyPoint::elbow, side);
  const glm::dvec3 wrist = points.at(BodyPoint::wrist, side);
  const glm::dvec3 elbow =
      points.has(BodyPoint::medial_elbow, side)
          ? 0.5 * (marker + points.at(BodyPoint::medial_elbow, side))
          : hingeCentre(marker, shoulder, elbowInwards(shoulder, marker, wrist, side),
                        0.5 * settings.elbow_width + settings.marker_radius);
  builder.add(sided(HumanoidJoint::left_shoulder, side), HumanoidJoint::chest,
              glm::mix(neck, shoulder, 0.2), 0.8f);
  builder.add(sided(HumanoidJoint::left_upper_arm, side), sided(HumanoidJoint::left_shoulder, side),
              shoulder, 3.14159265f);
  builder.add(sided(HumanoidJoint::left_lower_arm, side),
              sided(HumanoidJoint::left_upper_arm, side), elbow, 3.0f);
  builder.add(sided(HumanoidJoint::left_hand, side), sided(HumanoidJoint::left_lower_arm, side),
              wrist, 1.9f);
}

void addTrunk(const BodyPoints& points, const Pelvis& pelvis, const StaticFitSettings& settings,
              Builder& builder) {
  const std::optional<glm::dvec3> neck = neckBase(points, pelvis);
  if (!neck) return;
  const glm::dvec3 loins = glm::mix(pelvis.front, pelvis.back, 0.6);
  builder.add(HumanoidJoint::spine, HumanoidJoint::hips, loins, 1.4f);
  builder.add(HumanoidJoint::chest, HumanoidJoint::spine, glm::mix(loins, *neck, 0.45), 1.4f);
  builder.add(HumanoidJoint::neck, HumanoidJoint::chest, *neck, 1.2f);
  int head_markers = 0;
  const glm::dvec3 head = points.meanOf(BodyPoint::head, head_markers);
  const glm::dvec3 up = unit(*neck - loins, pelvis.up);
  builder.add(HumanoidJoint::head, HumanoidJoint::neck,
              head_markers > 0 ? glm::mix(*neck, head, 0.45) : *neck + 0.09 * up, 1.4f);
  for (const BodySide side : kSides) addArm(points, pelvis, side, settings, builder);
}

// ---- The rest pose ----

// The shortest turn that takes one direction to another.
glm::dquat swing(const glm::dvec3& from, const glm::dvec3& to) {
  const glm::dvec3 a = unit(from, to), b = unit(to, from);
  const double cosine = glm::dot(a, b);
  if (cosine < -0.9999) {  // Half a turn, about any axis across.
    const glm::dvec3 other = std::abs(a.x) < 0.7 ? glm::dvec3(1, 0, 0) : glm::dvec3(0, 1, 0);
    const glm::dvec3 across_both = glm::normalize(glm::cross(a, other));
    return glm::dquat(0.0, across_both.x, across_both.y, across_both.z);
  }
  const glm::dvec3 axis = glm::cross(a, b);
  return glm::normalize(glm::dquat(1.0 + cosine, axis.x, axis.y, axis.z));
}

// Turns the joints so that the body stands straight, looking where its pelvis looks, arms some 35
// degrees off its sides, whatever it does in the frame: limits and the solver's prior start there,
// and characters are matched to it.
void standUp(const BodyPoints& points, const Pelvis& pelvis, Builder& builder) {
  Subject& subject = builder.subject;
  const glm::dvec3 up(0, 1, 0);
  const glm::dvec3 left = unit(across(pelvis.left, up), glm::dvec3(1, 0, 0));
  const glm::dvec3 forward = glm::cross(left, up);
  // The spines of a standing pelvis lean forward by some 10 degrees. Numbers, not std::cos: the
  // same bytes everywhere.
  constexpr double kCosine = 0.98558477, kSine = 0.16918235;
  const glm::dvec3 pelvis_up = kCosine * up + kSine * forward;
  const glm::dmat3 stands(left, pelvis_up, glm::cross(left, pelvis_up));
  const glm::dmat3 is(pelvis.left, pelvis.up, pelvis.forward);
  std::vector<glm::dquat> world(builder.places.size(), glm::dquat(1, 0, 0, 0));
  world[0] = glm::normalize(glm::quat_cast(stands * glm::transpose(is)));
  // Parts in the order of the skeleton, each with where its bone is to point.
  struct Aim {
    HumanoidJoint part;
    glm::dvec3 tip, target;
  };
  std::vector<Aim> aims;
  const auto aim = [&](HumanoidJoint part, HumanoidJoint child, const glm::dvec3& target) {
    if (builder.jointOf(part) >= 0 && builder.jointOf(child) >= 0) {
      aims.push_back({part, builder.placeOf(child), target});
    }
  };
  using enum HumanoidJoint;
  aim(spine, chest, up);
  aim(chest, neck, up);
  aim(neck, head, up + 0.3 * forward);
  for (const BodySide side : kSides) {
    const glm::dvec3 arm = 0.57 * signOf(side) * left - 0.82 * up;
    aim(sided(left_upper_arm, side), sided(left_lower_arm, side), arm);
    aim(sided(left_lower_arm, side), sided(left_hand, side), arm + 0.15 * forward);
    aim(sided(left_upper_leg, side), sided(left_lower_leg, side), -up);
    aim(sided(left_lower_leg, side), sided(left_foot, side), -up);
    if (points.has(BodyPoint::toe, side)) {
      aims.push_back(
          {sided(left_foot, side), points.at(BodyPoint::toe, side), 0.9 * forward - 0.4 * up});
    }
  }
  for (std::size_t j = 1; j < world.size(); ++j) {
    const glm::dquat& parent = world[static_cast<std::size_t>(subject.skeleton.parents[j])];
    world[j] = parent;
    for (const Aim& each : aims) {
      if (builder.jointOf(each.part) != static_cast<int>(j)) continue;
      world[j] =
          glm::normalize(swing(parent * (each.tip - builder.places[j]), each.target) * parent);
    }
    subject.skeleton.parent_from_joint[j].rotation =
        glm::quat(glm::normalize(glm::conjugate(parent) * world[j]));
  }
  subject.skeleton.parent_from_joint[0].rotation = glm::quat(world[0]);
}

// ---- Markers ----

// The joint that carries a segment; the nearest one towards the hips where it is missing.
int carrierOf(const Subject& subject, const Landmark& landmark) {
  const auto limb = [&](std::initializer_list<HumanoidJoint> parts, HumanoidJoint middle) {
    for (const HumanoidJoint part : parts) {
      if (const int joint = subject.humanoid[sided(part, landmark.side)]; joint >= 0) return joint;
    }
    return std::max(subject.humanoid[middle], 0);
  };
  using enum HumanoidJoint;
  switch (landmark.segment) {
    case BodySegment::chest:
      return std::max(subject.humanoid[chest], 0);
    case BodySegment::head:
      return std::max(subject.humanoid[head], 0);
    case BodySegment::upper_leg:
      return limb({left_upper_leg}, hips);
    case BodySegment::lower_leg:
      return limb({left_lower_leg}, hips);
    case BodySegment::foot:
      return limb({left_foot}, hips);
    case BodySegment::shoulder:
      return limb({left_shoulder}, chest);
    case BodySegment::upper_arm:
      return limb({left_upper_arm}, chest);
    case BodySegment::lower_arm:
      return limb({left_lower_arm}, chest);
    case BodySegment::hand:
      return limb({left_hand}, chest);
    case BodySegment::hips:
    case BodySegment::count:
      break;
  }
  return 0;
}

// Where a marker without a known name belongs.
struct Home {
  std::size_t marker = 0;
  int joint = 0;
  double stray = 1e9;  // How much its distances to the joint's steadiest two markers vary, metres.
};

Home findHome(const FitInput& input, const std::vector<int>& joint_of, std::size_t marker,
              std::size_t joints) {
  std::vector<std::array<float, 2>> best(joints,
                                         {DistanceTable::kUnknown, DistanceTable::kUnknown});
  for (std::size_t m = 0; m < joint_of.size(); ++m) {
    if (joint_of[m] < 0 || static_cast<std::size_t>(joint_of[m]) >= joints) continue;
    auto& [first, second] = best[static_cast<std::size_t>(joint_of[m])];
    const float loose = input.table.deviationOf(marker, m) + 0.05f * input.table.meanOf(marker, m);
    second = std::min(second, std::max(first, loose));
    first = std::min(first, loose);
  }
  Home home{.marker = marker};
  for (std::size_t j = 0; j < joints; ++j) {
    const auto& [first, second] = best[j];
    const float mean = second < DistanceTable::kUnknown ? 0.5f * (first + second) : first;
    if (static_cast<double>(mean) >= home.stray) continue;
    home.stray = static_cast<double>(mean);
    home.joint = static_cast<int>(j);
  }
  return home;
}

void addLooseJoint(const glm::dvec3& place, Home& home, Builder& builder) {
  Subject& subject = builder.subject;
  const auto parent = static_cast<std::size_t>(home.joint);
  subject.skeleton.names.push_back("loose_" + std::to_string(home.marker + 1));
  subject.skeleton.parents.push_back(home.joint);
  subject.skeleton.parent_from_joint.push_back(
      {glm::quat(1.0f, 0.0f, 0.0f, 0.0f), glm::vec3(place - builder.places[parent])});
  subject.joints.push_back({.motion = JointMotion::free});
  home.joint = static_cast<int>(builder.places.size());
  subject.humanoid.unmapped.push_back(home.joint);
  builder.places.push_back(place);
}

// Markers without a known name go where they keep their distances, the surest first; those that
// keep none move freely.
void placeMarkers(const FitInput& input, Landmarks landmarks, const std::vector<glm::dvec3>& places,
                  Builder& builder, StaticFit& fit) {
  constexpr double kLoose = 0.04;  // Metres.
  Subject& subject = fit.subject;
  const std::size_t joints = builder.places.size();
  std::vector<int> joint_of(landmarks.size(), -1);
  for (std::size_t m = 0; m < landmarks.size(); ++m) {
    if (landmarks[m]) joint_of[m] = carrierOf(subject, *landmarks[m]);
  }
  std::size_t unknown = 0, loose = 0;
  for (;; ++unknown) {
    Home surest;
    for (std::size_t m = 0; m < landmarks.size(); ++m) {
      if (joint_of[m] >= 0) continue;
      const Home home = findHome(input, joint_of, m, joints);
      if (surest.stray >= 1e9 || home.stray < surest.stray) surest = home;
    }
    if (surest.stray >= 1e9) break;
    if (surest.stray > kLoose) {
      addLooseJoint(places[surest.marker], surest, builder);
      ++loose;
    }
    joint_of[surest.marker] = surest.joint;
  }
  for (std::size_t m = 0; m < landmarks.size(); ++m) {
    const auto joint = static_cast<std::size_t>(joint_of[m]);
    subject.markers.push_back(
        {input.clip.names[m], joint_of[m], glm::vec3(places[m] - builder.places[joint])});
  }
  if (unknown > 0) {
    fit.warnings.push_back(
        fmt::format("{} of {} markers have names of no known body set; they were put on the "
                    "segments that they move with, {} move freely",
                    unknown, landmarks.size(), loose));
  }
}

// Leaves that no marker turns stay as they are.
void fixBareJoints(Subject& subject) {
  std::vector<bool> carries(subject.joints.size(), false);
  for (const SubjectMarker& marker : subject.markers) {
    carries[static_cast<std::size_t>(marker.joint)] = true;
  }
  for (std::size_t joint = carries.size(); joint-- > 1;) {
    if (!carries[joint]) subject.joints[joint].motion = JointMotion::fixed;
    if (carries[joint]) carries[static_cast<std::size_t>(subject.skeleton.parents[joint])] = true;
  }
}

}  // namespace

std::optional<std::vector<std::optional<Landmark>>> readLandmarks(const FitInput& input) {
  const std::vector<std::string>& markers = input.clip.names;
  std::vector<std::optional<Landmark>> best = lookUp(input.settings.names, markers, 0);
  std::vector<std::optional<Landmark>> cut =
      lookUp(input.settings.names, markers, commonPrefix(markers));
  const auto known = [](const auto& list) {
    return std::count_if(list.begin(), list.end(), [](const auto& l) { return l.has_value(); });
  };
  if (known(cut) > known(best)) best = std::move(cut);
  BodyPoints points;
  for (std::size_t m = 0; m < markers.size(); ++m) {
    const bool ever = std::any_of(input.frames.begin(), input.frames.end(),
                                  [&](std::size_t f) { return isSeen(input.clip.at(f, m)); });
    if (best[m] && ever) points.add(*best[m], glm::dvec3(0.0));
  }
  if (!hasPelvis(points) || !hasLegs(points)) return std::nullopt;
  return best;
}

StaticFit fitBody(const FitInput& input, std::span<const std::optional<Landmark>> landmarks) {
  StaticFit fit{.subject = {}, .kind = StaticFitKind::body, .frame = chooseFrame(input, landmarks)};
  std::size_t guessed = 0;
  const std::vector<glm::dvec3> places =
      completeFrame(input.clip, fit.frame, input.frames, input.table, guessed);
  BodyPoints points;
  for (std::size_t m = 0; m < landmarks.size(); ++m) {
    if (landmarks[m]) points.add(*landmarks[m], places[m]);
  }
  Subject& subject = fit.subject;
  subject.name = input.settings.name;
  subject.humanoid.joint.fill(-1);
  Builder builder{subject, {}};
  const Pelvis pelvis = findPelvis(points, input.settings.marker_radius);
  builder.add(HumanoidJoint::hips, HumanoidJoint::hips,
              0.5 * (hipCentre(pelvis, BodySide::left) + hipCentre(pelvis, BodySide::right)),
              3.14159265f);
  addTrunk(points, pelvis, input.settings, builder);
  addLegs(points, pelvis, input.settings, builder);
  standUp(points, pelvis, builder);
  setAnatomicalAxes(subject);
  placeMarkers(input, landmarks, places, builder, fit);
  fixBareJoints(subject);
  fit.warnings.insert(
      fit.warnings.begin(),
      fmt::format("body set recognised: skeleton of {} joints estimated from frame {}",
                  builder.places.size(), fit.frame + 1));
  std::vector<std::string> missing;
  if (!anim::isHumanoid(subject.humanoid, &missing)) {
    std::string list;
    for (const std::string& name : missing) list += (list.empty() ? "" : ", ") + name;
    fit.warnings.push_back("no character can be driven: no markers for " + list);
  }
  if (guessed > 0) {
    fit.warnings.push_back(
        fmt::format("{} markers are missing at that frame; put where others say", guessed));
  }
  return fit;
}

}  // namespace understudy::subject
