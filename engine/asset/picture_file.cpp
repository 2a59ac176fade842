#include "engine/asset/picture_file.h"

#include <fmt/format.h>
#include <stb/stb_image_write.h>

#include <vector>

namespace understudy::asset {

core::Result<void> savePicture(const std::filesystem::path& path,
                               std::span<const std::uint8_t> rgba, std::uint32_t width_px,
                               std::uint32_t height_px) {
  const std::size_t pixels = std::size_t{width_px} * height_px;
  if (pixels == 0 || rgba.size() < 4 * pixels) {
    return core::makeError(fmt::format("{}: there is no picture to write", path.string()));
  }
  std::vector<std::uint8_t> rgb(3 * pixels);
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      rgb[3 * i + channel] = rgba[4 * i + channel];
    }
  }
  const int written =
      stbi_write_png(path.c_str(), static_cast<int>(width_px), static_cast<int>(height_px), 3,
                     rgb.data(), static_cast<int>(3 * width_px));
  if (written != 0) return {};
  return core::makeError(fmt::format(
      "{}: the picture could not be written; check the folder and the space left", path.string()));
}

}  // namespace understudy::asset
