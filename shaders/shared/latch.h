#ifndef UNDERSTUDY_SHADERS_SHARED_LATCH_H
#define UNDERSTUDY_SHADERS_SHARED_LATCH_H
#include "shaders/shared/frame.h"
#ifdef __cplusplus
namespace understudy::shaders {
#endif

const uint kLatchThreads = 256;  ///< One workgroup.
const uint kLatchTries = 8;      ///< Before a pose that is always overwritten is given up.
const uint kNoPlace = 0xffffffffu;

/// The flesh that one joint moves, in the bind pose, metres.
struct JointFlesh {
  vec3 centre;   ///< Of a ball around every vertex that the joint has a share in.
  float reach;   ///< The ball's radius; negative where the joint moves nothing.
  vec3 from;     ///< Axis of a round stick like the vertices it owns.
  float radius;  ///< The stick's radius; 0 where it owns too few.
  vec3 to;
};

/// One performer of the cast. Its palette has its own place in the frame's palettes.
struct CastMember {
  device_address flesh;  ///< JointFlesh[joint_count].
  uint first_joint;      ///< In the frame's palettes.
  uint joint_count;
};

/// What the host says of a frame before its pose is known.
struct LatchInput {
  device_address poses;    ///< A ring as in pose_ring.h, 16-byte aligned.
  device_address cameras;  ///< A ring whose first subject's first joint is the tracked camera.
  uint follow_camera;      ///< 1 = the view is the tracked camera's, 0 = the one in `frame`.
  uint member_count;       ///< Of the cast.
  uint joint_count;        ///< Of all members together.
  uint shadow_size_px;
  uint seen_low;   ///< When the picture will be seen, nanoseconds of the clock of Stamp::exposed;
  uint seen_high;  ///< 0 = show the pose as it was exposed.
  mat4 clip_from_view;  ///< Of the tracked camera.
  vec2 tangents;        ///< Of half its view, to the right and up.
  vec2 reserved;
  vec3 light_right;  ///< Axes of the shadow map.
  float reserved_right;
  vec3 light_up;
  float reserved_up;
  FrameUniforms frame;  ///< What depends on the pose is overwritten.
};

/// Which pose a frame shows; read by the host when the frame has finished.
struct LatchRecord {
  uint number;         ///< Of the publication; 0 = there was none.
  uint camera_number;  ///< Of the tracked camera's; 0 = none.
  uint sequence_low;   ///< Stamp::sequence.
  uint sequence_high;
  uint exposed_low;  ///< Stamp::exposed.
  uint exposed_high;
  uint tries;      ///< Times that the pose was read until it was whole.
  uint abandoned;  ///< 1 = it never was: nobody is shown.
};

struct LatchPush {
  device_address frame;      ///< LatchInput.
  device_address members;    ///< CastMember[member_count].
  device_address owners;     ///< Per joint of the palettes: the member it belongs to.
  device_address palettes;   ///< JointRows[joint_count], written.
  device_address bounds;     ///< PerformerBounds[member_count], written.
  device_address occluders;  ///< Occluder[joint_count], written.
  device_address uniforms;   ///< FrameUniforms, written.
  device_address record;     ///< LatchRecord, written.
};

#ifdef __cplusplus
static_assert(sizeof(JointFlesh) == 44 && sizeof(CastMember) == 16 && sizeof(LatchRecord) == 32);
static_assert(sizeof(LatchInput) == 40 + 64 + 16 + 32 + sizeof(FrameUniforms));
static_assert(sizeof(LatchPush) == 64);
}  // namespace understudy::shaders
#endif
#endif
