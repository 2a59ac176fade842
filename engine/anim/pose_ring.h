#pragma once

#include <cstddef>
#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "engine/core/stamp.h"
#include "engine/math/rigid_transform.h"
#include "shaders/shared/pose_ring.h"

namespace understudy::anim {

/// How much one slot can hold, over all subjects together.
struct PoseRingCapacity {
  std::uint32_t subjects = 1;
  std::uint32_t joints = 0;
  std::uint32_t matrices = 0;  ///< Palette entries.
  std::uint32_t slots = 64;    ///< Publications that are kept, at least 1.
};

/// What is published of one subject. Velocities may be empty, which means zero; else they have one
/// entry per joint.
struct PublishedSubject {
  bool tracked = true;  ///< False: held, not solved.
  float presence = 1;   ///< Share of it that is shown: 1 = whole, 0 = nothing.
  std::span<const math::RigidTransform> parent_from_joint;
  std::span<const glm::vec3> angular_velocity{};       ///< Against the parent, its frame, rad/s.
  std::span<const glm::vec3> velocity{};               ///< Of the joint's translation, m/s.
  std::span<const glm::mat4> world_from_bind{};        ///< The palette of its character.
  std::span<const glm::mat4> world_from_bind_ahead{};  ///< Where it is expected a little later.
};

/// A copy of one publication. Make it with PoseRing::makeRecord, then reading allocates nothing.
struct PoseRecord {
  core::Stamp stamp;
  std::vector<shaders::PoseSubject> subjects;
  std::vector<shaders::PoseJoint> joints;  ///< Subjects say which are theirs.
  std::vector<glm::mat4> world_from_bind;
};

/// Which parts of a publication to copy.
enum class PoseParts : std::uint8_t { joints, palette, all };

/// The newest poses (64 unless told otherwise), handed from one writing thread to any number of
/// readers, the GPU among them: the layout is in shaders/shared/pose_ring.h. Nobody waits: a reader
/// that was overtaken by all other slots while it copied is told so.
class PoseRing {
 public:
  /// Bytes that the ring needs.
  static std::size_t memoryBytes(const PoseRingCapacity& capacity);

  /// Sets up a ring in memory that outlives it, at least memoryBytes() long and aligned to 16
  /// bytes: ordinary memory, or a GPU buffer's mapping, host-coherent and host-cached.
  PoseRing(std::span<std::byte> memory, const PoseRingCapacity& capacity);
  PoseRing(const PoseRing&) = delete;
  PoseRing& operator=(const PoseRing&) = delete;

  /// Publishes a pose. False, and nothing happens, if it does not fit the capacity. `ahead` is the
  /// time from the pose to the palettes ahead, up to an hour. Writer only.
  bool publish(const core::Stamp& stamp, std::span<const PublishedSubject> subjects,
               core::Duration ahead = {});

  /// Number of the newest publication, counted from 1; 0 = none yet. Any thread.
  std::uint32_t newest() const;

  /// Copies publication `number`; false if it is not there any more or yet. Any thread.
  bool read(std::uint32_t number, PoseRecord& record, PoseParts parts = PoseParts::all) const;

  /// Copies the stamp alone; false if the publication is not there any more or yet. Any thread.
  bool readStamp(std::uint32_t number, core::Stamp& stamp) const;

  /// A record with room for everything that a slot can hold.
  PoseRecord makeRecord() const;

  const PoseRingCapacity& capacity() const { return capacity_; }

 private:
  std::byte* slotOf(std::uint32_t number) const;

  std::byte* memory_;
  PoseRingCapacity capacity_;
  shaders::PoseRingHeader layout_;
};

}  // namespace understudy::anim
