#pragma once

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace understudy::test {

/// Puts a .glb together in memory: JSON by hand, binary data by accessor.
struct GlbBuilder {
  nlohmann::json json = {{"asset", {{"version", "2.0"}}}};
  std::string binary;

  /// Appends the values as a buffer view and an accessor of the type; returns the accessor's index.
  template <class T>
  int accessor(const std::vector<T>& values, int component_type, const std::string& type,
               std::size_t components, bool normalized = false) {
    json["accessors"].push_back({{"bufferView", view(values)},
                                 {"componentType", component_type},
                                 {"type", type},
                                 {"count", values.size() / components},
                                 {"normalized", normalized}});
    return static_cast<int>(json["accessors"].size()) - 1;
  }

  template <class T>
  int view(const std::vector<T>& values) {
    while (binary.size() % 4 != 0) binary += '\0';
    const std::size_t offset = binary.size();
    const std::size_t bytes = values.size() * sizeof(T);
    binary.resize(offset + bytes);
    if (bytes > 0) std::memcpy(binary.data() + offset, values.data(), bytes);
    json["bufferViews"].push_back({{"buffer", 0}, {"byteOffset", offset}, {"byteLength", bytes}});
    return static_cast<int>(json["bufferViews"].size()) - 1;
  }

  std::string bytes() const {
    nlohmann::json whole = json;
    std::string data = binary;
    while (data.size() % 4 != 0) data += '\0';
    if (!data.empty()) whole["buffers"] = nlohmann::json::array({{{"byteLength", data.size()}}});
    std::string text = whole.dump();
    while (text.size() % 4 != 0) text += ' ';
    std::string file = "glTF";
    const auto put = [&](std::uint32_t value) {
      file.append(reinterpret_cast<const char*>(&value), 4);
    };
    put(2);
    put(static_cast<std::uint32_t>(20 + text.size() + (data.empty() ? 0 : 8 + data.size())));
    put(static_cast<std::uint32_t>(text.size()));
    put(0x4E4F534A);
    file += text;
    if (!data.empty()) {
      put(static_cast<std::uint32_t>(data.size()));
      put(0x004E4942);
      file += data;
    }
    return file;
  }
};

}  // namespace understudy::test
