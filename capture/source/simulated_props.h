#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "capture/source/performer.h"
#include "capture/source/simulated_stage.h"

namespace understudy::source {

/// What a prop is, and how it moves.
enum class PropKind : std::uint8_t {
  sword,       ///< In a performer's right hand; cuts now and then, at up to 900 degrees a second.
  ball,        ///< Thrown up and caught, spinning; ballistic between.
  box,         ///< Stands on a table; lifted and put down elsewhere now and then.
  camera_rig,  ///< In a hand.
  shield,      ///< On a forearm.
  staff,       ///< Whirled at one and a half turns a second.
  count
};

/// A prop before the cameras: a rigid pattern of markers that rides on a hand or moves by itself.
class SimulatedProp : public Performer {
 public:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  /// Who carries it, or kNobody.
  std::size_t carrier() const { return carrier_; }
  PropKind kind() const { return kind_; }
  /// Takes the place of the carrying joint; to be called before `pose` for a prop that is carried.
  void follow(const PerformerTruth& carrier);
  /// Fills the markers and the one joint.
  void pose(double seconds, PerformerTruth& truth) override;

 private:
  friend class PropMaker;
  struct Solid {
    SolidShape shape = SolidShape::ellipsoid;
    glm::vec3 middle{0.0f};
    glm::vec3 half{0.0f};  ///< Half widths; a capsule's y is half its axis, x its radius.
  };
  math::RigidTransform world(double seconds) const;
  math::RigidTransform inHand(double seconds) const;
  math::RigidTransform thrown(double seconds) const;
  math::RigidTransform onTable(double seconds) const;
  math::RigidTransform whirled(double seconds) const;
  void poseSolids(const math::RigidTransform& world_from_prop);

  PropKind kind_ = PropKind::box;
  std::size_t carrier_ = kNobody;
  std::size_t hand_ = 0;                 ///< Joint of the carrier.
  math::RigidTransform hand_from_prop_;  ///< At rest in the hand.
  math::RigidTransform world_from_hand_;
  glm::vec3 place_{0.0f};             ///< Of what nobody carries.
  glm::vec3 axis_{0.0f, 1.0f, 0.0f};  ///< Of spin.
  float tempo_ = 1;                   ///< Scales its speeds.
  double phase_ = 0;                  ///< Seconds into its motion.
  bool still_ = false;
  std::vector<Solid> shape_;
};

/// What the props of a stage are made for.
struct PropSettings {
  std::size_t count = 0;
  glm::vec3 middle{0.0f};  ///< Of the stage, on the floor.
  float reach = 1.2f;      ///< How far from the middle props have their places, metres.
  bool still = false;
  std::uint64_t seed = 1;
};

/// Makes props of all kinds in turn, each with a pattern of its own that cannot be confused with
/// another one's, with itself turned, or with a segment of a performer. A prop for which no hand is
/// free lies on the floor. Where no such pattern is found (very many props) a warning says so.
std::vector<std::unique_ptr<SimulatedProp>> makeProps(const PropSettings& settings,
                                                      std::span<const subject::Subject> performers,
                                                      std::vector<std::string>& warnings);

}  // namespace understudy::source
