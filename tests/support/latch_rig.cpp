#include "tests/support/latch_rig.h"

#include <doctest/doctest.h>

#include <cstring>

namespace understudy::test {

namespace {

constexpr VkBufferUsageFlags kByAddress =
    VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;

template <class T>
void fill(const gpu::Buffer& buffer, const std::vector<T>& values) {
  std::memcpy(buffer.mapped(), values.data(), values.size() * sizeof(T));
}

template <class T>
std::vector<T> read(const gpu::Buffer& buffer, std::size_t count) {
  std::vector<T> values(count);
  std::memcpy(static_cast<void*>(values.data()), buffer.mapped(), count * sizeof(T));
  return values;
}

}  // namespace

gpu::Buffer LatchRig::make(std::size_t bytes, gpu::MemoryUse use) {
  auto made = gpu::Buffer::create(device_, bytes, kByAddress, use);
  REQUIRE(made);
  return std::move(*made);
}

LatchRig::LatchRig(gpu::Device& device,
                   const std::vector<std::vector<shaders::JointFlesh>>& members,
                   const anim::PoseRingCapacity& capacity)
    : device_(device), pages_(anim::PoseRing::memoryBytes(capacity)) {
  auto pipelines =
      render::makePipelines(device, {.quality = render::qualitySettings(render::Quality::low)});
  REQUIRE(pipelines);
  pipelines_ = std::move(*pipelines);
  if (device.features.host_memory_alignment > 0) {
    auto imported = gpu::Buffer::import(device, pages_.bytes(), kByAddress);
    REQUIRE(imported);
    poses_ = std::move(*imported);
  } else {
    poses_ = make(pages_.bytes().size(), gpu::MemoryUse::readback);
  }
  ring_ =
      std::make_unique<anim::PoseRing>(std::span(poses_.mapped(), pages_.bytes().size()), capacity);
  const anim::PoseRingCapacity one{.subjects = 1, .joints = 1};
  const std::size_t camera_bytes = anim::PoseRing::memoryBytes(one);
  camera_poses_ = make(camera_bytes, gpu::MemoryUse::readback);
  camera_ring_ =
      std::make_unique<anim::PoseRing>(std::span(camera_poses_.mapped(), camera_bytes), one);

  std::vector<shaders::CastMember> table;
  std::vector<std::uint32_t> owners;
  for (const auto& shapes : members) {
    flesh_.push_back(make(shapes.size() * sizeof shapes[0], gpu::MemoryUse::upload));
    fill(flesh_.back(), shapes);
    table.push_back({.flesh = flesh_.back().address(),
                     .first_joint = joint_count_,
                     .joint_count = static_cast<std::uint32_t>(shapes.size())});
    owners.insert(owners.end(), shapes.size(), member_count_++);
    joint_count_ += table.back().joint_count;
  }
  members_ = make(table.size() * sizeof(shaders::CastMember), gpu::MemoryUse::upload);
  owners_ = make(owners.size() * sizeof(std::uint32_t), gpu::MemoryUse::upload);
  fill(members_, table);
  fill(owners_, owners);
  input_ = make(sizeof(shaders::LatchInput), gpu::MemoryUse::upload);
  palettes_ = make(joint_count_ * sizeof(shaders::JointRows), gpu::MemoryUse::readback);
  bounds_ = make(member_count_ * sizeof(shaders::PerformerBounds), gpu::MemoryUse::readback);
  occluders_ = make(joint_count_ * sizeof(shaders::Occluder), gpu::MemoryUse::readback);
  uniforms_ = make(sizeof(shaders::FrameUniforms), gpu::MemoryUse::readback);
  record_ = make(sizeof(shaders::LatchRecord), gpu::MemoryUse::readback);
}

Latched LatchRig::run(shaders::LatchInput input) {
  input.poses = poses_.address();
  input.cameras = camera_poses_.address();
  input.member_count = member_count_;
  input.joint_count = joint_count_;
  std::memcpy(input_.mapped(), &input, sizeof input);
  const shaders::LatchPush push{.frame = input_.address(),
                                .members = members_.address(),
                                .owners = owners_.address(),
                                .palettes = palettes_.address(),
                                .bounds = bounds_.address(),
                                .occluders = occluders_.address(),
                                .uniforms = uniforms_.address(),
                                .record = record_.address()};
  const auto done = device_.runOnce([&](VkCommandBuffer commands) {
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines_.latch.get());
    vkCmdPushConstants(commands, pipelines_.latch_pipeline_layout.get(),
                       VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof push, &push);
    vkCmdDispatch(commands, 1, 1, 1);
    gpu::recordBarrier(commands, {.after = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                                  .after_access = VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT,
                                  .before = VK_PIPELINE_STAGE_2_HOST_BIT,
                                  .before_access = VK_ACCESS_2_HOST_READ_BIT});
  });
  REQUIRE(done);
  return {.record = read<shaders::LatchRecord>(record_, 1)[0],
          .uniforms = read<shaders::FrameUniforms>(uniforms_, 1)[0],
          .palettes = read<shaders::JointRows>(palettes_, joint_count_),
          .bounds = read<shaders::PerformerBounds>(bounds_, member_count_),
          .occluders = read<shaders::Occluder>(occluders_, joint_count_)};
}

}  // namespace understudy::test
