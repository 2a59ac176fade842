#include "capture/camera/rig.h"

namespace understudy::camera {

glm::dvec2 project(const Camera& camera, const glm::dvec3& point_world) {
  const glm::dvec3 p = camera.camera_from_world * point_world;
  const glm::dvec2 distorted = math::distort(camera.lens, {p.x / p.z, p.y / p.z});
  return {camera.fx_px * distorted.x + camera.cx_px, camera.fy_px * distorted.y + camera.cy_px};
}

double depth(const Camera& camera, const glm::dvec3& point_world) {
  return (camera.camera_from_world * point_world).z;
}

glm::dvec2 normalisedFromPixel(const Camera& camera, const glm::dvec2& position_px) {
  return math::undistort(camera.lens, {(position_px.x - camera.cx_px) / camera.fx_px,
                                       (position_px.y - camera.cy_px) / camera.fy_px});
}

glm::dvec3 centreWorld(const Camera& camera) {
  return inverse(camera.camera_from_world).translation;
}

}  // namespace understudy::camera
