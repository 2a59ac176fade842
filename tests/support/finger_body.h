#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "capture/subject/anatomy.h"
#include "capture/subject/finger_markers.h"
#include "capture/subject/fingers.h"
#include "tests/support/figure.h"

namespace understudy::test {

/// A set of the assets' marker sets.
inline subject::MarkerSet assetSet(const std::string& name) {
  auto set = subject::loadMarkerSet(std::string(UNDERSTUDY_SOURCE_DIR) + "/assets/markersets/" +
                                    name + ".toml");
  REQUIRE_MESSAGE(set, (set ? "" : set.error().message));
  return *set;
}

/// The invented figure in its T-pose, three markers on each segment, and so many on the fingers of
/// each hand (0, 3, 5 or 10).
inline subject::Subject fingerBody(int markers = 10) {
  const anim::Clip clip = makeFigureClip(1, 60.0);
  subject::Subject body{.name = "figure", .skeleton = clip.skeleton};
  body.humanoid = anim::recogniseHumanoid(body.skeleton);
  body.joints.resize(body.skeleton.size());
  body.joints[0].motion = subject::JointMotion::free;
  subject::setAnatomicalLimits(body);
  const glm::vec3 offsets[] = {
      {0.05f, 0.06f, 0.02f}, {-0.04f, 0.03f, 0.05f}, {0.02f, -0.05f, -0.04f}};
  for (std::size_t j = 0; j < body.skeleton.size(); ++j) {
    for (const glm::vec3& offset : offsets) {
      body.markers.push_back(
          {"body" + std::to_string(body.markers.size()), static_cast<int>(j), offset});
    }
  }
  if (markers == 0) return body;
  const subject::MarkerSet set = assetSet("fingers" + std::to_string(markers));
  std::vector<std::string> names;
  for (const subject::MarkerPlace& place : set.markers) names.push_back(place.name);
  subject::wearFingers(set, names, body);
  return body;
}

}  // namespace understudy::test
