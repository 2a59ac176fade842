// The memory of anim::PoseRing, read by C++ and GLSL alike (std430 and scalar layout agree).
//
//   PoseRingHeader                                   at 0
//   slot 0, slot 1 ... slot (slot_count - 1)         at slots_offset + i * slot_bytes
//
// and in each slot, offsets from its start:
//
//   PoseSlotHeader                                   at 0
//   PoseSubject[subject_capacity]                    at subjects_offset
//   PoseJoint[joint_capacity]                        at joints_offset
//   mat4[matrix_capacity]   world_from_bind          at matrices_offset
//
// Publications are numbered from 1; number n lies in slot (n - 1) % slot_count. To read it: load
// `lock`, which must be 2n; read the content; load `lock` again: if it is still 2n the content is
// whole. A reader that starts from `newest` has 63 publications of time.
#ifndef UNDERSTUDY_SHADERS_SHARED_POSE_RING_H
#define UNDERSTUDY_SHADERS_SHARED_POSE_RING_H

#include "shaders/shared/types.h"

#ifdef __cplusplus
namespace understudy::shaders {
#endif

// All offsets and sizes in bytes.
struct PoseRingHeader {
  uint newest;  // Number of the newest publication; 0 = none yet.
  uint slot_count;
  uint slots_offset;
  uint slot_bytes;
  uint subjects_offset;
  uint joints_offset;
  uint matrices_offset;
  uint subject_capacity;
  uint joint_capacity;
  uint matrix_capacity;
  uint reserved[6];
};

struct PoseSlotHeader {
  uint lock;  // 2n - 1 while publication n is written, 2n when it is whole.
  uint reserved;
  uint sequence_low;  // Stamp::sequence.
  uint sequence_high;
  uint exposed_low;  // Stamp::exposed, nanoseconds, a signed 64-bit number.
  uint exposed_high;
  uint clock_domain;   // Stamp::domain.
  uint timecode;       // Hours, minutes, seconds, frames: one byte each, hours lowest.
  uint timecode_rate;  // Rate; bit 8 = drop frame.
  uint subject_count;
  uint joint_count;
  uint matrix_count;
  uint ahead_us;  // From the pose to the palettes ahead.
  uint reserved_end[3];
};

// One performer's share of the slot's joints and matrices.
struct PoseSubject {
  uint first_joint;
  uint joint_count;
  uint first_matrix;
  uint matrix_count;
  uint tracked;             // 0: held, not solved.
  float presence;           // Share of it that is shown: 1 = whole, 0 = nothing.
  uint first_ahead_matrix;  // Where its palette is expected PoseSlotHeader::ahead_us later.
  uint ahead_matrix_count;  // 0 = nobody said.
};

// One joint against its parent, and how it moves.
struct PoseJoint {
  vec4 rotation;          // Quaternion x, y, z, w.
  vec4 translation;       // w unused.
  vec4 angular_velocity;  // Parent's frame, rad/s; w unused.
  vec4 velocity;          // Of the translation, m/s; w unused.
};

#ifdef __cplusplus
static_assert(sizeof(PoseRingHeader) == 64);
static_assert(sizeof(PoseSlotHeader) == 64);
static_assert(sizeof(PoseSubject) == 32);
static_assert(sizeof(PoseJoint) == 64);
}  // namespace understudy::shaders
#endif

#endif
