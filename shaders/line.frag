#version 460
layout(location = 0) in vec4 color;
layout(location = 1) in vec2 across_px;
layout(location = 0) out vec4 out_color;

void main() {
  const float cover = clamp(across_px.y + 0.5 - abs(across_px.x), 0.0, 1.0);
  out_color = vec4(color.rgb, color.a * cover);
}
