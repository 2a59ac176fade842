#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace understudy::file {

/// How a VSK joint moves.
enum class VskMotion : std::uint8_t {
  fixed,      ///< JointDummy: an end.
  hinge,      ///< JointHinge: about `axis`.
  universal,  ///< JointHardySpicer: about `axis`, then about `second_axis`.
  ball,       ///< JointBall.
  free,       ///< JointFree: the root.
};

/// A segment of a Vicon skeleton; its frame is the joint at its near end.
struct VskSegment {
  std::string name;
  int parent = -1;                  ///< Parents first; -1 for roots.
  glm::dvec3 position{0.0};         ///< Of the joint in the parent's frame, metres.
  glm::dquat rotation{1, 0, 0, 0};  ///< Rest: parent from segment.
  VskMotion motion = VskMotion::fixed;
  glm::dvec3 axis{1, 0, 0}, second_axis{0, 1, 0};  ///< Unit length.
};

/// A marker of a Vicon skeleton.
struct VskMarker {
  std::string name;
  int segment = 0;           ///< Index in VskFile::segments.
  glm::dvec3 position{0.0};  ///< In the segment's frame, metres.
};

/// A subject as Vicon's programs calibrate it: skeleton and marker places, no motion.
struct VskFile {
  std::vector<VskSegment> segments;
  std::vector<VskMarker> markers;
  std::vector<std::string> warnings;
};

/// Reads the text of a VSK file (XML), as Blade and as Nexus write it: places are numbers or names
/// of the file's own parameters, in millimetres, rotations are rotation vectors. `name` stands in
/// messages; every error names the line where it can. At most kMostVskBytes, 1024 segments and 4096
/// markers are read; segments nest at most 256 deep.
core::Result<VskFile> readVsk(std::string_view text, const std::string& name);

inline constexpr std::size_t kMostVskBytes = std::size_t{16} << 20;

/// Reads a VSK file; see readVsk.
core::Result<VskFile> loadVsk(const std::filesystem::path& path);

}  // namespace understudy::file
