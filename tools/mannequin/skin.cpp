#include "tools/mannequin/skin.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace understudy::mannequin {
namespace {

using J = anim::HumanoidJoint;
using Shares = std::array<double, anim::kHumanoidJointCount>;

constexpr int kSmoothingSteps = 6;
constexpr double kHandBegin = 0.735;

std::size_t at(J joint) { return static_cast<std::size_t>(joint); }

// How much of what its parent moves a joint takes over at a point: none behind a plane, all before
// it, smooth between. The left half and the middle; planes go through joints or near them.
struct Split {
  J joint;
  Vec3 point;
  Vec3 direction;
  double behind;  ///< Distance before the plane where the joint begins to take part.
  double before;  ///< Distance after it where the joint has all.
};

const Split kSplits[] = {
    {J::spine, {0, 1.040, 0}, {0, 1, 0}, 0.060, 0.060},
    {J::chest, {0, 1.150, 0}, {0, 1, 0}, 0.065, 0.065},
    {J::upper_chest, {0, 1.270, 0}, {0, 1, 0}, 0.070, 0.070},
    {J::neck, {0, 1.490, -0.030}, {0, 0.94, 0.34}, 0.040, 0.040},
    {J::head, {0, 1.568, -0.015}, {0, 0.92, 0.40}, 0.034, 0.026},
    {J::left_shoulder, {0.105, 1.405, 0}, {0.80, 0.60, 0}, 0.055, 0.060},
    {J::left_upper_arm, {0.170, 1.420, 0}, {0.97, 0.24, 0}, 0.055, 0.055},
    {J::left_lower_arm, {0.467, 1.420, 0}, {1, 0, 0}, 0.038, 0.038},
    {J::left_hand, {0.714, 1.420, 0}, {1, 0, 0}, 0.034, 0.030},
    {J::left_upper_leg, {0.093, 0.912, 0}, {0.50, -0.87, 0}, 0.070, 0.070},
    {J::left_lower_leg, {0.098, 0.507, 0}, {0, -1, 0}, 0.055, 0.055},
    {J::left_foot, {0.104, 0.092, -0.016}, {0, -0.92, 0.38}, 0.034, 0.030},
    {J::left_toes, {0.108, 0, 0.116}, {0.07, 0, 1}, 0.020, 0.020},
};

// Fingers bend at planes across the bone, over a width that goes with the finger's thickness.
constexpr double kFingerBend = 0.0075;
constexpr double kKnuckleBend = 0.0125;
constexpr double kThumbRootBend = 0.0160;
// Distance over which the skin between two fingers goes from one to the other.
constexpr double kFingerMembership = 0.0025;
constexpr double kThumbMembership = 0.0120;

double taken(const Split& split, const Vec3& p) {
  return smoothStep(-split.behind, split.before,
                    glm::dot(glm::normalize(split.direction), p - split.point));
}

// How much a point belongs to each finger, thumb first. Only one is 1 on a finger itself.
std::array<double, 5> fingerMembership(const std::vector<Shape>& fingers, const Vec3& p) {
  std::array<double, 5> distances{}, membership{};
  for (std::size_t i = 0; i < 5; ++i) distances[i] = distance(fingers[i], p);
  for (std::size_t i = 0; i < 5; ++i) {
    double others = 1.0;
    for (std::size_t j = 0; j < 5; ++j)
      if (j != i) others = std::min(others, distances[j]);
    const double width = i == 0 ? kThumbMembership : kFingerMembership;
    membership[i] = smoothStep(-width, width, others - distances[i]);
  }
  return membership;
}

// The joint on the other side of the body.
J mirrored(J joint) {
  std::string name(anim::humanoidName(joint));
  if (name.starts_with("left_")) return anim::humanoidJoint("right_" + name.substr(5));
  if (name.starts_with("right_")) return anim::humanoidJoint("left_" + name.substr(6));
  return joint;
}

// Shares of the joints at points of the rest pose: what reaches a joint flows on to its children.
class Weigher {
 public:
  Weigher() : rest_(bodyJoints()), fingers_(fingerShapes()) {
    for (std::size_t i = 0; i < mirror_.size(); ++i) mirror_[i] = at(mirrored(static_cast<J>(i)));
  }

  Shares shares(const Vec3& p) const {
    const Shares fraction = fractions(p);
    Shares share{};
    share[at(J::hips)] = 1.0;
    Shares reached = share;
    for (std::size_t joint = 1; joint < share.size(); ++joint) {
      const std::size_t parent = at(rest_[joint].parent);
      reached[joint] = fraction[joint] * reached[parent];
      share[joint] += reached[joint];
      share[parent] -= reached[joint];
    }
    return share;
  }

 private:
  // Of each joint's share, how much flows on from its parent; siblings never take more than all.
  Shares fractions(const Vec3& p) const {
    Shares fraction = leftFractions(p);
    const Shares other = leftFractions({-p.x, p.y, p.z});
    for (std::size_t i = 0; i < fraction.size(); ++i)
      if (mirror_[i] != i && fraction[i] == 0.0) fraction[i] = other[mirror_[i]];
    Shares sums{};
    for (std::size_t i = 1; i < fraction.size(); ++i) sums[at(rest_[i].parent)] += fraction[i];
    for (std::size_t i = 1; i < fraction.size(); ++i)
      fraction[i] /= std::max(sums[at(rest_[i].parent)], 1.0);
    return fraction;
  }

  Shares leftFractions(const Vec3& p) const {
    Shares fraction{};
    for (const Split& split : kSplits) fraction[at(split.joint)] = taken(split, p);
    fraction[at(J::neck)] *= smoothStep(-0.110, -0.065, -std::abs(p.x));
    // The skin between the legs goes from one to the other within two centimetres; their planes
    // must not reach the arms, nor the arms' planes the head or the flank.
    fraction[at(J::left_upper_leg)] *=
        smoothStep(-0.012, 0.012, p.x) * smoothStep(-1.15, -1.05, -p.y);
    fraction[at(J::left_shoulder)] *=
        smoothStep(0.02, 0.06, p.x) * smoothStep(1.24, 1.33, p.y) * smoothStep(-1.55, -1.50, -p.y);
    if (p.x > 0.70) addFingers(p, fraction);
    return fraction;
  }

  void addFingers(const Vec3& p, Shares& fraction) const {
    const std::array<double, 5> membership = fingerMembership(fingers_, p);
    for (std::size_t finger = 0; finger < 5; ++finger) {
      const std::size_t root = at(J::left_thumb_metacarpal) + 3 * finger;
      for (std::size_t bone = 0; bone < 3; ++bone) {
        const Vec3 here = rest_[root + bone].position;
        const Vec3 next = rest_[root + std::min<std::size_t>(bone + 1, 2)].position;
        const Vec3 before = bone == 2 ? rest_[root + 1].position : here;
        double width = bone > 0 ? kFingerBend : finger == 0 ? kThumbRootBend : kKnuckleBend;
        if (finger == 0 && bone == 1) width = 0.011;
        fraction[root + bone] =
            taken({J::hips, here, bone == 2 ? here - before : next - here, width, width}, p);
      }
      fraction[root] *= membership[finger];
    }
  }

  std::array<JointRest, anim::kHumanoidJointCount> rest_;
  std::vector<Shape> fingers_;
  std::array<std::size_t, anim::kHumanoidJointCount> mirror_{};
};

// Rounds off the weights of the hand along the skin, never across the air between two fingers. The
// other weights are smooth as they are.
void smoothHand(const Mesh& mesh, std::vector<Shares>& shares) {
  std::vector<std::vector<int>> neighbours(mesh.positions.size());
  for (const Triangle& triangle : mesh.triangles)
    for (std::size_t c = 0; c < 3; ++c)
      neighbours[static_cast<std::size_t>(triangle[c])].push_back(triangle[(c + 1) % 3]);
  for (int step = 0; step < kSmoothingSteps; ++step) {
    const std::vector<Shares> before = shares;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (std::abs(mesh.positions[i].x) < kHandBegin) continue;
      const double weight = 0.5 / static_cast<double>(neighbours[i].size());
      for (std::size_t joint = 0; joint < shares[i].size(); ++joint) {
        double mean = 0.0;
        for (const int other : neighbours[i])
          mean += before[static_cast<std::size_t>(other)][joint];
        shares[i][joint] = 0.5 * before[i][joint] + weight * mean;
      }
    }
  }
}

// The four heaviest joints, normalised.
SkinWeights heaviest(const Shares& shares) {
  std::array<std::uint8_t, anim::kHumanoidJointCount> order{};
  std::iota(order.begin(), order.end(), std::uint8_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&shares](auto a, auto b) { return shares[a] > shares[b]; });
  SkinWeights skin;
  double sum = 0.0;
  for (std::size_t k = 0; k < 4; ++k) sum += shares[order[k]] > 0.004 ? shares[order[k]] : 0.0;
  for (std::size_t k = 0; k < 4; ++k) {
    if (shares[order[k]] <= 0.004) break;
    skin.joints[k] = order[k];
    skin.weights[k] = static_cast<float>(shares[order[k]] / sum);
  }
  return skin;
}

SkinWeights mirroredWeights(SkinWeights skin) {
  for (std::size_t k = 0; k < 4; ++k)
    if (skin.weights[k] > 0.0f)
      skin.joints[k] = static_cast<std::uint8_t>(at(mirrored(static_cast<J>(skin.joints[k]))));
  return skin;
}

// On the middle both halves must agree.
void symmetrise(Shares& shares) {
  for (std::size_t joint = 0; joint < shares.size(); ++joint) {
    const std::size_t other = at(mirrored(static_cast<J>(joint)));
    shares[joint] = shares[other] = 0.5 * (shares[joint] + shares[other]);
  }
}

}  // namespace

std::vector<SkinWeights> makeSkin(const Mesh& whole, const std::vector<int>& twin) {
  const Weigher weigher;
  std::vector<Shares> shares;
  for (const Vec3& p : whole.positions) shares.push_back(weigher.shares(p));
  smoothHand(whole, shares);
  std::vector<SkinWeights> skin(shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (whole.positions[i].x < 0.0) continue;
    if (whole.positions[i].x == 0.0) symmetrise(shares[i]);
    skin[i] = heaviest(shares[i]);
    const auto other = static_cast<std::size_t>(twin[i]);
    if (other != i) skin[other] = mirroredWeights(skin[i]);
  }
  return skin;
}

}  // namespace understudy::mannequin
