#include "tools/report/canvas.h"

#include <algorithm>
#include <cmath>

namespace understudy::report {
namespace {

// Calls `paint(x, y, dx, dy)` for every pixel within `reach` of the point.
template <class Paint>
void around(float x_px, float y_px, float reach, const Paint& paint) {
  const auto first = [&](float at) { return static_cast<std::int32_t>(std::floor(at - reach)); };
  const auto last = [&](float at) { return static_cast<std::int32_t>(std::ceil(at + reach)); };
  for (std::int32_t y = first(y_px); y <= last(y_px); ++y) {
    for (std::int32_t x = first(x_px); x <= last(x_px); ++x) {
      paint(x, y, static_cast<float>(x) + 0.5f - x_px, static_cast<float>(y) + 0.5f - y_px);
    }
  }
}

// How much of a pixel lies inside a shape whose edge is this far out.
float inside(float edge) { return std::clamp(edge + 0.5f, 0.0f, 1.0f); }

}  // namespace

Canvas::Canvas(std::uint32_t width_px, std::uint32_t height_px, Colour ground)
    : width_(width_px),
      height_(height_px),
      pixels_(std::size_t{4} * width_px * height_px, std::uint8_t{255}) {
  rectangle(0.0f, 0.0f, static_cast<float>(width_px), static_cast<float>(height_px), ground);
}

void Canvas::blend(std::int32_t x, std::int32_t y, Colour colour, float cover) {
  const float share = std::clamp(colour.cover * cover, 0.0f, 1.0f);
  if (x < 0 || y < 0 || x >= static_cast<std::int32_t>(width_) ||
      y >= static_cast<std::int32_t>(height_) || share <= 0.0f) {
    return;
  }
  std::uint8_t* pixel =
      &pixels_[4 * (static_cast<std::size_t>(y) * width_ + static_cast<std::size_t>(x))];
  const std::uint8_t wanted[3] = {colour.red, colour.green, colour.blue};
  for (int i = 0; i < 3; ++i) {
    const float mixed =
        std::lerp(static_cast<float>(pixel[i]), static_cast<float>(wanted[i]), share);
    pixel[i] = static_cast<std::uint8_t>(std::lround(mixed));
  }
}

void Canvas::disc(float x_px, float y_px, float radius_px, Colour colour) {
  around(x_px, y_px, radius_px + 1.0f, [&](std::int32_t x, std::int32_t y, float dx, float dy) {
    blend(x, y, colour, inside(radius_px - std::hypot(dx, dy)));
  });
}

void Canvas::ring(float x_px, float y_px, float radius_px, float width_px, Colour colour,
                  int dashes) {
  constexpr float kTurn = 6.2831853f;
  around(x_px, y_px, radius_px + width_px + 1.0f,
         [&](std::int32_t x, std::int32_t y, float dx, float dy) {
           const float off = std::abs(std::hypot(dx, dy) - radius_px);
           float share = inside(0.5f * width_px - off);
           if (dashes > 0 && share > 0.0f) {
             const float turn = (std::atan2(dy, dx) / kTurn + 1.0f) * static_cast<float>(dashes);
             if (turn - std::floor(turn) > 0.55f) share = 0.0f;
           }
           blend(x, y, colour, share);
         });
}

void Canvas::cross(float x_px, float y_px, float radius_px, float width_px, Colour colour) {
  around(x_px, y_px, radius_px, [&](std::int32_t x, std::int32_t y, float dx, float dy) {
    const float off = std::min(std::abs(dx - dy), std::abs(dx + dy)) * 0.70710678f;
    const float end = radius_px - std::max(std::abs(dx), std::abs(dy));
    blend(x, y, colour, std::min(inside(0.5f * width_px - off), inside(end)));
  });
}

void Canvas::rectangle(float x_px, float y_px, float width_px, float height_px, Colour colour) {
  const auto share = [](float pixel, float from, float length) {
    return std::clamp(std::min(pixel + 1.0f, from + length) - std::max(pixel, from), 0.0f, 1.0f);
  };
  const auto end_x = static_cast<std::int32_t>(std::ceil(x_px + width_px));
  const auto end_y = static_cast<std::int32_t>(std::ceil(y_px + height_px));
  for (auto y = static_cast<std::int32_t>(std::floor(y_px)); y < end_y; ++y) {
    for (auto x = static_cast<std::int32_t>(std::floor(x_px)); x < end_x; ++x) {
      blend(x, y, colour,
            share(static_cast<float>(x), x_px, width_px) *
                share(static_cast<float>(y), y_px, height_px));
    }
  }
}

}  // namespace understudy::report
