#include "engine/anim/pose_ring.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace understudy::anim {
namespace {

using shaders::PoseJoint;
using shaders::PoseRingHeader;
using shaders::PoseSlotHeader;
using shaders::PoseSubject;

constexpr std::size_t kLockBytes = 8;  // The lock and its neighbour are not part of the content.

std::atomic_ref<std::uint32_t> word(std::byte* place) {
  return std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(place));
}

std::atomic_ref<std::uint64_t> doubleWord(std::byte* place) {
  return std::atomic_ref<std::uint64_t>(*reinterpret_cast<std::uint64_t*>(place));
}

// The content of a slot is copied in atomic pieces, because a reader may read what the writer is
// overwriting; the lock then tells it to throw the copy away. Release and acquire on each piece
// keep them between the two accesses to the lock, and cost nothing on x86 (Boehm, "Can seqlocks get
// along with programming language memory models?", 2012).
void store(std::byte* place, const void* from, std::size_t bytes) {
  assert(bytes % 8 == 0);
  for (std::size_t i = 0; i < bytes; i += 8) {
    std::uint64_t piece;
    std::memcpy(&piece, static_cast<const std::byte*>(from) + i, 8);
    doubleWord(place + i).store(piece, std::memory_order_release);
  }
}

void load(std::byte* place, void* to, std::size_t bytes) {
  assert(bytes % 8 == 0);
  for (std::size_t i = 0; i < bytes; i += 8) {
    const std::uint64_t piece = doubleWord(place + i).load(std::memory_order_acquire);
    std::memcpy(static_cast<std::byte*>(to) + i, &piece, 8);
  }
}

// Memory of a GPU may be write-combining, where even x86 reorders stores.
void finishStores() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

PoseRingHeader makeLayout(const PoseRingCapacity& capacity) {
  PoseRingHeader layout{};
  layout.slot_count = std::max(capacity.slots, 1u);
  layout.slots_offset = sizeof(PoseRingHeader);
  layout.subjects_offset = sizeof(PoseSlotHeader);
  layout.joints_offset =
      layout.subjects_offset + capacity.subjects * static_cast<std::uint32_t>(sizeof(PoseSubject));
  layout.joints_offset = (layout.joints_offset + 63u) & ~63u;
  layout.matrices_offset =
      layout.joints_offset + capacity.joints * static_cast<std::uint32_t>(sizeof(PoseJoint));
  layout.slot_bytes =
      layout.matrices_offset + capacity.matrices * static_cast<std::uint32_t>(sizeof(glm::mat4));
  layout.subject_capacity = capacity.subjects;
  layout.joint_capacity = capacity.joints;
  layout.matrix_capacity = capacity.matrices;
  return layout;
}

PoseSlotHeader makeSlotHeader(const core::Stamp& stamp) {
  const auto exposed = static_cast<std::uint64_t>(
      std::chrono::nanoseconds(stamp.exposed.time_since_epoch()).count());
  const core::Timecode& code = stamp.timecode;
  PoseSlotHeader header{};
  header.sequence_low = static_cast<std::uint32_t>(stamp.sequence);
  header.sequence_high = static_cast<std::uint32_t>(stamp.sequence >> 32);
  header.exposed_low = static_cast<std::uint32_t>(exposed);
  header.exposed_high = static_cast<std::uint32_t>(exposed >> 32);
  header.clock_domain = static_cast<std::uint32_t>(stamp.domain);
  header.timecode = std::uint32_t{code.hours} | std::uint32_t{code.minutes} << 8 |
                    std::uint32_t{code.seconds} << 16 | std::uint32_t{code.frames} << 24;
  header.timecode_rate = std::uint32_t{code.rate} | (code.drop_frame ? 256u : 0u);
  return header;
}

core::Stamp stampOf(const PoseSlotHeader& header) {
  const auto join = [](std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32 | low;
  };
  const auto byte = [](std::uint32_t value, int index) {
    return static_cast<std::uint8_t>(value >> (8 * index));
  };
  core::Stamp stamp;
  stamp.sequence = join(header.sequence_low, header.sequence_high);
  stamp.exposed = core::Time(
      core::Duration(static_cast<std::int64_t>(join(header.exposed_low, header.exposed_high))));
  stamp.domain = static_cast<core::ClockDomain>(header.clock_domain);
  stamp.timecode = {.hours = byte(header.timecode, 0),
                    .minutes = byte(header.timecode, 1),
                    .seconds = byte(header.timecode, 2),
                    .frames = byte(header.timecode, 3),
                    .rate = byte(header.timecode_rate, 0),
                    .drop_frame = (header.timecode_rate & 256u) != 0};
  return stamp;
}

PoseJoint makeJoint(const PublishedSubject& subject, std::size_t joint) {
  const math::RigidTransform& transform = subject.parent_from_joint[joint];
  const glm::quat& q = transform.rotation;
  PoseJoint result{};
  result.rotation = {q.x, q.y, q.z, q.w};
  result.translation = glm::vec4(transform.translation, 0.0f);
  if (!subject.angular_velocity.empty()) {
    result.angular_velocity = glm::vec4(subject.angular_velocity[joint], 0.0f);
  }
  if (!subject.velocity.empty()) result.velocity = glm::vec4(subject.velocity[joint], 0.0f);
  return result;
}

}  // namespace

std::size_t PoseRing::memoryBytes(const PoseRingCapacity& capacity) {
  const PoseRingHeader layout = makeLayout(capacity);
  return layout.slots_offset + std::size_t{layout.slot_bytes} * layout.slot_count;
}

PoseRing::PoseRing(std::span<std::byte> memory, const PoseRingCapacity& capacity)
    : memory_(memory.data()), capacity_(capacity), layout_(makeLayout(capacity)) {
  assert(memory.size() >= memoryBytes(capacity));
  assert(reinterpret_cast<std::uintptr_t>(memory.data()) % 16 == 0);
  std::memset(memory_, 0, memoryBytes(capacity));
  std::memcpy(memory_, &layout_, sizeof layout_);
}

std::byte* PoseRing::slotOf(std::uint32_t number) const {
  return memory_ + layout_.slots_offset +
         std::size_t{layout_.slot_bytes} * ((number - 1) % layout_.slot_count);
}

bool PoseRing::publish(const core::Stamp& stamp, std::span<const PublishedSubject> subjects,
                       core::Duration ahead) {
  std::size_t joints = 0, matrices = 0;
  for (const PublishedSubject& subject : subjects) {
    joints += subject.parent_from_joint.size();
    matrices += subject.world_from_bind.size() + subject.world_from_bind_ahead.size();
  }
  if (subjects.size() > capacity_.subjects || joints > capacity_.joints ||
      matrices > capacity_.matrices) {
    return false;
  }
  const std::uint32_t number = newest() + 1;
  std::byte* slot = slotOf(number);
  word(slot).store(2 * number - 1, std::memory_order_relaxed);
  finishStores();

  PoseSlotHeader header = makeSlotHeader(stamp);
  header.ahead_us = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(ahead).count());
  std::byte* subject_place = slot + layout_.subjects_offset;
  for (const PublishedSubject& subject : subjects) {
    assert(subject.angular_velocity.empty() ||
           subject.angular_velocity.size() == subject.parent_from_joint.size());
    assert(subject.velocity.empty() || subject.velocity.size() == subject.parent_from_joint.size());
    PoseSubject share{};
    share.first_joint = header.joint_count;
    share.joint_count = static_cast<std::uint32_t>(subject.parent_from_joint.size());
    share.first_matrix = header.matrix_count;
    share.matrix_count = static_cast<std::uint32_t>(subject.world_from_bind.size());
    share.tracked = subject.tracked ? 1 : 0;
    share.presence = subject.presence;
    share.first_ahead_matrix = share.first_matrix + share.matrix_count;
    share.ahead_matrix_count = static_cast<std::uint32_t>(subject.world_from_bind_ahead.size());
    store(subject_place + header.subject_count * sizeof share, &share, sizeof share);
    for (std::size_t i = 0; i < subject.parent_from_joint.size(); ++i) {
      const PoseJoint joint = makeJoint(subject, i);
      store(slot + layout_.joints_offset + (share.first_joint + i) * sizeof joint, &joint,
            sizeof joint);
    }
    store(slot + layout_.matrices_offset + share.first_matrix * sizeof(glm::mat4),
          subject.world_from_bind.data(), subject.world_from_bind.size_bytes());
    store(slot + layout_.matrices_offset + share.first_ahead_matrix * sizeof(glm::mat4),
          subject.world_from_bind_ahead.data(), subject.world_from_bind_ahead.size_bytes());
    header.subject_count += 1;
    header.joint_count += share.joint_count;
    header.matrix_count += share.matrix_count + share.ahead_matrix_count;
  }
  store(slot + kLockBytes, reinterpret_cast<const std::byte*>(&header) + kLockBytes,
        sizeof header - kLockBytes);

  finishStores();
  word(slot).store(2 * number, std::memory_order_release);
  finishStores();
  word(memory_).store(number, std::memory_order_release);
  return true;
}

std::uint32_t PoseRing::newest() const { return word(memory_).load(std::memory_order_acquire); }

bool PoseRing::read(std::uint32_t number, PoseRecord& record, PoseParts parts) const {
  if (number == 0) return false;
  std::byte* slot = slotOf(number);
  if (word(slot).load(std::memory_order_acquire) != 2 * number) return false;
  PoseSlotHeader header{};
  load(slot + kLockBytes, reinterpret_cast<std::byte*>(&header) + kLockBytes,
       sizeof header - kLockBytes);
  // While the slot is being overwritten the counts may be another publication's, but never too
  // large.
  record.stamp = stampOf(header);
  record.subjects.resize(header.subject_count);
  record.joints.resize(parts == PoseParts::palette ? 0 : header.joint_count);
  record.world_from_bind.resize(parts == PoseParts::joints ? 0 : header.matrix_count);
  load(slot + layout_.subjects_offset, record.subjects.data(),
       record.subjects.size() * sizeof(PoseSubject));
  load(slot + layout_.joints_offset, record.joints.data(),
       record.joints.size() * sizeof(PoseJoint));
  load(slot + layout_.matrices_offset, record.world_from_bind.data(),
       record.world_from_bind.size() * sizeof(glm::mat4));
  return word(slot).load(std::memory_order_relaxed) == 2 * number;
}

bool PoseRing::readStamp(std::uint32_t number, core::Stamp& stamp) const {
  if (number == 0) return false;
  std::byte* slot = slotOf(number);
  if (word(slot).load(std::memory_order_acquire) != 2 * number) return false;
  PoseSlotHeader header{};
  load(slot + kLockBytes, reinterpret_cast<std::byte*>(&header) + kLockBytes,
       sizeof header - kLockBytes);
  if (word(slot).load(std::memory_order_relaxed) != 2 * number) return false;
  stamp = stampOf(header);
  return true;
}

PoseRecord PoseRing::makeRecord() const {
  PoseRecord record;
  record.subjects.reserve(capacity_.subjects);
  record.joints.reserve(capacity_.joints);
  record.world_from_bind.reserve(capacity_.matrices);
  return record;
}

}  // namespace understudy::anim
