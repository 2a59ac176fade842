#include "tools/score/camera_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/source/body.h"

namespace understudy::score {
namespace {

using report::Canvas;
using report::Colour;
using source::MarkerFate;

constexpr Colour kGround{10, 12, 16};
constexpr Colour kStrip{20, 23, 29};
constexpr Colour kLight{255, 255, 255};
constexpr Colour kText{222, 226, 233};
constexpr Colour kQuiet{139, 147, 160};
constexpr float kStripHeight = 92.0f;
constexpr float kRing = 9.0f;

enum class Kind : std::uint8_t { alone, merged, false_blob, behind_body, behind_marker, gap };

struct KindStyle {
  const char* name;
  Colour colour;
};

constexpr std::array<KindStyle, 6> kStyles{{{"marker of its own", {64, 196, 140, 0.75f}},
                                            {"merged with another", {255, 176, 32}},
                                            {"false blob", {255, 86, 120}},
                                            {"hidden by a body", {98, 148, 255, 0.8f}},
                                            {"hidden by a marker", {190, 130, 255}},
                                            {"dropped out", {150, 156, 168, 0.9f}}}};

const KindStyle& styleOf(Kind kind) { return kStyles[static_cast<std::size_t>(kind)]; }

Kind kindOf(MarkerFate fate) {
  switch (fate) {
    case MarkerFate::alone:
      return Kind::alone;
    case MarkerFate::merged:
      return Kind::merged;
    case MarkerFate::hidden_by_marker:
      return Kind::behind_marker;
    case MarkerFate::hidden_by_body:
      return Kind::behind_body;
    default:
      return Kind::gap;
  }
}

void mark(Canvas& canvas, Kind kind, float x_px, float y_px, float radius_px = kRing) {
  const Colour& colour = styleOf(kind).colour;
  switch (kind) {
    case Kind::behind_body:
    case Kind::behind_marker:
      canvas.ring(x_px, y_px, 0.7f * radius_px, 1.4f, colour, 5);
      break;
    case Kind::gap:
      canvas.cross(x_px, y_px, 0.6f * radius_px, 1.6f, colour);
      break;
    default:
      canvas.ring(x_px, y_px, radius_px, kind == Kind::alone ? 1.3f : 2.0f, colour);
  }
}

// A performer's shadow: every pixel whose ray meets the body, the rim a little brighter.
struct Silhouette {
  const camera::Camera& camera;
  const std::vector<source::PosedSolid>& body;
  std::int32_t left = 0, top = 0, right = 0, bottom = 0;
  std::vector<std::uint8_t> covered;

  std::int32_t width() const { return right - left; }
  bool at(std::int32_t x, std::int32_t y) const {
    if (x < left || y < top || x >= right || y >= bottom) return false;
    return covered[static_cast<std::size_t>((y - top) * width() + x - left)] != 0;
  }

  // The part of the image that holds the balls round all solids.
  void frame() {
    glm::dvec2 least(1e9), most(-1e9);
    for (const source::PosedSolid& solid : body) {
      const glm::dvec3 middle(solid.middle);
      const double away = camera::depth(camera, middle);
      if (!(away > 0.3)) continue;
      const glm::dvec2 at = camera::project(camera, middle);
      const glm::dvec2 reach(1.3 * camera.fx_px * static_cast<double>(solid.bound) / away);
      least = glm::min(least, at - reach);
      most = glm::max(most, at + reach);
    }
    const auto clip = [](double value, std::uint32_t size) {
      return static_cast<std::int32_t>(std::clamp(value, 0.0, static_cast<double>(size)));
    };
    left = clip(least.x, camera.width_px);
    right = std::max(left, clip(most.x, camera.width_px));
    top = clip(least.y, camera.height_px);
    bottom = std::max(top, clip(most.y, camera.height_px));
  }

  void cast() {
    constexpr double kFar = 50.0;
    frame();
    covered.assign(static_cast<std::size_t>(width()) * static_cast<std::size_t>(bottom - top), 0);
    const glm::dvec3 eye = camera::centreWorld(camera);
    const glm::dmat3 world_from_camera =
        glm::transpose(glm::mat3_cast(camera.camera_from_world.rotation));
    for (std::int32_t y = top; y < bottom; ++y) {
      for (std::int32_t x = left; x < right; ++x) {
        const glm::dvec2 flat = camera::normalisedFromPixel(camera, {x + 0.5, y + 0.5});
        const glm::vec3 target(eye + kFar * (world_from_camera * glm::dvec3(flat, 1.0)));
        covered[static_cast<std::size_t>((y - top) * width() + x - left)] =
            std::any_of(body.begin(), body.end(), [&](const source::PosedSolid& solid) {
              return source::blocks(solid, glm::vec3(eye), target);
            });
      }
    }
  }

  void draw(Canvas& canvas, Colour fill, Colour rim) const {
    for (std::int32_t y = top; y < bottom; ++y) {
      for (std::int32_t x = left; x < right; ++x) {
        if (!at(x, y)) continue;
        const int inside = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
        canvas.blend(x, y, inside == 4 ? fill : rim);
      }
    }
  }
};

void drawBodies(const source::SimulatedStage& stage, std::size_t camera, Canvas& canvas) {
  constexpr std::array<Colour, 4> kTints{
      {{92, 124, 176}, {96, 148, 140}, {150, 120, 160}, {160, 138, 104}}};
  if (!stage.settings().body_occlusion) return;
  for (std::size_t p = 0; p < stage.subjects().size(); ++p) {
    if (stage.body(p).empty()) continue;
    Silhouette shadow{.camera = stage.trueRig().cameras[camera], .body = stage.body(p)};
    shadow.cast();
    Colour fill = kTints[p % kTints.size()], rim = fill;
    fill.cover = 0.20f;
    rim.cover = 0.42f;
    shadow.draw(canvas, fill, rim);
  }
}

void drawLegend(const std::array<std::size_t, kStyles.size()>& counts, const std::string& title,
                Canvas& canvas) {
  const float top = static_cast<float>(canvas.height()) - kStripHeight;
  canvas.rectangle(0.0f, top, static_cast<float>(canvas.width()), kStripHeight, kStrip);
  canvas.text(28.0f, top + 35.0f, 21.0f, title, kText);
  float x = 28.0f;
  for (std::size_t kind = 0; kind < kStyles.size(); ++kind) {
    mark(canvas, static_cast<Kind>(kind), x + 9.0f, top + 64.0f);
    if (kind < 3) canvas.disc(x + 9.0f, top + 64.0f, 2.2f, kLight);
    x = canvas.text(x + 27.0f, top + 70.0f, 18.0f, fmt::format("{} ", counts[kind]), kText);
    x = canvas.text(x, top + 70.0f, 18.0f, kStyles[kind].name, kQuiet) + 36.0f;
  }
}

}  // namespace

report::Canvas drawView(const source::SimulatedStage& stage, const source::StageFrame& frame,
                        const ViewOptions& options) {
  const camera::Camera& camera = stage.trueRig().cameras[options.camera];
  Canvas canvas(camera.width_px, camera.height_px + static_cast<std::uint32_t>(kStripHeight),
                kGround);
  drawBodies(stage, options.camera, canvas);
  std::array<std::size_t, kStyles.size()> counts{};
  const std::vector<source::MarkerView> views = stage.views(frame, options.camera);
  const auto& blobs = frame.cameras[options.camera].centroids;
  for (std::size_t b = 0; b < blobs.size(); ++b) {
    const source::CentroidTruth& truth = frame.centroid_truth[options.camera][b];
    if (truth.merged) continue;  // Its discs are drawn below: together they are its shape.
    canvas.disc(blobs[b].x_px, blobs[b].y_px, blobs[b].radius_px, kLight);
    if (truth.performer >= 0) continue;
    ++counts[static_cast<std::size_t>(Kind::false_blob)];
    mark(canvas, Kind::false_blob, blobs[b].x_px, blobs[b].y_px);
  }
  for (const source::MarkerView& view : views) {
    const Kind kind = kindOf(view.fate);
    ++counts[static_cast<std::size_t>(kind)];
    if (kind == Kind::merged) canvas.disc(view.x_px, view.y_px, view.radius_px, kLight);
  }
  for (const source::MarkerView& view : views) {
    mark(canvas, kindOf(view.fate), view.x_px, view.y_px);
    if (!options.names) continue;
    canvas.text(view.x_px + 11.0f, view.y_px + 4.0f, 11.0f,
                stage.subjects()[view.performer].markers[view.marker].name, kQuiet);
  }
  drawLegend(
      counts,
      fmt::format("Camera {} of {}, frame {}, {} performers, {} blobs: what the camera sends "
                  "is the white alone; rings and bodies are the truth behind it",
                  options.camera, frame.cameras.size(), frame.stamp.sequence,
                  frame.performers.size(), blobs.size()),
      canvas);
  return canvas;
}

}  // namespace understudy::score
