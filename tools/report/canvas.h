#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace understudy::report {

/// sRGB, with how much it covers what is below: 0 to 1.
struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  float cover = 1.0f;
};

/// A picture to draw on, with smooth edges. Pixel (0, 0) is the upper left corner, the first centre
/// (0.5, 0.5); what lies outside is cut off.
class Canvas {
 public:
  Canvas(std::uint32_t width_px, std::uint32_t height_px, Colour ground);

  void disc(float x_px, float y_px, float radius_px, Colour colour);
  /// `width_px` is that of the line; `dashes` > 0 leaves out every other of so many arcs.
  void ring(float x_px, float y_px, float radius_px, float width_px, Colour colour, int dashes = 0);
  /// A diagonal cross of two lines.
  void cross(float x_px, float y_px, float radius_px, float width_px, Colour colour);
  void rectangle(float x_px, float y_px, float width_px, float height_px, Colour colour);
  void blend(std::int32_t x, std::int32_t y, Colour colour, float cover = 1.0f);
  /// One line of text whose base line begins here; where it ends in x. In DejaVu Sans where that
  /// is installed, else in plain strokes.
  float text(float x_px, float y_px, float height_px, const std::string& text, Colour colour);

  std::uint32_t width() const { return width_; }
  std::uint32_t height() const { return height_; }
  /// 4 bytes a pixel, rows from the top.
  std::span<const std::uint8_t> rgba() const { return pixels_; }

 private:
  std::uint32_t width_, height_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace understudy::report
