#pragma once

#include <string>
#include <vector>

#include "engine/asset/gltf_model.h"

namespace understudy::asset {

/// One buffer view as EXT_meshopt_compression tells it.
struct PackedView {
  std::size_t view = 0;    ///< Index of the buffer view whose bytes these are.
  std::size_t buffer = 0;  ///< Where the packed bytes lie.
  std::size_t offset = 0, length = 0, stride = 0, count = 0;
  std::string mode = "ATTRIBUTES", filter = "NONE";
};

/// Takes the extension out of a .glb's or .gltf's JSON: buffers that are only a place for unpacked
/// bytes become one byte long, so that the parser does not look for them. `bytes` is rewritten only
/// where the file uses the extension; else the list is empty. Fails on JSON that cannot be read
/// and on numbers that make no sense. `name` stands in messages.
core::Result<std::vector<PackedView>> takePackedViews(std::string& bytes, const std::string& name);

/// Unpacks the views into buffers of their own, appended to the model's. Everything is checked
/// against the buffers' true sizes; no file unpacks into more than 512 MiB.
core::Result<void> unpackViews(const std::vector<PackedView>& packed, GltfModel& gltf);

}  // namespace understudy::asset
