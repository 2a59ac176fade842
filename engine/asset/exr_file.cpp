#include "engine/asset/exr_file.h"

#include <ImfRgbaFile.h>
#include <ImfStandardAttributes.h>
#include <fmt/format.h>

#include <cstring>
#include <exception>
#include <vector>

namespace understudy::asset {

core::Result<void> saveExr(const std::filesystem::path& path, std::span<const std::uint16_t> rgba,
                           std::uint32_t width_px, std::uint32_t height_px) {
  const std::size_t pixels = std::size_t{width_px} * height_px;
  if (pixels == 0 || rgba.size() < 4 * pixels) {
    return core::makeError(fmt::format("{}: there is no picture to write", path.string()));
  }
  static_assert(sizeof(Imf::Rgba) == 4 * sizeof(std::uint16_t));
  std::vector<Imf::Rgba> texels(pixels);
  std::memcpy(static_cast<void*>(texels.data()), rgba.data(), pixels * sizeof(Imf::Rgba));
  // The library throws; its border is here.
  try {
    const int width = static_cast<int>(width_px), height = static_cast<int>(height_px);
    Imf::Header header(width, height, 1.0f, Imath::V2f(0.0f, 0.0f), 1.0f, Imf::INCREASING_Y,
                       Imf::ZIP_COMPRESSION);
    Imf::addChromaticities(header, Imf::Chromaticities());  // Its defaults are Rec. 709.
    Imf::RgbaOutputFile file(path.c_str(), header, Imf::WRITE_RGBA, 1);
    file.setFrameBuffer(texels.data(), 1, width_px);
    file.writePixels(height);
  } catch (const std::exception& exception) {
    return core::makeError(fmt::format(
        "{}: the picture could not be written ({}); check the folder and the space left",
        path.string(), exception.what()));
  }
  return {};
}

}  // namespace understudy::asset
