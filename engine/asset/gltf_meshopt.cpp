#include "engine/asset/gltf_meshopt.h"

#include <fmt/format.h>
#include <meshoptimizer.h>

#include <algorithm>
#include <cstring>
#include <json.hpp>

namespace understudy::asset {
namespace {

using Json = nlohmann::json;

constexpr const char* kExtension = "EXT_meshopt_compression";
constexpr std::size_t kMaxUnpacked = std::size_t{512} << 20;
constexpr std::size_t kHeader = 12, kChunkHeader = 8;

std::uint32_t wordAt(const std::string& bytes, std::size_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data() + offset, 4);
  return word;
}

void putWord(std::string& bytes, std::size_t offset, std::size_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  std::memcpy(bytes.data() + offset, &word, 4);
}

std::size_t sizeIn(const Json& object, const char* key, std::size_t otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::size_t>()
                                                              : otherwise;
}

std::string textIn(const Json& object, const char* key, const char* otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

const Json* extensionOf(const Json& object) {
  if (!object.is_object()) return nullptr;
  const auto extensions = object.find("extensions");
  if (extensions == object.end() || !extensions->is_object()) return nullptr;
  const auto found = extensions->find(kExtension);
  return found != extensions->end() && found->is_object() ? &*found : nullptr;
}

/// Buffers that hold nothing yet need bytes of some kind for the parser.
void fillFallbackBuffers(Json& json) {
  if (!json.contains("buffers") || !json["buffers"].is_array()) return;
  for (Json& buffer : json["buffers"]) {
    const Json* extension = extensionOf(buffer);
    if (extension == nullptr || buffer.contains("uri")) continue;
    if (!extension->value("fallback", Json(false)).is_boolean()) continue;
    if (!extension->value("fallback", Json(false)).get<bool>()) continue;
    buffer["byteLength"] = 1;
    buffer["uri"] = "data:application/octet-stream;base64,AA==";
  }
}

bool isIndexMode(const PackedView& view) {
  return view.mode == "TRIANGLES" || view.mode == "INDICES";
}

/// Empty if the numbers agree with the extension's rules, else what is wrong.
std::string faultOf(const PackedView& view) {
  if (view.mode == "ATTRIBUTES") {
    if (view.stride == 0 || view.stride > 256 || view.stride % 4 != 0) return "has a bad stride";
  } else if (isIndexMode(view)) {
    if (view.stride != 2 && view.stride != 4) return "has a bad stride";
    if (view.mode == "TRIANGLES" && view.count % 3 != 0) return "ends within a triangle";
    if (view.filter != "NONE") return "filters indices";
  } else {
    return "is packed in an unknown way";
  }
  if (view.filter == "OCTAHEDRAL" && view.stride != 4 && view.stride != 8) {
    return "has a bad stride";
  }
  if (view.filter == "QUATERNION" && view.stride != 8) return "has a bad stride";
  static constexpr std::string_view kFilters[] = {"NONE", "OCTAHEDRAL", "QUATERNION",
                                                  "EXPONENTIAL"};
  if (std::find(std::begin(kFilters), std::end(kFilters), view.filter) == std::end(kFilters)) {
    return "has an unknown filter";
  }
  if (view.count == 0 || view.count > kMaxUnpacked / view.stride) return "unpacks into too much";
  return {};
}

bool decode(const PackedView& view, const unsigned char* bytes, unsigned char* unpacked) {
  int failure = 0;
  if (view.mode == "ATTRIBUTES") {
    failure = meshopt_decodeVertexBuffer(unpacked, view.count, view.stride, bytes, view.length);
  } else if (view.mode == "TRIANGLES") {
    failure = meshopt_decodeIndexBuffer(unpacked, view.count, view.stride, bytes, view.length);
  } else {
    failure = meshopt_decodeIndexSequence(unpacked, view.count, view.stride, bytes, view.length);
  }
  if (failure != 0) return false;
  if (view.filter == "OCTAHEDRAL") meshopt_decodeFilterOct(unpacked, view.count, view.stride);
  if (view.filter == "QUATERNION") meshopt_decodeFilterQuat(unpacked, view.count, view.stride);
  if (view.filter == "EXPONENTIAL") meshopt_decodeFilterExp(unpacked, view.count, view.stride);
  return true;
}

}  // namespace

core::Result<std::vector<PackedView>> takePackedViews(std::string& bytes, const std::string& name) {
  const bool binary = bytes.starts_with("glTF") && bytes.size() >= kHeader + kChunkHeader;
  const std::size_t begin = binary ? kHeader + kChunkHeader : 0;
  const std::size_t length =
      binary ? std::min<std::size_t>(wordAt(bytes, kHeader), bytes.size() - begin) : bytes.size();
  std::vector<PackedView> views;
  const std::string_view text(bytes.data() + begin, length);
  if (text.find(kExtension) == std::string_view::npos) return views;
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return views;  // The parser says what is wrong with it.
  if (json.contains("bufferViews") && json["bufferViews"].is_array()) {
    for (std::size_t i = 0; i < json["bufferViews"].size(); ++i) {
      const Json* extension = extensionOf(json["bufferViews"][i]);
      if (extension == nullptr) continue;
      PackedView view{.view = i,
                      .buffer = sizeIn(*extension, "buffer", SIZE_MAX),
                      .offset = sizeIn(*extension, "byteOffset", 0),
                      .length = sizeIn(*extension, "byteLength", 0),
                      .stride = sizeIn(*extension, "byteStride", 0),
                      .count = sizeIn(*extension, "count", 0),
                      .mode = textIn(*extension, "mode", ""),
                      .filter = textIn(*extension, "filter", "NONE")};
      if (const std::string fault = faultOf(view); !fault.empty()) {
        return core::makeError(
            fmt::format("{}: compressed buffer view {} {}; export it again", name, i, fault));
      }
      views.push_back(std::move(view));
    }
  }
  fillFallbackBuffers(json);
  std::string rewritten = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (!binary) {
    bytes = std::move(rewritten);
    return views;
  }
  while (rewritten.size() % 4 != 0) rewritten += ' ';
  bytes.replace(begin, length, rewritten);
  putWord(bytes, kHeader, rewritten.size());
  putWord(bytes, 8, bytes.size());
  return views;
}

core::Result<void> unpackViews(const std::vector<PackedView>& packed, GltfModel& gltf) {
  std::size_t together = 0;
  for (const PackedView& view : packed) {
    const auto error = [&](const char* what) {
      return core::makeError(fmt::format("{}: compressed buffer view {} {}; export it again",
                                         gltf.path, view.view, what));
    };
    if (view.view >= gltf.model.bufferViews.size() || view.buffer >= gltf.model.buffers.size()) {
      return error("names a buffer that does not exist");
    }
    const std::vector<unsigned char>& source = gltf.model.buffers[view.buffer].data;
    if (view.offset > source.size() || view.length > source.size() - view.offset) {
      return error("reaches beyond its buffer");
    }
    together += view.count * view.stride;
    if (together > kMaxUnpacked) return error("and those before it unpack into more than 512 MiB");
    tinygltf::Buffer unpacked;
    unpacked.data.resize(view.count * view.stride);
    if (!decode(view, source.data() + view.offset, unpacked.data.data())) {
      return error("is damaged");
    }
    tinygltf::BufferView& target = gltf.model.bufferViews[view.view];
    target.buffer = static_cast<int>(gltf.model.buffers.size());
    target.byteOffset = 0;
    target.byteLength = unpacked.data.size();
    target.byteStride = isIndexMode(view) ? 0 : view.stride;
    gltf.model.buffers.push_back(std::move(unpacked));
  }
  return {};
}

}  // namespace understudy::asset
