#pragma once

#include <fstream>
#include <glm/gtc/constants.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/anim/skeleton.h"

namespace understudy::test {

/// Reads a well-formed BVH file, for tests that need a real skeleton without engine/asset, and as
/// an independent check of it. End sites are left out; lengths are multiplied by `scale`.
inline std::optional<anim::Clip> readPlainBvh(const std::string& path, float scale = 1.0f) {
  std::ifstream file(path);
  anim::Clip clip;
  anim::Skeleton& skeleton = clip.skeleton;
  std::vector<std::vector<std::string>> channels;
  std::vector<int> open;
  std::string word;
  int parent = -1;
  bool site = false;
  while (file >> word && word != "MOTION") {
    if (word == "ROOT" || word == "JOINT") {
      std::getline(file >> std::ws, word);
      while (!word.empty() && (word.back() == '\r' || word.back() == ' ')) word.pop_back();
      skeleton.names.push_back(word);
      skeleton.parents.push_back(parent);
      skeleton.parent_from_joint.emplace_back();
      channels.emplace_back();
    } else if (word == "End") {
      file >> word;
      site = true;
    } else if (word == "{") {
      open.push_back(site ? -2 : static_cast<int>(skeleton.size()) - 1);
      if (!site) parent = open.back();
      site = false;
    } else if (word == "}") {
      if (open.back() != -2) parent = skeleton.parents[static_cast<std::size_t>(open.back())];
      open.pop_back();
    } else if (word == "OFFSET") {
      glm::vec3 offset;
      file >> offset.x >> offset.y >> offset.z;
      if (open.back() != -2) skeleton.parent_from_joint.back().translation = offset * scale;
    } else if (word == "CHANNELS") {
      std::size_t count = 0;
      file >> count;
      channels.back().resize(count);
      for (std::string& channel : channels.back()) file >> channel;
    }
  }
  double seconds = 0;
  file >> word >> clip.frames >> word >> word >> seconds;
  if (!file || skeleton.size() == 0) return std::nullopt;
  clip.rate_hz = 1.0 / seconds;
  for (std::size_t frame = 0; frame < clip.frames; ++frame) {
    for (std::size_t joint = 0; joint < skeleton.size(); ++joint) {
      math::RigidTransform local = skeleton.parent_from_joint[joint];
      for (const std::string& channel : channels[joint]) {
        float value = 0;
        file >> value;
        const int axis = channel[0] - 'X';
        if (channel.ends_with("position")) {
          local.translation[axis] = value * scale;
        } else {
          glm::vec3 direction(0.0f);
          direction[axis] = 1.0f;
          local.rotation = local.rotation * glm::angleAxis(glm::radians(value), direction);
        }
      }
      clip.parent_from_joint.push_back(local);
    }
  }
  if (!file) return std::nullopt;
  return clip;
}

}  // namespace understudy::test
