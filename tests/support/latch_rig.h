#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/anim/pose_ring.h"
#include "engine/core/page_memory.h"
#include "engine/gpu/resources.h"
#include "engine/render/pipelines.h"
#include "shaders/shared/character.h"
#include "shaders/shared/latch.h"

namespace understudy::test {

/// What one run of the latch made.
struct Latched {
  shaders::LatchRecord record{};
  shaders::FrameUniforms uniforms{};
  std::vector<shaders::JointRows> palettes;
  std::vector<shaders::PerformerBounds> bounds;
  std::vector<shaders::Occluder> occluders;
};

/// The latch alone, without a picture: a cast whose members have the flesh that is given, and a
/// ring in memory that the device shares with the program, or in the device's own where it cannot.
class LatchRig {
 public:
  /// Fails the test if the device refuses something.
  LatchRig(gpu::Device& device, const std::vector<std::vector<shaders::JointFlesh>>& members,
           const anim::PoseRingCapacity& capacity);

  anim::PoseRing& ring() { return *ring_; }
  /// A ring with one subject of one joint, which `input.cameras` points to.
  anim::PoseRing& cameras() { return *camera_ring_; }

  /// `input` is completed with the cast's size and the rings' addresses.
  Latched run(shaders::LatchInput input);

 private:
  gpu::Buffer make(std::size_t bytes, gpu::MemoryUse use);

  gpu::Device& device_;
  render::Pipelines pipelines_;
  core::PageMemory pages_;
  gpu::Buffer poses_, camera_poses_;
  std::unique_ptr<anim::PoseRing> ring_, camera_ring_;
  std::vector<gpu::Buffer> flesh_;
  gpu::Buffer members_, owners_, input_;
  gpu::Buffer palettes_, bounds_, occluders_, uniforms_, record_;
  std::uint32_t member_count_ = 0, joint_count_ = 0;
};

}  // namespace understudy::test
