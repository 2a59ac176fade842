#include "tools/panels/orbit_camera.h"

#include <imgui.h>

#include <algorithm>
#include <cmath>

namespace understudy::panels {

namespace {

glm::vec3 backward(const OrbitCamera& camera) {
  return {std::sin(camera.yaw) * std::cos(camera.pitch), std::sin(camera.pitch),
          std::cos(camera.yaw) * std::cos(camera.pitch)};
}

}  // namespace

void OrbitCamera::move(const PointerInput& input) {
  const bool pan = input.middle || (input.left && input.shift);
  const bool zoom = input.right;
  const bool orbit = input.left && !input.shift && !zoom;
  if (orbit) {
    yaw -= input.delta.x * 0.008f;
    pitch = std::clamp(pitch + input.delta.y * 0.008f, -0.1f, 1.5f);
  }
  if (pan) {
    const glm::vec3 forward = -backward(*this);
    const glm::vec3 right = glm::normalize(glm::cross(forward, glm::vec3(0.0f, 1.0f, 0.0f)));
    const glm::vec3 up = glm::cross(right, forward);
    // The point under the pointer follows it.
    const float metres =
        2.0f * distance * std::tan(0.5f * vertical_fov) / std::max(input.window_height, 1.0f);
    target += (-input.delta.x * right + input.delta.y * up) * metres;
  }
  if (zoom) distance *= std::exp((input.delta.y - input.delta.x) * 0.006f);
  distance = std::clamp(distance * std::exp(-0.12f * input.wheel), 0.2f, 60.0f);
}

scene::View OrbitCamera::view() const {
  glm::vec3 eye = target + distance * backward(*this);
  eye.y = std::max(eye.y, 0.03f);  // Not below the floor.
  return {.eye = eye, .target = target, .vertical_fov = vertical_fov};
}

PointerInput pointerInput() {
  const ImGuiIO& io = ImGui::GetIO();
  PointerInput input{.window_height = io.DisplaySize.y};
  if (io.WantCaptureMouse) return input;
  input.delta = {io.MouseDelta.x, io.MouseDelta.y};
  input.wheel = io.MouseWheel;
  input.left = io.MouseDown[0];
  input.right = io.MouseDown[1];
  input.middle = io.MouseDown[2];
  input.alt = io.KeyAlt;
  input.shift = io.KeyShift;
  return input;
}

}  // namespace understudy::panels
