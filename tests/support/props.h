#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "capture/subject/prop.h"

namespace understudy::test {

/// A prop whose markers are called after it and numbered from 1.
inline subject::Subject makeProp(const std::string& name, const std::vector<glm::vec3>& places) {
  std::vector<subject::PropMarker> markers;
  for (const glm::vec3& place : places) {
    markers.push_back({name + std::to_string(markers.size() + 1), place});
  }
  auto prop = subject::makeProp(name, markers);
  REQUIRE_MESSAGE(prop, (prop ? "" : prop.error().message));
  return *std::move(prop);
}

/// Six markers on a thing of half a metre, without any symmetry.
inline std::vector<glm::vec3> unevenPattern() {
  return {{0.00f, 0.00f, 0.00f},  {0.31f, 0.02f, 0.05f},  {0.05f, 0.22f, -0.04f},
          {-0.14f, 0.09f, 0.11f}, {0.12f, -0.08f, 0.17f}, {0.22f, 0.15f, -0.12f}};
}

}  // namespace understudy::test
