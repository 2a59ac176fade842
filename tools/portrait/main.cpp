#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <string>

#include "engine/asset/character_file.h"
#include "engine/asset/environment_file.h"
#include "engine/asset/exr_file.h"
#include "engine/asset/picture_file.h"
#include "engine/render/renderer.h"
#include "tools/portrait/poses.h"
#include "tools/portrait/sheet.h"

namespace {

using namespace understudy;

struct Options {
  std::string character = "assets/characters/mannequin.glb";
  std::string pose = "stand", shot = "full", out = "portrait.png", device, quality = "high";
  std::vector<std::string> sheet;
  std::uint32_t width = 1280, height = 720, actors = 1, frames = 1;
  std::string environment = "studio", transform = "film", exr;
  float exposure_ev = 0.0f;
  bool validation = false, overlay = false, no_grid = false;
};

/// Where the camera stands for a shot of a person `height` metres tall.
core::Result<scene::View> viewOf(const std::string& shot, float height) {
  const auto view = [&](glm::vec3 eye, glm::vec3 target, float fov_deg) {
    return scene::View{.eye = eye * (height / 1.8f),
                       .target = target * (height / 1.8f),
                       .vertical_fov = glm::radians(fov_deg)};
  };
  if (shot == "full") return view({1.5f, 1.45f, 3.9f}, {0.0f, 0.91f, 0.0f}, 29.0f);
  if (shot == "back") return view({-1.9f, 1.5f, -3.6f}, {0.0f, 1.0f, 0.0f}, 33.0f);
  if (shot == "low") return view({1.1f, 0.35f, 2.6f}, {0.0f, 0.95f, 0.0f}, 45.0f);
  if (shot == "bust") return view({0.35f, 1.62f, 1.35f}, {0.0f, 1.48f, 0.0f}, 32.0f);
  if (shot == "hand") return view({0.95f, 1.62f, 0.5f}, {0.72f, 1.42f, 0.0f}, 32.0f);
  if (shot == "hip") return view({0.8f, 0.95f, 0.75f}, {0.28f, 0.85f, 0.05f}, 32.0f);
  if (shot == "shoulder") return view({0.75f, 1.62f, 0.85f}, {0.16f, 1.44f, 0.0f}, 30.0f);
  if (shot == "knee") return view({0.85f, 0.75f, 1.15f}, {0.06f, 0.62f, 0.12f}, 34.0f);
  if (shot == "feet") return view({0.7f, 0.45f, 1.1f}, {0.0f, 0.12f, 0.0f}, 36.0f);
  if (shot == "crowd") return view({6.5f, 4.2f, 11.5f}, {0.0f, 0.6f, 0.0f}, 34.0f);
  return core::makeError(fmt::format(
      "no shot \"{}\"; there are full, back, low, bust, hand, hip, shoulder, knee, feet, crowd",
      shot));
}

render::Quality qualityOf(const std::string& name) {
  if (name == "low") return render::Quality::low;
  return name == "medium" ? render::Quality::medium : render::Quality::high;
}

float heightOf(const scene::Character& character) {
  float low = 1e30f, high = -1e30f;
  for (const scene::Mesh& mesh : character.meshes) {
    for (const scene::Vertex& vertex : mesh.vertices) {
      low = std::min(low, vertex.position.y);
      high = std::max(high, vertex.position.y);
    }
  }
  return high > low ? high - low : 1.8f;
}

/// The palette moved to the performer's place: rows of five.
std::vector<glm::mat4> placed(const std::vector<glm::mat4>& palette, std::uint32_t index,
                              std::uint32_t count) {
  const float column =
      static_cast<float>(index % 5) - 0.5f * static_cast<float>(std::min(count, 5u) - 1);
  const float row = static_cast<float>(index / 5);
  const float turn = count > 1 ? 0.7f * std::sin(static_cast<float>(index) * 2.4f) : 0.0f;
  glm::mat4 place(1.0f);
  place[0] = {std::cos(turn), 0.0f, -std::sin(turn), 0.0f};
  place[2] = {std::sin(turn), 0.0f, std::cos(turn), 0.0f};
  place[3] = {column * 1.8f, 0.0f, 2.0f - row * 1.8f, 1.0f};
  if (count == 1) place[3] = {0.0f, 0.0f, 0.0f, 1.0f};
  std::vector<glm::mat4> moved;
  for (const glm::mat4& matrix : palette) moved.push_back(place * matrix);
  return moved;
}

void fillOverlay(render::Overlay& overlay, const scene::Character& character,
                 const std::vector<glm::mat4>& palette) {
  for (int i = 0; i < 16; ++i) {
    const float angle = 6.2831853f * static_cast<float>(i) / 16.0f;
    const glm::vec3 eye(5.0f * std::sin(angle), i % 2 == 0 ? 2.4f : 3.6f, 5.0f * std::cos(angle));
    const glm::vec3 forward = glm::normalize(glm::vec3(0.0f, 1.0f, 0.0f) - eye);
    const glm::vec3 right = glm::normalize(glm::cross(forward, glm::vec3(0.0f, 1.0f, 0.0f)));
    const glm::mat3 axes(right, glm::cross(forward, right), forward);
    render::addFrustum(overlay, {.world_from_camera = {glm::quat_cast(axes), eye}});
  }
  for (const scene::Mesh& mesh : character.meshes) {
    for (std::size_t v = 0; v < mesh.vertices.size(); v += mesh.vertices.size() / 9 + 1) {
      const scene::Vertex& vertex = mesh.vertices[v];
      glm::vec4 at(0.0f);
      for (int k = 0; k < 4; ++k) {
        at += vertex.weights[k] * (palette[vertex.joints[k]] *
                                   glm::vec4(vertex.position + 0.01f * vertex.normal, 1.0f));
      }
      render::addMarker(overlay, glm::vec3(at), render::overlay_color::kMarker, 0.010f);
      render::addRay(overlay, glm::vec3(0.0f, 2.4f, 5.0f), glm::vec3(at));
    }
  }
}

core::Result<void> run(const Options& options) {
  auto character = asset::loadCharacter(options.character);
  if (!character) return character.error();
  auto view = viewOf(options.shot, heightOf(*character));
  if (!view) return view.error();
  auto palette = portrait::posedPalette(*character, options.pose);
  if (!palette) return palette.error();
  auto device = gpu::Device::create({.validation = options.validation, .name = options.device});
  if (!device) return device.error();
  auto renderer = render::Renderer::create(
      **device, {.width_px = options.width,
                 .height_px = options.height,
                 .quality = render::qualitySettings(qualityOf(options.quality)),
                 .view_transform = *render::viewTransform(options.transform),
                 .exposure_ev = options.exposure_ev,
                 .linear_readback = !options.exr.empty()});
  if (!renderer) return renderer.error();
  auto environment = asset::openEnvironment(options.environment, "assets/environments");
  if (!environment) return environment.error();
  if (auto set = (*renderer)->setEnvironment(*environment); !set) return set;
  auto model = (*renderer)->addModel(*character);
  if (!model) return model.error();
  const std::vector<render::ModelId> cast(options.actors, *model);
  if (auto done = (*renderer)->setCast(cast); !done) return done;
  std::vector<std::vector<glm::mat4>> palettes;
  for (std::uint32_t i = 0; i < options.actors; ++i) {
    palettes.push_back(placed(*palette, i, options.actors));
  }
  const std::vector<std::span<const glm::mat4>> views(palettes.begin(), palettes.end());
  render::Overlay overlay;
  if (options.overlay) fillOverlay(overlay, *character, *palette);
  std::optional<render::RenderedImage> image;
  for (std::uint32_t frame = 0; frame < options.frames; ++frame) {
    const core::Time start = core::Clock::now();
    image = (*renderer)->render(
        {.sequence = frame, .view = *view, .palettes = views, .overlay = &overlay},
        {.linear_readback = !options.exr.empty(), .grid = !options.no_grid});
    if (!image)
      return core::makeError("the graphics device was lost: " + (*device)->firstFailure());
    if (options.frames > 1) {
      fmt::print(
          stderr,
          "wall {:.2f} ms  gpu {:.2f} (skin {:.2f} contact {:.2f} shadow {:.2f} scene {:.2f} tone "
          "{:.2f} copy {:.2f})\n",
          core::toMicroseconds(core::Clock::now() - start) * 1e-3, image->gpu.total_us * 1e-3,
          image->gpu.skin_us * 1e-3, image->gpu.contact_us * 1e-3, image->gpu.shadow_us * 1e-3,
          image->gpu.scene_us * 1e-3, image->gpu.tone_us * 1e-3, image->gpu.tail_us * 1e-3);
    }
  }
  for (const std::string& message : (*device)->messages()) fmt::print(stderr, "{:.700}\n", message);
  if (!options.exr.empty()) {
    const auto saved =
        asset::saveExr(options.exr, image->linear, image->width_px, image->height_px);
    if (!saved) return saved;
  }
  return asset::savePicture(options.out, image->rgba, image->width_px, image->height_px);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Renders a character in a named pose from a named camera to a PNG");
  app.set_version_flag("--version", UNDERSTUDY_VERSION);
  app.add_option("character", options.character, ".glb, .gltf or .vrm")->capture_default_str();
  app.add_option("--pose", options.pose, "t, stand, step or reach")->capture_default_str();
  app.add_option("--shot", options.shot,
                 "full, back, low, bust, hand, hip, shoulder, knee, feet or crowd")
      ->capture_default_str();
  app.add_option("--out", options.out, "the PNG")->capture_default_str();
  app.add_option("--sheet", options.sheet,
                 "files and folders: draws a contact sheet of all characters there");
  app.add_option("--width", options.width)->capture_default_str()->check(CLI::Range(16, 16384));
  app.add_option("--height", options.height)->capture_default_str()->check(CLI::Range(16, 16384));
  app.add_option("--actors", options.actors)->capture_default_str()->check(CLI::Range(0, 20));
  app.add_option("--frames", options.frames, "renders N times and prints the times")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--quality", options.quality)
      ->capture_default_str()
      ->check(CLI::IsMember({"low", "medium", "high"}));
  app.add_option("--environment", options.environment, "studio, dusk, room, or FILE.hdr")
      ->capture_default_str();
  app.add_option("--view-transform", options.transform, "film, print or plain")
      ->capture_default_str()
      ->check(CLI::IsMember({"film", "print", "plain"}));
  app.add_option("--exposure", options.exposure_ev, "stops brighter than the environment asks for")
      ->capture_default_str()
      ->check(CLI::Range(-16.0, 16.0));
  app.add_option("--exr", options.exr, "the picture's linear light as OpenEXR");
  app.add_option("--device", options.device, "part of the graphics device's name");
  app.add_flag("--overlay", options.overlay, "draws cameras, markers and rays");
  app.add_flag("--no-grid", options.no_grid);
  app.add_flag("--validation", options.validation, "Vulkan's validation layers");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  // A sheet shows rest poses unless asked for another: most characters do not carry our names.
  const auto result =
      options.sheet.empty()
          ? run(options)
          : portrait::makeSheet({.paths = options.sheet,
                                 .out = options.out,
                                 .device = options.device,
                                 .quality = options.quality,
                                 .pose = app.count("--pose") > 0 ? options.pose : "t",
                                 .no_grid = options.no_grid});
  if (result) return 0;
  fmt::print(stderr, "understudy-portrait: {}\n", result.error().message);
  return 1;
}
