#pragma once

#include <map>
#include <utility>
#include <vector>

#include "engine/asset/gltf_model.h"
#include "engine/scene/character.h"

namespace understudy::asset {

/// What the expressions of a VRM (0 or 1) say about shapes: by mesh and number of the target, the
/// index in scene::arkitNames(). Only expressions that consist of one shape tell anything.
std::map<std::pair<int, int>, int> expressionsOfVrm(const GltfModel& gltf);

/// Reads the morph targets of a file's primitives. One object for one file: it counts what it
/// reads, so that a file cannot claim endlessly much.
class MorphReader {
 public:
  explicit MorphReader(const GltfModel& gltf) : gltf_(gltf), expressions_(expressionsOfVrm(gltf)) {}

  /// The targets of `primitive`, one of the file's mesh `mesh`, in the character's bind pose.
  /// Vertices that a target leaves where they are do not stand in it. Fails on numbers that are
  /// not finite and on too much of anything.
  core::Result<std::vector<scene::MorphTarget>> read(int mesh, const tinygltf::Primitive& primitive,
                                                     const glm::dmat4& bind_from_mesh);

 private:
  const GltfModel& gltf_;
  std::map<std::pair<int, int>, int> expressions_;
  std::size_t elements_ = 0, deltas_ = 0;
};

}  // namespace understudy::asset
