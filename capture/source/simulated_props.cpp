#include "capture/source/simulated_props.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/subject/pattern_check.h"
#include "capture/subject/prop.h"

namespace understudy::source {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kGravity = 9.81;
constexpr std::array<const char*, static_cast<std::size_t>(PropKind::count)> kNames{
    "sword", "ball", "box", "camera_rig", "shield", "staff"};

// Sizes in metres.
constexpr float kBallRadius = 0.12f;
constexpr glm::vec3 kBoxHalf{0.20f, 0.13f, 0.15f};
constexpr float kTable = 0.75f;
constexpr float kFist = 0.08f;  // From the wrist to the middle of the fist.

glm::vec3 along(glm::length_t axis, float sign) {
  glm::vec3 v(0.0f);
  v[axis] = sign;
  return v;
}

// A rotation that takes +Y to this direction.
glm::quat fromUp(const glm::vec3& direction) {
  const glm::vec3 up(0.0f, 1.0f, 0.0f);
  const glm::vec3 axis = glm::cross(up, direction);
  const float sine = glm::length(axis), cosine = glm::dot(up, direction);
  if (sine < 1e-5f) {
    return cosine > 0.0f ? glm::identity<glm::quat>()
                         : glm::angleAxis(static_cast<float>(kPi), glm::vec3(1, 0, 0));
  }
  return glm::angleAxis(std::atan2(sine, cosine), axis / sine);
}

glm::vec3 randomDirection(Random& random) {
  for (;;) {
    glm::vec3 v;
    for (int i = 0; i < 3; ++i) v[i] = static_cast<float>(random.uniform(-1.0, 1.0));
    const float length = glm::length(v);
    if (length > 0.1f && length <= 1.0f) return v / length;
  }
}

float uniform(Random& random, double from, double to) {
  return static_cast<float>(random.uniform(from, to));
}

// From 0 to 1 with the least jerk (Flash and Hogan, 1985).
double ease(double share) {
  const double s = std::clamp(share, 0.0, 1.0);
  return s * s * s * (10.0 + s * (6.0 * s - 15.0));
}

// ---- Patterns: where somebody would glue markers to such a thing ----

using Pattern = std::vector<glm::vec3>;

Pattern swordPattern(Random& random) {
  Pattern points{{-uniform(random, 0.09, 0.13), uniform(random, 0.0, 0.03), 0.015f},
                 {uniform(random, 0.06, 0.11), uniform(random, 0.0, 0.03), -0.015f},
                 {0.0f, -uniform(random, 0.14, 0.20), 0.02f}};
  float height = 0.15f;
  for (int i = 0; i < 4; ++i) {
    height += uniform(random, 0.09, 0.21);
    points.push_back({(i % 2 == 0 ? 0.02f : -0.02f), height, i < 2 ? 0.012f : -0.012f});
  }
  return points;
}

Pattern ballPattern(Random& random) {
  Pattern points;
  for (int i = 0; i < 8; ++i) points.push_back(kBallRadius * randomDirection(random));
  return points;
}

// On all faces but the one below.
Pattern boxPattern(Random& random) {
  Pattern points;
  for (int i = 0; i < 8; ++i) {
    glm::vec3 p;
    for (int k = 0; k < 3; ++k) p[k] = kBoxHalf[k] * uniform(random, -0.9, 0.9);
    if (i < 4) {
      p.y = kBoxHalf.y + 0.01f;
    } else {
      const glm::length_t face = i % 2 == 0 ? 0 : 2;
      p[face] = (i < 6 ? 1.0f : -1.0f) * (kBoxHalf[face] + 0.01f);
    }
    points.push_back(p);
  }
  return points;
}

// On rods that stick out of a frame.
Pattern rigPattern(Random& random) {
  Pattern points;
  for (int i = 0; i < 7; ++i) {
    points.push_back(along(i % 3, i % 2 == 0 ? 1.0f : -1.0f) * uniform(random, 0.14, 0.24) +
                     0.05f * randomDirection(random));
  }
  return points;
}

// On the face of a bulging disc, and two on its rim.
Pattern shieldPattern(Random& random) {
  Pattern points;
  for (int i = 0; i < 8; ++i) {
    const float radius = i < 2 ? 0.30f : uniform(random, 0.04, 0.27);
    const float turn = uniform(random, 0.0, 2.0 * kPi);
    points.push_back(
        {radius * std::cos(turn), 0.035f + 0.09f * (0.3f - radius), radius * std::sin(turn)});
  }
  return points;
}

// Along a pole, some on short rods.
Pattern staffPattern(Random& random) {
  Pattern points;
  float height = -0.75f;
  for (int i = 0; i < 7; ++i) {
    const float turn = uniform(random, 0.0, 2.0 * kPi);
    const float radius = i % 2 == 0 ? 0.10f : 0.03f;
    points.push_back({radius * std::cos(turn), height, radius * std::sin(turn)});
    height += uniform(random, 0.12, 0.30);
  }
  return points;
}

Pattern drawPattern(PropKind kind, Random& random) {
  switch (kind) {
    case PropKind::sword:
      return swordPattern(random);
    case PropKind::ball:
      return ballPattern(random);
    case PropKind::box:
      return boxPattern(random);
    case PropKind::camera_rig:
      return rigPattern(random);
    case PropKind::shield:
      return shieldPattern(random);
    case PropKind::staff:
    case PropKind::count:
      break;
  }
  return staffPattern(random);
}

bool spread(const Pattern& points, float least) {
  for (std::size_t a = 0; a < points.size(); ++a) {
    for (std::size_t b = a + 1; b < points.size(); ++b) {
      if (glm::distance(points[a], points[b]) < least) return false;
    }
  }
  return true;
}

}  // namespace

/// Makes the props of one stage.
class PropMaker {
 public:
  PropMaker(const PropSettings& settings, std::span<const subject::Subject> performers,
            std::vector<std::string>& warnings)
      : settings_(settings), performers_(performers), warnings_(warnings) {
    known_.assign(performers.begin(), performers.end());
    using anim::HumanoidJoint;
    for (const HumanoidJoint hand : {HumanoidJoint::right_hand, HumanoidJoint::left_hand}) {
      for (std::size_t p = 0; p < performers.size(); ++p) {
        const int joint = performers[p].humanoid[hand];
        if (performers[p].skeleton.size() > 0 && joint > 0) {
          hands_.push_back({p, static_cast<std::size_t>(joint)});
        }
      }
    }
  }

  std::unique_ptr<SimulatedProp> make(std::size_t index) {
    Random random(settings_.seed, 5000 + index);
    auto prop = std::make_unique<SimulatedProp>();
    prop->kind_ = static_cast<PropKind>(index % static_cast<std::size_t>(PropKind::count));
    prop->subject_ = wearPattern(*prop, index, random);
    prop->still_ = settings_.still;
    prop->axis_ = randomDirection(random);
    prop->tempo_ = uniform(random, 0.85, 1.15);
    prop->phase_ = random.uniform(0.0, 5.0);
    const double turn = 0.6 + 2.39996322972865332 * static_cast<double>(index);
    const float outward = index % 2 == 0 ? 0.0f : 0.6f;  // Two rings, so that they keep apart.
    prop->place_ = settings_.middle +
                   (settings_.reach + outward) * glm::vec3(std::cos(turn), 0.0f, std::sin(turn));
    giveShape(*prop);
    giveHand(*prop, random);
    prop->solids_.resize(prop->shape_.size());
    return prop;
  }

 private:
  struct Hand {
    std::size_t performer, joint;
  };

  subject::Subject wearPattern(const SimulatedProp& prop, std::size_t index, Random& random) {
    constexpr int kTries = 60;
    constexpr float kApart = 0.035f;
    const std::string kind = kNames[static_cast<std::size_t>(prop.kind_)];
    const std::string name = fmt::format("{}_{}", kind, index + 1);
    subject::Subject worn;
    for (int trial = 0; trial < kTries; ++trial) {
      const Pattern points = drawPattern(prop.kind_, random);
      if (!spread(points, kApart) && trial + 1 < kTries) continue;
      std::vector<subject::PropMarker> markers;
      for (std::size_t m = 0; m < points.size(); ++m) {
        markers.push_back({fmt::format("{}{}", kind, m + 1), points[m]});
      }
      auto made = subject::makeProp(name, markers);
      if (!made) continue;
      worn = *std::move(made);
      known_.push_back(worn);
      if (!subject::canBeConfused(known_, known_.size() - 1, {})) return worn;
      known_.pop_back();
    }
    known_.push_back(worn);
    warnings_.push_back(
        fmt::format("prop {}: no pattern was found that is unlike all others", name));
    return worn;
  }

  static void giveShape(SimulatedProp& prop) {
    using Solid = SimulatedProp::Solid;
    constexpr auto kEllipsoid = SolidShape::ellipsoid, kCapsule = SolidShape::capsule;
    switch (prop.kind_) {
      case PropKind::sword:
        prop.shape_ = {Solid{kCapsule, {0.0f, 0.38f, 0.0f}, {0.008f, 0.52f, 0.0f}}};
        return;
      case PropKind::ball:
        prop.shape_ = {Solid{kEllipsoid, {}, glm::vec3(kBallRadius - 0.012f)}};
        return;
      case PropKind::box:  // Two, so that the corners are not quite left out.
        prop.shape_ = {Solid{kEllipsoid, {}, kBoxHalf * glm::vec3(1.0f, 0.98f, 1.0f)},
                       Solid{kEllipsoid, {}, kBoxHalf * glm::vec3(1.1f, 0.9f, 0.9f)}};
        return;
      case PropKind::camera_rig:
        prop.shape_ = {Solid{kEllipsoid, {}, glm::vec3(0.09f, 0.08f, 0.12f)}};
        return;
      case PropKind::shield:
        prop.shape_ = {Solid{kEllipsoid, {}, glm::vec3(0.29f, 0.02f, 0.29f)}};
        return;
      case PropKind::staff:
      case PropKind::count:
        prop.shape_ = {Solid{kCapsule, {}, {0.012f, 0.75f, 0.0f}}};
        return;
    }
  }

  void giveHand(SimulatedProp& prop, Random& random) {
    const bool carried = prop.kind_ == PropKind::sword || prop.kind_ == PropKind::camera_rig ||
                         prop.kind_ == PropKind::shield;
    if (!carried || next_hand_ == hands_.size()) return;
    const Hand hand = hands_[next_hand_++];
    prop.carrier_ = hand.performer;
    prop.hand_ = hand.joint;
    // In the hand's frame: where the forearm points, and a direction across it.
    const math::RigidTransform& rest =
        performers_[hand.performer].skeleton.parent_from_joint[hand.joint];
    const glm::vec3 forward = glm::conjugate(rest.rotation) *
                              glm::normalize(rest.translation + glm::vec3(1e-6f, 0.0f, 0.0f));
    const glm::vec3 aside = std::abs(forward.y) < 0.9f ? glm::vec3(0, 1, 0) : glm::vec3(1, 0, 0);
    const glm::vec3 across = glm::normalize(glm::cross(forward, glm::cross(aside, forward)));
    const glm::quat roll =
        glm::angleAxis(uniform(random, 0.0, 2.0 * kPi), glm::vec3(0.0f, 1.0f, 0.0f));
    glm::vec3 direction = glm::normalize(across + 0.5f * forward), place = kFist * forward;
    if (prop.kind_ == PropKind::shield) {
      direction = across;
      place = 0.09f * across - 0.10f * forward;
    } else if (prop.kind_ == PropKind::camera_rig) {
      direction = across;
      place = 0.24f * forward;
    }
    prop.hand_from_prop_ = {fromUp(direction) * roll, place};
  }

  const PropSettings& settings_;
  std::span<const subject::Subject> performers_;
  std::vector<std::string>& warnings_;
  std::vector<subject::Subject> known_;  // Performers and the props so far.
  std::vector<Hand> hands_;
  std::size_t next_hand_ = 0;
};

std::vector<std::unique_ptr<SimulatedProp>> makeProps(const PropSettings& settings,
                                                      std::span<const subject::Subject> performers,
                                                      std::vector<std::string>& warnings) {
  std::vector<std::unique_ptr<SimulatedProp>> props;
  PropMaker maker(settings, performers, warnings);
  for (std::size_t i = 0; i < settings.count; ++i) props.push_back(maker.make(i));
  return props;
}

void SimulatedProp::follow(const PerformerTruth& carrier) {
  world_from_hand_ = carrier.world_from_joint[hand_];
}

// Carried with a little play; a sword cuts now and then.
math::RigidTransform SimulatedProp::inHand(double seconds) const {
  constexpr double kShift = 0.002, kTurn = 0.015;  // Metres, radians.
  const auto wave = [&](double hertz, double offset) {
    return static_cast<float>(std::sin(2.0 * kPi * hertz * tempo_ * seconds + phase_ + offset));
  };
  const glm::vec3 shift =
      static_cast<float>(kShift) * glm::vec3(wave(1.3, 0), wave(2.1, 1), wave(1.7, 2));
  const glm::quat turn =
      glm::angleAxis(static_cast<float>(kTurn) * wave(1.9, 3), glm::vec3(1, 0, 0)) *
      glm::angleAxis(static_cast<float>(kTurn) * wave(1.1, 4), glm::vec3(0, 0, 1));
  glm::quat cut = glm::identity<glm::quat>();
  if (kind_ == PropKind::sword) {
    constexpr double kEvery = 3.0, kLasts = 0.35, kAngle = 1.75;
    const double since = std::fmod(seconds + phase_, kEvery);
    if (since < kLasts) {
      const double sine = std::sin(kPi * since / kLasts);
      cut = glm::angleAxis(static_cast<float>(kAngle * tempo_ * sine * sine), glm::vec3(1, 0, 0));
    }
  }
  return world_from_hand_ * hand_from_prop_ * math::RigidTransform{cut * turn, shift};
}

// Up and down: a parabola, then a hand that gives way and throws again.
math::RigidTransform SimulatedProp::thrown(double seconds) const {
  constexpr double kHold = 0.35, kSpin = 2.0 * 2.0 * kPi;
  const double speed = 3.6 * tempo_;
  const double flight = 2.0 * speed / kGravity, period = flight + kHold;
  const double turns = std::floor((seconds + phase_) / period);
  const double since = seconds + phase_ - turns * period;
  double height, angle = turns * (flight + 0.5 * kHold);
  if (since < flight) {
    height = since * (speed - 0.5 * kGravity * since);
    angle += since;
  } else {
    const double held = since - flight;
    height = -speed * kHold / kPi * std::sin(kPi * held / kHold);
    angle += flight + 0.5 * held + kHold / (4.0 * kPi) * std::sin(2.0 * kPi * held / kHold);
  }
  const auto sway = [&](double hertz) {
    return static_cast<float>(0.15 * std::sin(2.0 * kPi * hertz * seconds + phase_));
  };
  return {glm::angleAxis(static_cast<float>(std::fmod(kSpin * tempo_ * angle, 2.0 * kPi)), axis_),
          place_ + glm::vec3(sway(0.23), 1.3f + static_cast<float>(height), sway(0.31))};
}

// Stands, is lifted over to another place in a second, stands there, and comes back.
math::RigidTransform SimulatedProp::onTable(double seconds) const {
  constexpr double kStands = 2.5, kMoves = 1.1, kPeriod = 2.0 * (kStands + kMoves);
  const double since = std::fmod(seconds + phase_, kPeriod);
  const double half = 0.5 * kPeriod;
  const double out = ease((since - kStands) / kMoves),
               back = ease((since - half - kStands) / kMoves);
  const double share = out - back;
  const auto lift = static_cast<float>(0.35 * std::sin(kPi * share) * (share > 0.0 ? 1.0 : 0.0));
  const float height = kind_ == PropKind::box ? kTable + kBoxHalf.y : 0.1f;
  const glm::vec3 way(0.5f * static_cast<float>(share), height + lift, 0.0f);
  const glm::quat turn =
      glm::angleAxis(static_cast<float>(1.2 * share + phase_), glm::vec3(0, 1, 0)) *
      glm::angleAxis(lift, glm::vec3(1, 0, 0));
  return {turn, place_ + way};
}

math::RigidTransform SimulatedProp::whirled(double seconds) const {
  const double angle =
      2.0 * kPi * 1.5 * tempo_ * (seconds + phase_) + 0.8 * std::sin(2.5 * seconds);
  const auto slow = [&](double hertz) {
    return static_cast<float>(std::sin(2.0 * kPi * hertz * seconds + phase_));
  };
  const glm::quat plane = glm::angleAxis(0.7f * slow(0.2), glm::vec3(0, 1, 0)) *
                          glm::angleAxis(0.4f * slow(0.3), glm::vec3(1, 0, 0));
  const glm::quat spin =
      glm::angleAxis(static_cast<float>(std::fmod(angle, 2.0 * kPi)), glm::vec3(0, 0, 1));
  return {plane * spin, place_ + glm::vec3(0.2f * slow(0.15), 1.25f + 0.1f * slow(0.4), 0.0f)};
}

math::RigidTransform SimulatedProp::world(double seconds) const {
  if (carrier_ != kNobody) return inHand(seconds);
  if (kind_ == PropKind::ball) return thrown(seconds);
  if (kind_ == PropKind::staff) return whirled(seconds);
  return onTable(seconds);
}

void SimulatedProp::poseSolids(const math::RigidTransform& world_from_prop) {
  for (std::size_t i = 0; i < shape_.size(); ++i) {
    const Solid& from = shape_[i];
    PosedSolid& solid = solids_[i];
    solid.shape = from.shape;
    solid.middle = world_from_prop * from.middle;
    if (from.shape == SolidShape::ellipsoid) {
      solid.bound = std::max({from.half.x, from.half.y, from.half.z});
      glm::mat3 scale(0.0f);
      for (int k = 0; k < 3; ++k) scale[k][k] = 1.0f / from.half[k];
      solid.unit_from_world = scale * glm::mat3_cast(glm::conjugate(world_from_prop.rotation));
    } else {
      const glm::vec3 axis(0.0f, from.half.y, 0.0f);
      solid.near = world_from_prop * (from.middle - axis);
      solid.far = world_from_prop * (from.middle + axis);
      solid.radius_near = solid.radius_far = from.half.x;
      solid.bound = from.half.y + from.half.x;
    }
  }
}

void SimulatedProp::pose(double seconds, PerformerTruth& truth) {
  const math::RigidTransform world_from_prop = world(still_ ? 0.0 : seconds);
  truth.world_from_joint[0] = world_from_prop;
  for (std::size_t m = 0; m < subject_.markers.size(); ++m) {
    truth.markers[m].position = world_from_prop * subject_.markers[m].offset_joint;
  }
  poseSolids(world_from_prop);
}

}  // namespace understudy::source
