// Set 0 of all passes that light surfaces.
layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(set = 0, binding = 1) uniform sampler2DShadow key_shadow_map;
layout(set = 0, binding = 2) uniform sampler2D key_depth_map;
layout(set = 0, binding = 3) uniform sampler2D contact_map;
layout(set = 0, binding = 7) uniform sampler2D reflectance_map;
layout(set = 0, binding = 10, scalar) uniform Environment { EnvironmentUniforms environment; };
layout(set = 0, binding = 11) uniform sampler2D environment_map;
