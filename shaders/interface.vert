#version 460
// Dear ImGui's vertices are in points of the window.
layout(push_constant) uniform Push {
  vec2 scale;
  vec2 shift;
};
layout(location = 0) in vec2 position;
layout(location = 1) in vec2 uv;
layout(location = 2) in vec4 color;
layout(location = 0) out vec2 out_uv;
layout(location = 1) out vec4 out_color;

void main() {
  out_uv = uv;
  out_color = color;
  gl_Position = vec4(position * scale + shift, 0.0, 1.0);
}
