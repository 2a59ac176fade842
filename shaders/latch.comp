#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/character.h"
#include "shaders/shared/latch.h"
#include "shaders/shared/pose_ring.h"

// The frame's first pass, one workgroup: takes the newest whole pose and the tracked camera from
// memory that the capture thread writes, and makes of them what the other passes read: palettes,
// bounds, occluders, the fit of the shadow map and the view.
layout(local_size_x = 256) in;

// Volatile: the host writes while we read; PoseSlotHeader::lock tells.
layout(buffer_reference, std430, buffer_reference_align = 16) volatile readonly buffer RingWords {
  uint at[];
};
layout(buffer_reference, std430, buffer_reference_align = 16) volatile readonly buffer RingRows {
  vec4 at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 8) readonly buffer Input {
  LatchInput at;
};
layout(buffer_reference, scalar, buffer_reference_align = 8) readonly buffer Members {
  CastMember at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Owners { uint at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Flesh {
  JointFlesh at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer Palettes {
  JointRows at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Bounds {
  PerformerBounds at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Occluders {
  Occluder at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Uniforms {
  FrameUniforms at;
};
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Record {
  LatchRecord at;
};
layout(push_constant, scalar) uniform Push { LatchPush push; };

// Offsets inside a ring, in words of 4 bytes from its start; see pose_ring.h.
const uint kWordSlotCount = 1, kWordSlots = 2, kWordSlotBytes = 3, kWordSubjects = 4,
           kWordJoints = 5, kWordMatrices = 6;
// Inside a slot's header.
const uint kWordLock = 0, kWordSequence = 2, kWordExposed = 4, kWordSubjectCount = 9,
           kWordAheadUs = 12;
const uint kSubjectWords = 8;

/// Where casters lie, for the shadow map (axes of the light) and the contact map (floor).
struct CasterBox {
  vec3 low;
  vec3 high;
  vec2 floor_low;
  vec2 floor_high;
};

shared uint shared_number;
shared uint shared_slot;  // First word of the slot.
shared uvec2 shared_sequence;
shared uvec2 shared_exposed;
shared bool shared_whole;
shared float shared_ahead;  // Share of the way to the palette ahead.
shared uint first_matrix[kMostPerformers];  // kNoPlace = hidden.
shared uint first_ahead[kMostPerformers];   // kNoPlace = there is none.
shared float presence[kMostPerformers];
shared bool spoilt[kMostPerformers];
shared CasterBox boxes[kMostPerformers];

/// Seconds from one 64-bit count of nanoseconds to another, right to a microsecond in between
/// -1000 and 1000 seconds.
float secondsBetween(uvec2 from, uvec2 to) {
  uint borrow;
  const uint low = usubBorrow(to.x, from.x, borrow);
  const uint high = to.y - from.y - borrow;
  return (float(int(high)) * 4294967296.0 + float(low)) * 1e-9;
}

/// First word of the slot of publication `n`, counted from 0.
uint slotOf(RingWords ring, uint n) {
  const uint place = n % max(ring.at[kWordSlotCount], 1u);
  return (ring.at[kWordSlots] + place * ring.at[kWordSlotBytes]) / 4u;
}

/// Picks a slot; one thread.
void choose(RingWords ring, Input frame) {
  shared_number = ring.at[0];
  shared_whole = false;
  const uint n = max(shared_number, 1u) - 1u;
  shared_slot = slotOf(ring, n);
  if (shared_number == 0u || ring.at[shared_slot + kWordLock] != 2u * shared_number) return;
  shared_whole = true;
  const uint header = shared_slot;
  shared_sequence = uvec2(ring.at[header + kWordSequence], ring.at[header + kWordSequence + 1u]);
  shared_exposed = uvec2(ring.at[header + kWordExposed], ring.at[header + kWordExposed + 1u]);
  const uint seen_low = frame.at.seen_low, seen_high = frame.at.seen_high;
  const float ahead = float(ring.at[shared_slot + kWordAheadUs]) * 1e-6;
  shared_ahead = 0.0;
  if ((seen_low | seen_high) != 0u && ahead > 0.0) {
    const float passed = secondsBetween(shared_exposed, uvec2(seen_low, seen_high));
    shared_ahead = clamp(passed / ahead, 0.0, 1.0);
  }
}

/// Looks up one performer's share of the slot; one thread each.
void lookUp(RingWords ring, uint member, uint joint_count) {
  first_matrix[member] = kNoPlace;
  first_ahead[member] = kNoPlace;
  presence[member] = 0.0;
  spoilt[member] = false;
  if (member >= ring.at[shared_slot + kWordSubjectCount]) return;
  const uint subject = shared_slot + ring.at[kWordSubjects] / 4u + member * kSubjectWords;
  presence[member] = clamp(uintBitsToFloat(ring.at[subject + 5u]), 0.0, 1.0);
  if (ring.at[subject + 3u] != joint_count || !(presence[member] > 0.0)) return;
  const uint matrices = (shared_slot + ring.at[kWordMatrices] / 4u) / 4u;
  first_matrix[member] = matrices + 4u * ring.at[subject + 2u];
  if (ring.at[subject + 7u] == joint_count && shared_ahead > 0.0) {
    first_ahead[member] = matrices + 4u * ring.at[subject + 6u];
  }
}

/// A joint's matrix, moved on to when the picture will be seen. Turned about the flesh's middle, so
/// that limbs keep their thickness.
mat4 matrixOf(RingRows rows, uint member, uint joint, vec3 centre) {
  const uint first = first_matrix[member] + 4u * joint;
  mat4 now = mat4(rows.at[first], rows.at[first + 1u], rows.at[first + 2u], rows.at[first + 3u]);
  if (first_ahead[member] == kNoPlace) return now;
  const uint later = first_ahead[member] + 4u * joint;
  const mat4 ahead =
      mat4(rows.at[later], rows.at[later + 1u], rows.at[later + 2u], rows.at[later + 3u]);
  const vec4 at = vec4(centre, 1.0);
  const vec3 middle = mix((now * at).xyz, (ahead * at).xyz, shared_ahead);
  for (int i = 0; i < 3; ++i) {
    const vec3 axis = mix(now[i].xyz, ahead[i].xyz, shared_ahead);
    const float size = mix(length(now[i].xyz), length(ahead[i].xyz), shared_ahead);
    now[i] = vec4(axis * (size / max(length(axis), 1e-12)), 0.0);
  }
  now[3] = vec4(middle - mat3(now) * centre, 1.0);
  return now;
}

void copyPalettes(Input frame, Members members) {
  RingRows rows = RingRows(frame.at.poses);
  Owners owners = Owners(push.owners);
  Palettes palettes = Palettes(push.palettes);
  for (uint i = gl_LocalInvocationIndex; i < frame.at.joint_count; i += kLatchThreads) {
    const uint member = owners.at[i];
    const uint joint = i - members.at[member].first_joint;
    JointRows packed;
    packed.row[0] = packed.row[1] = packed.row[2] = vec4(0.0);
    if (first_matrix[member] != kNoPlace) {
      const vec3 centre = Flesh(members.at[member].flesh).at[joint].centre;
      const mat4 m = transpose(matrixOf(rows, member, joint, centre));
      packed.row[0] = m[0];
      packed.row[1] = m[1];
      packed.row[2] = m[2];
      // One bad pose must not spoil the light of the whole stage; also false for what is no number.
      const vec4 sum = abs(m[0]) + abs(m[1]) + abs(m[2]);
      if (!(sum.x + sum.y + sum.z + sum.w < 1e6)) spoilt[member] = true;
    }
    palettes.at[i] = packed;
  }
}

vec3 inLight(Input frame, vec3 p) {
  return vec3(dot(p, frame.at.light_right), dot(p, frame.at.light_up),
              -dot(p, frame.at.frame.to_key));
}

/// Where a performer is and what of it darkens the floor; one thread each.
void measure(Input frame, CastMember member, uint index) {
  Palettes palettes = Palettes(push.palettes);
  Flesh flesh = Flesh(member.flesh);
  Occluders occluders = Occluders(push.occluders);
  vec3 low = vec3(1e30), high = vec3(-1e30);
  CasterBox box = CasterBox(vec3(1e30), vec3(-1e30), vec2(1e30), vec2(-1e30));
  uint sticks = 0;
  const bool shown = first_matrix[index] != kNoPlace && !spoilt[index];
  for (uint joint = 0; joint < (shown ? member.joint_count : 0u); ++joint) {
    const JointFlesh shape = flesh.at[joint];
    if (shape.reach < 0.0) continue;
    const JointRows m = palettes.at[member.first_joint + joint];
    const mat3 linear = transpose(mat3(m.row[0].xyz, m.row[1].xyz, m.row[2].xyz));
    const vec3 shift = vec3(m.row[0].w, m.row[1].w, m.row[2].w);
    const float scale = max(max(length(linear[0]), length(linear[1])), length(linear[2]));
    const vec3 centre = linear * shape.centre + shift;
    const float radius = shape.reach * scale;
    low = min(low, centre - radius);
    high = max(high, centre + radius);
    const vec3 lit = inLight(frame, centre);
    box.low = min(box.low, lit - radius);
    box.high = max(box.high, lit + radius);
    box.floor_low = min(box.floor_low, centre.xz - radius);
    box.floor_high = max(box.floor_high, centre.xz + radius);
    if (shape.radius <= 0.0) continue;
    Occluder stick;
    stick.from = linear * shape.from + shift;
    stick.to = linear * shape.to + shift;
    stick.radius = shape.radius * scale;
    stick.strength = 0.75 * presence[index];
    // What is thin or far above the floor takes no light from it.
    const float height = max(min(stick.from.y, stick.to.y), 0.0);
    if (stick.radius < 0.12 * height || stick.radius < 0.015) continue;
    occluders.at[member.first_joint + sticks++] = stick;
  }
  boxes[index] = box;
  PerformerBounds around;
  around.center = shown ? 0.5 * (low + high) : vec3(0.0);
  around.radius = shown ? 0.5 * length(high - low) : 0.0;
  around.first_occluder = member.first_joint;
  around.occluder_count = sticks;
  Bounds(push.bounds).at[index] = around;
}

/// Fits the shadow map around the casters. The side grows in steps of a quarter metre and the map
/// moves by whole texels, so that shadow edges do not swim. Depth reaches down to the floor (y = 0)
/// under the whole map.
void fitShadow(Input frame, CasterBox box, inout FrameUniforms uniforms) {
  const float kStep = 0.25, kMargin = 0.15;
  const vec3 right = frame.at.light_right, up = frame.at.light_up, to_key = uniforms.to_key;
  const float size = max(box.high.x - box.low.x, box.high.y - box.low.y) + 2.0 * kMargin;
  const float metres = ceil(size / kStep) * kStep;
  const float texel = metres / float(frame.at.shadow_size_px);
  const vec2 middle = floor((box.low.xy + box.high.xy) * 0.5 / texel) * texel;
  float far = box.high.z;
  for (int i = 0; i < 4; ++i) {
    const vec2 corner = middle + vec2((i & 1) == 0 ? -0.5 : 0.5, i < 2 ? -0.5 : 0.5) * metres;
    // The floor where right * x + up * y - to_key * depth has height 0.
    far = max(far, (right.y * corner.x + up.y * corner.y) / max(to_key.y, 0.05));
  }
  const float near = box.low.z - kMargin;
  const float range = far + kMargin - near;
  mat4 m;
  for (int axis = 0; axis < 3; ++axis) {
    m[axis] = vec4(right[axis] / metres, up[axis] / metres, -to_key[axis] / range, 0.0);
  }
  m[3] = vec4(0.5 - middle.x / metres, 0.5 - middle.y / metres, -near / range, 1.0);
  uniforms.shadow_from_world = m;
  uniforms.shadow_metres = max(metres, 1.0);
  uniforms.shadow_range = range;
}

/// The axes of a turned body, from its quaternion x, y, z, w.
mat3 axesOf(vec4 q) {
  const vec3 square = 2.0 * q.xyz * q.xyz;
  const vec3 mixed = 2.0 * q.xyz * q.yzx;  // xy, yz, zx.
  const vec3 turned = 2.0 * q.w * q.xyz;
  return mat3(1.0 - square.y - square.z, mixed.x + turned.z, mixed.z - turned.y,
              mixed.x - turned.z, 1.0 - square.x - square.z, mixed.y + turned.x,
              mixed.z + turned.y, mixed.y - turned.x, 1.0 - square.x - square.y);
}

/// The view of the tracked camera, which looks along its -Z axis, +Y up. Returns the publication
/// that it was taken from; 0 = none, the view stays as it was.
uint followCamera(Input frame, inout FrameUniforms uniforms) {
  if (frame.at.follow_camera == 0u) return 0u;
  RingWords words = RingWords(frame.at.cameras);
  RingRows rows = RingRows(frame.at.cameras);
  for (uint i = 0; i < kLatchTries; ++i) {
    const uint number = words.at[0];
    if (number == 0u) return 0u;
    const uint slot = slotOf(words, number - 1u);
    if (words.at[slot + kWordLock] != 2u * number) continue;
    const uint joint = (slot + words.at[kWordJoints] / 4u) / 4u;
    const vec4 q = rows.at[joint];
    const vec3 eye = rows.at[joint + 1u].xyz;
    if (words.at[slot + kWordLock] != 2u * number) continue;
    const float size = dot(q, q);
    if (!(size > 0.5 && size < 2.0 && dot(abs(eye), vec3(1.0)) < 1e6)) return 0u;
    const mat3 axes = axesOf(q);
    mat4 view_from_world = mat4(transpose(axes));
    view_from_world[3] = vec4(-(transpose(axes) * eye), 1.0);
    uniforms.clip_from_world = frame.at.clip_from_view * view_from_world;
    uniforms.eye = eye;
    uniforms.view_right = axes[0] * frame.at.tangents.x;
    uniforms.view_up = axes[1] * frame.at.tangents.y;
    uniforms.view_forward = -axes[2];
    uniforms.pixel_tangent = 2.0 * frame.at.tangents.y / uniforms.size_px.y;
    return number;
  }
  return 0u;
}

/// Writes what all passes know and what the host is told; one thread.
void finish(RingWords ring, Input frame, uint tries) {
  FrameUniforms uniforms = frame.at.frame;
  CasterBox box = CasterBox(vec3(1e30), vec3(-1e30), vec2(1e30), vec2(-1e30));
  for (uint i = 0; i < frame.at.member_count; ++i) {
    box.low = min(box.low, boxes[i].low);
    box.high = max(box.high, boxes[i].high);
    box.floor_low = min(box.floor_low, boxes[i].floor_low);
    box.floor_high = max(box.floor_high, boxes[i].floor_high);
    uniforms.presence[i] = spoilt[i] ? 0.0 : presence[i];
  }
  uniforms.performer_count = frame.at.member_count;
  if (box.low.x > box.high.x) {
    uniforms.shadow_taps = 0u;
    uniforms.contact_scale = 0.0;
  } else {
    fitShadow(frame, box, uniforms);
    const vec2 extent = box.floor_high - box.floor_low;
    const float side = max(extent.x, extent.y) + 0.8;
    uniforms.contact_origin = 0.5 * (box.floor_low + box.floor_high) - 0.5 * side;
    uniforms.contact_scale = 1.0 / side;
  }
  LatchRecord record = LatchRecord(0u, 0u, 0u, 0u, 0u, 0u, tries, 0u);
  record.camera_number = followCamera(frame, uniforms);
  if (shared_whole) {
    record.number = shared_number;
    record.sequence_low = shared_sequence.x;
    record.sequence_high = shared_sequence.y;
    record.exposed_low = shared_exposed.x;
    record.exposed_high = shared_exposed.y;
  } else if (shared_number != 0u) {
    record.abandoned = 1u;
  }
  uniforms.sequence = record.sequence_low;
  Uniforms(push.uniforms).at = uniforms;
  Record(push.record).at = record;
}

void main() {
  const uint thread = gl_LocalInvocationIndex;
  Input frame = Input(push.frame);
  Members members = Members(push.members);
  RingWords ring = RingWords(frame.at.poses);
  const uint member_count = frame.at.member_count;
  uint tries = 0;
  bool whole = false;
  while (!whole && tries < kLatchTries) {
    ++tries;
    if (thread == 0u) choose(ring, frame);
    barrier();
    if (shared_number == 0u) break;
    if (thread < member_count && shared_whole) lookUp(ring, thread, members.at[thread].joint_count);
    barrier();
    if (shared_whole) copyPalettes(frame, members);
    barrier();
    if (thread == 0u && ring.at[shared_slot + kWordLock] != 2u * shared_number) {
      shared_whole = false;
    }
    barrier();
    whole = shared_whole;
    barrier();
  }
  if (!whole && thread < member_count) {
    first_matrix[thread] = kNoPlace;
    presence[thread] = 0.0;
    spoilt[thread] = false;
  }
  memoryBarrierBuffer();
  barrier();
  // All vertices of who is hidden fall into one point: nothing is drawn.
  Owners owners = Owners(push.owners);
  for (uint i = thread; i < frame.at.joint_count; i += kLatchThreads) {
    const uint member = owners.at[i];
    if (first_matrix[member] != kNoPlace && !spoilt[member]) continue;
    JointRows none;
    none.row[0] = none.row[1] = none.row[2] = vec4(0.0);
    Palettes(push.palettes).at[i] = none;
  }
  if (thread < member_count) measure(frame, members.at[thread], thread);
  barrier();
  if (thread == 0u) finish(ring, frame, tries);
}
