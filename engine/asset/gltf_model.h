#pragma once

#include <tiny_gltf.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace understudy::asset {

/// A glTF file after tinygltf's parser and our checks: every index points at something, every
/// accessor lies inside its buffer, the nodes form trees. Readers need not check these again.
struct GltfModel {
  tinygltf::Model model;
  std::string path;                      ///< Stands in messages.
  std::vector<std::string> image_files;  ///< Per image: the encoded file if it is not in a buffer.
  std::vector<int> parents;              ///< Per node: its parent node or -1.
  std::vector<int> order;                ///< Nodes of the shown scene, parents first.
  std::vector<std::string> warnings;
};

/// Reads and checks a .glb, .gltf or .vrm file.
core::Result<GltfModel> loadGltfModel(const std::filesystem::path& path);

/// The same from bytes in memory; external files are looked for in `folder`.
core::Result<GltfModel> readGltfModel(std::string bytes, const std::string& name,
                                      const std::string& folder);

/// Number of numbers in one element of the accessor: 1 for SCALAR, 16 for MAT4.
std::size_t componentsOf(const tinygltf::Accessor& accessor);

/// The encoded bytes of an image, empty if its file was not found.
std::string_view imageBytes(const GltfModel& gltf, int image);

/// All elements of an accessor, component after component. Normalised integers become [0, 1] or
/// [-1, 1]; sparse substitutions are made.
std::vector<float> readFloats(const tinygltf::Model& model, int accessor);

/// The same for integers as they are stored; floats are cut to 0.
std::vector<std::uint32_t> readIntegers(const tinygltf::Model& model, int accessor);

}  // namespace understudy::asset
