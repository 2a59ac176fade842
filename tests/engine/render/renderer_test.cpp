#include "engine/render/renderer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>

#include "engine/render/sequence_strip.h"
#include "tests/support/allocations.h"
#include "tests/support/box_man.h"
#include "tests/support/gpu.h"

using namespace understudy;
using test::pixelAt;

namespace {

constexpr std::uint32_t kWidth = 192, kHeight = 128;

using Palettes = std::vector<std::vector<glm::mat4>>;

std::vector<std::span<const glm::mat4>> views(const Palettes& palettes) {
  return {palettes.begin(), palettes.end()};
}

struct Stage {
  test::CheckedDevice device;
  std::unique_ptr<render::Renderer> renderer;
  scene::Character man = test::boxMan();

  explicit Stage(render::Quality quality = render::Quality::low, std::size_t performers = 1,
                 std::uint32_t in_flight = 1) {
    if (!device) return;
    auto made = render::Renderer::create(*device, {.width_px = kWidth,
                                                   .height_px = kHeight,
                                                   .quality = render::qualitySettings(quality),
                                                   .frames_in_flight = in_flight});
    REQUIRE(made);
    renderer = std::move(*made);
    if (performers == 0) return;
    const auto model = renderer->addModel(man);
    REQUIRE(model);
    REQUIRE(renderer->setCast(std::vector<render::ModelId>(performers, *model)));
  }
  explicit operator bool() const { return renderer != nullptr; }

  std::vector<std::uint8_t> picture(const Palettes& palettes, const scene::View& view,
                                    const render::FrameOptions& options = {},
                                    const render::Overlay* overlay = nullptr) {
    const auto spans = views(palettes);
    const auto image = renderer->render(
        {.sequence = 7, .view = view, .palettes = spans, .overlay = overlay}, options);
    REQUIRE(image);
    return test::copyOf(image->rgba);
  }
};

/// Where a world point falls, in pixels.
glm::vec2 project(const scene::View& view, const glm::vec3& point) {
  const float aspect = static_cast<float>(kWidth) / static_cast<float>(kHeight);
  const glm::vec4 clip =
      scene::clipFromView(view, aspect) * scene::viewFromWorld(view) * glm::vec4(point, 1.0f);
  return (glm::vec2(clip) / clip.w * 0.5f + 0.5f) *
         glm::vec2(static_cast<float>(kWidth), static_cast<float>(kHeight));
}

/// Share of pixels whose channels differ by more than `step` from the other picture's.
double differing(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b, int step) {
  REQUIRE(a.size() == b.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); i += 4) {
    bool differs = false;
    for (std::size_t c = 0; c < 3; ++c) differs |= std::abs(int{a[i + c]} - int{b[i + c]}) > step;
    count += differs ? 1 : 0;
  }
  return static_cast<double>(count) / (static_cast<double>(a.size()) / 4.0);
}

/// Whether the pixel at a projected point shows the performer, judged against the empty stage.
bool shows(const std::vector<std::uint8_t>& with, const std::vector<std::uint8_t>& without,
           const glm::vec2& at) {
  const auto a = pixelAt(with, kWidth, static_cast<int>(at.x), static_cast<int>(at.y));
  const auto b = pixelAt(without, kWidth, static_cast<int>(at.x), static_cast<int>(at.y));
  return std::abs(a.r - b.r) + std::abs(a.g - b.g) + std::abs(a.b - b.b) > 24;
}

}  // namespace

TEST_SUITE("render/renderer") {
  TEST_CASE("skinned vertices land where the CPU says") {
    Stage stage;
    if (!stage) return;
    const scene::View view{.eye = {0.0f, 1.3f, 4.0f}, .target = {0.0f, 1.0f, 0.0f}};
    const auto empty = stage.picture({{}}, view);
    std::mt19937 random(11);
    std::uniform_real_distribution<float> angle(-1.2f, 1.2f);
    for (int round = 0; round < 6; ++round) {
      auto local = stage.man.skeleton.parent_from_joint;
      for (auto& joint : local) {
        joint.rotation = glm::angleAxis(angle(random), glm::vec3(0.0f, 0.0f, 1.0f));
      }
      std::vector<math::RigidTransform> world(local.size());
      anim::worldFromJoints(stage.man.skeleton, local, world);
      std::vector<glm::mat4> palette(local.size());
      anim::makePalette(world, stage.man.joint_from_bind, palette);
      const auto picture = stage.picture({palette}, view);
      // The middle of the arms' front faces, 0.4 m and 0.6 m along.
      for (const auto& [joint, x] :
           {std::pair(3, 0.4f), std::pair(3, 0.7f), std::pair(4, -0.4f), std::pair(4, -0.7f)}) {
        const glm::vec3 bind(x, 1.45f, 0.05f);
        const glm::vec3 at(palette[static_cast<std::size_t>(joint)] * glm::vec4(bind, 1.0f));
        CAPTURE(round);
        CAPTURE(x);
        CHECK(shows(picture, empty, project(view, at)));
        // And 20 cm in front of it across the arm there is nothing of this arm's.
      }
      // Vertices with two joints: the mean of both joints' images of the point.
      const glm::vec4 bind(0.0f, 1.02f, 0.1f, 1.0f);
      const glm::vec3 blended = 0.5f * glm::vec3(palette[0] * bind + palette[1] * bind);
      CHECK(shows(picture, empty, project(view, blended)));
    }
  }

  TEST_CASE("a performer without a palette, or with characters off, is not drawn") {
    Stage stage(render::Quality::low, 2);
    if (!stage) return;
    const scene::View view;
    const auto empty = stage.picture({}, view);
    const auto one = stage.picture({{}, test::restPalette(stage.man, {0.6f, 0.0f, 0.0f})}, view);
    CHECK(differing(stage.picture({{}, {}}, view), empty, 0) == 0.0);
    CHECK(differing(one, empty, 8) > 0.02);
    const auto off = stage.picture({test::restPalette(stage.man), test::restPalette(stage.man)},
                                   view, {.characters = false});
    CHECK(differing(off, empty, 12) < 0.06);  // Contact darkening may stay.
    CHECK_FALSE(shows(off, empty, project(view, {0.0f, 1.3f, 0.1f})));
  }

  TEST_CASE("who fades is drawn in part, and throws no shadow before the end") {
    Stage stage(render::Quality::low, 1);
    if (!stage) return;
    const Palettes man{test::restPalette(stage.man)};
    const auto spans = views(man);
    const auto shown = [&](float presence) {
      const std::vector<float> share{presence};
      const auto image = stage.renderer->render({.palettes = spans, .presence = share});
      REQUIRE(image);
      return test::copyOf(image->rgba);
    };
    const auto whole = shown(1.0f), gone = shown(0.0f);
    CHECK(whole == stage.picture(man, {}));
    CHECK(gone == stage.picture({{}}, {}));
    const double full = differing(whole, gone, 8);
    const double most = differing(shown(0.75f), gone, 8), least = differing(shown(0.2f), gone, 8);
    CHECK(most < 0.95 * full);
    CHECK(least < 0.5 * most);
    CHECK(least > 0.02 * full);
  }

  TEST_CASE("a pose that is not a number hides its performer and nothing else") {
    Stage stage(render::Quality::low, 2);
    if (!stage) return;
    const auto good = test::restPalette(stage.man, {0.6f, 0.0f, 0.0f});
    auto bad = test::restPalette(stage.man);
    bad[3][3].x = std::numeric_limits<float>::quiet_NaN();
    CHECK(stage.picture({bad, good}, {}) == stage.picture({{}, good}, {}));
  }

  TEST_CASE("the same frame twice has the same bytes") {
    for (const auto quality :
         {render::Quality::low, render::Quality::medium, render::Quality::high}) {
      Stage stage(quality);
      if (!stage) return;
      const Palettes palettes{test::restPalette(stage.man)};
      const auto first = stage.picture(palettes, {});
      const auto other = stage.picture({test::restPalette(stage.man, {0.5f, 0.0f, 0.0f})}, {});
      CHECK(differing(first, other, 8) > 0.02);
      CHECK(stage.picture(palettes, {}) == first);
    }
  }

  TEST_CASE("nobody and twenty performers can stand on the stage") {
    Stage stage(render::Quality::high, 20);
    if (!stage) return;
    Palettes palettes;
    for (int i = 0; i < 20; ++i) {
      palettes.push_back(test::restPalette(
          stage.man, {static_cast<float>(i % 5) * 1.8f - 3.6f, 0.0f, -1.8f * (i / 5)}));
    }
    const scene::View view{.eye = {0.0f, 5.0f, 9.0f}, .target = {0.0f, 0.5f, -2.0f}};
    const auto crowd = stage.picture(palettes, view);
    REQUIRE(stage.renderer->setCast({}));
    const auto empty = stage.picture({}, view);
    for (int i = 0; i < 20; ++i) {
      const glm::vec3 chest =
          glm::vec3(palettes[static_cast<std::size_t>(i)][1] * glm::vec4(0.0f, 1.4f, 0.1f, 1.0f));
      CHECK(shows(crowd, empty, project(view, chest)));
    }
  }

  TEST_CASE("the strip in the image carries the sequence") {
    Stage stage(render::Quality::low, 0);
    if (!stage) return;
    for (const std::uint64_t sequence :
         {0ull, 1ull, 0x12345678ull, 0xffffffffull, 0x1'0000'0005ull}) {
      const auto image = stage.renderer->render({.sequence = sequence}, {.sequence_strip = true});
      REQUIRE(image);
      CHECK(image->sequence == sequence);
      const auto read = render::readSequenceStrip(image->rgba, image->width_px, image->height_px);
      REQUIRE(read);
      CHECK(*read == static_cast<std::uint32_t>(sequence));
    }
    const auto plain = stage.renderer->render({.sequence = 3});
    REQUIRE(plain);
    CHECK_FALSE(render::readSequenceStrip(plain->rgba, plain->width_px, plain->height_px));
  }

  TEST_CASE("a mirror of metal is lit as computed by hand") {
    // A horizontal box seen from above, its upper face far from any other surface: a rough
    // dielectric of known colour under the key light and the room.
    Stage stage(render::Quality::low, 0);
    if (!stage) return;
    scene::Character slab =
        test::slab({.base_color = {0.18f, 0.18f, 0.18f, 1.0f}, .roughness = 1.0f});
    const auto grey = stage.renderer->addModel(slab);
    slab.materials[0].base_color = {0.36f, 0.36f, 0.36f, 1.0f};
    const auto light_grey = stage.renderer->addModel(slab);
    slab.materials[0].base_color = {0.18f, 0.18f, 0.18f, 1.0f};
    slab.materials[0].emissive = {1.0f, 0.0f, 0.0f};
    const auto red = stage.renderer->addModel(slab);
    REQUIRE(grey);
    REQUIRE(light_grey);
    REQUIRE(red);
    const scene::View view{.eye = {0.0f, 3.0f, 0.01f}, .target = {0.0f, 1.0f, 0.0f}};
    const auto shade = [&](render::ModelId model) {
      REQUIRE(stage.renderer->setCast(std::vector{model}));
      const auto picture = stage.picture({test::restPalette(slab)}, view);
      return pixelAt(picture, kWidth, kWidth / 2 + 20, kHeight / 2);
    };
    const auto dark = shade(*grey), bright = shade(*light_grey), glowing = shade(*red);
    // Diffuse light of the upper face: key 2.86 * cos / pi + room of about 0.45, times 0.18: the
    // curve keeps scene grey 0.18 at display grey, sRGB 118.
    CHECK(dark.g > 95);
    CHECK(dark.g < 165);
    CHECK(std::abs(dark.r - dark.b) < 24);  // The key is warm, the room cool.
    CHECK(bright.g > dark.g + 25);
    CHECK(glowing.r > dark.r + 60);
    CHECK(std::abs(glowing.g - dark.g) < 30);
  }

  TEST_CASE("a body between floor and key light leaves a shadow where geometry says") {
    for (const auto quality : {render::Quality::low, render::Quality::high}) {
      Stage stage(quality);
      if (!stage) return;
      const scene::View view{.eye = {0.0f, 4.0f, 5.0f}, .target = {0.3f, 0.0f, -0.5f}};
      const Palettes lifted{test::restPalette(stage.man, {0.0f, 0.8f, 0.0f})};
      const auto without = stage.picture({{}}, view, {.grid = false});
      const auto with = stage.picture(lifted, view, {.grid = false});
      // The chest's middle, followed along the key's direction to the floor.
      const glm::vec3 to_key = glm::normalize(glm::vec3(-0.55f, 0.90f, 0.606f));
      const glm::vec3 chest(0.0f, 0.8f + 1.3f, 0.0f);
      const glm::vec2 at = project(view, chest - to_key * (chest.y / to_key.y));
      const auto lit = pixelAt(without, kWidth, static_cast<int>(at.x), static_cast<int>(at.y));
      const auto dark = pixelAt(with, kWidth, static_cast<int>(at.x), static_cast<int>(at.y));
      CHECK(dark.sum() < lit.sum() - 60);
      // Beside it the floor stays as it was.
      const glm::vec2 beside = project(view, {-1.6f, 0.0f, 0.5f});
      CHECK(
          std::abs(
              pixelAt(with, kWidth, static_cast<int>(beside.x), static_cast<int>(beside.y)).sum() -
              pixelAt(without, kWidth, static_cast<int>(beside.x), static_cast<int>(beside.y))
                  .sum()) < 9);
    }
  }

  TEST_CASE("markers are balls of their size and colour, and are hidden by bodies") {
    Stage stage;
    if (!stage) return;
    const scene::View view{.eye = {0.0f, 1.3f, 3.0f}, .target = {0.0f, 1.3f, 0.0f}};
    const Palettes palettes{test::restPalette(stage.man)};
    const auto plain = stage.picture(palettes, view);
    render::Overlay overlay;
    render::addMarker(overlay, {0.5f, 1.45f, 0.3f}, {0.0f, 1.0f, 0.0f, 1.0f}, 0.05f);
    render::addMarker(overlay, {0.0f, 1.3f, -0.5f}, {0.0f, 1.0f, 0.0f, 1.0f}, 0.05f);
    const auto picture = stage.picture(palettes, view, {}, &overlay);
    const glm::vec2 at = project(view, {0.5f, 1.45f, 0.3f});
    const auto middle = pixelAt(picture, kWidth, static_cast<int>(at.x), static_cast<int>(at.y));
    CHECK(middle.g > middle.r + 60);
    const glm::vec2 edge = project(view, {0.5f + 0.065f, 1.45f, 0.3f});
    CHECK_FALSE(shows(picture, plain, edge));
    CHECK_FALSE(shows(picture, plain, project(view, {0.0f, 1.3f, -0.5f})));
  }

  TEST_CASE("lines join their ends, and those in front are drawn over bodies") {
    Stage stage;
    if (!stage) return;
    const scene::View view{.eye = {0.0f, 1.3f, 3.0f}, .target = {0.0f, 1.3f, 0.0f}};
    const Palettes palettes{test::restPalette(stage.man)};
    const auto plain = stage.picture(palettes, view);
    render::Overlay overlay;
    const glm::vec3 from(-0.5f, 1.2f, -0.6f), to(0.5f, 1.4f, -0.6f);
    const glm::vec4 blue(0.0f, 0.1f, 1.0f, 1.0f);
    render::addLine(overlay, from, to, {.color = blue, .width_px = 3.0f});
    const auto behind = stage.picture(palettes, view, {}, &overlay);
    const glm::vec2 crossing = project(view, 0.5f * (from + to));
    CHECK_FALSE(shows(behind, plain, crossing));
    overlay.clear();
    render::addLine(overlay, from, to, {.color = blue, .width_px = 3.0f, .in_front = true});
    // One that starts behind the eye is cut at the near plane.
    render::addLine(overlay, {0.4f, 1.9f, 9.0f}, {0.4f, 1.9f, 0.0f}, {.color = blue});
    const auto front = stage.picture(palettes, view, {}, &overlay);
    CHECK(shows(front, plain, crossing));
    CHECK(shows(front, plain, project(view, glm::mix(from, to, 0.05f))));
    CHECK(shows(front, plain, project(view, {0.4f, 1.9f, 0.02f})));
  }

  TEST_CASE("more overlay than there is room for is left out") {
    test::CheckedDevice device;
    if (!device) return;
    auto made =
        render::Renderer::create(*device, {.width_px = 64,
                                           .height_px = 64,
                                           .quality = render::qualitySettings(render::Quality::low),
                                           .max_spheres = 4,
                                           .max_lines = 3});
    REQUIRE(made);
    render::Overlay overlay;
    for (int i = 0; i < 100; ++i) {
      render::addMarker(overlay, {0.0f, 1.0f, 0.0f});
      render::addLine(overlay, {0.0f, 1.0f, 0.0f}, {0.0f, 2.0f, 0.0f}, {});
    }
    CHECK((*made)->render({.overlay = &overlay}));
  }

  TEST_CASE("an image knows its sequence with three frames in flight") {
    Stage stage(render::Quality::low, 1, 3);
    if (!stage) return;
    const std::vector<glm::mat4> palette = test::restPalette(stage.man);
    const std::vector<std::span<const glm::mat4>> palettes{palette};
    for (std::uint64_t sequence = 100; sequence < 110; ++sequence) {
      REQUIRE(stage.renderer->beginFrame({.readback = true, .sequence_strip = true}));
      stage.renderer->latch({.sequence = sequence, .palettes = palettes});
      REQUIRE(stage.renderer->submit());
      if (sequence % 3 != 0) continue;
      const auto image = stage.renderer->wait();
      REQUIRE(image);
      CHECK(image->sequence == sequence);
      CHECK(*render::readSequenceStrip(image->rgba, kWidth, kHeight) == sequence);
      CHECK(image->gpu_finished >= image->latched);
    }
    CHECK(stage.renderer->wait());
    CHECK(stage.renderer->finished());
  }

  TEST_CASE("after warm-up a frame allocates nothing") {
    // Without the validation layers, which allocate.
    auto made = gpu::Device::create();
    if (!made) return;
    auto renderer = render::Renderer::create(
        **made, {.width_px = 64,
                 .height_px = 64,
                 .quality = render::qualitySettings(render::Quality::low)});
    REQUIRE(renderer);
    const scene::Character man = test::boxMan();
    const auto model = (*renderer)->addModel(man);
    REQUIRE(model);
    REQUIRE((*renderer)->setCast(std::vector{*model}));
    const std::vector<glm::mat4> palette = test::restPalette(man);
    const std::vector<std::span<const glm::mat4>> palettes{palette};
    render::Overlay overlay;
    std::uint64_t before = 0;
    for (std::uint64_t frame = 0; frame < 1020; ++frame) {
      if (frame == 20) before = test::allocationCount();
      overlay.clear();
      render::addMarker(overlay, {0.0f, 1.0f, 0.0f});
      render::addRay(overlay, {0.0f, 1.0f, 3.0f}, {0.0f, 1.0f, 0.0f});
      if (!(*renderer)->beginFrame({.readback = true})) break;
      (*renderer)->latch({.sequence = frame, .palettes = palettes, .overlay = &overlay});
      if (!(*renderer)->submit() || !(*renderer)->wait()) break;
    }
    // Counts the whole program, the driver's C++ included.
    CHECK(test::allocationCount() - before == 0);
  }

  TEST_CASE("times of the passes are measured and fit into the whole") {
    Stage stage;
    if (!stage || !stage.device->features.timestamps) return;
    const std::vector<glm::mat4> palette = test::restPalette(stage.man);
    const std::vector<std::span<const glm::mat4>> palettes{palette};
    const auto image = stage.renderer->render({.palettes = palettes});
    REQUIRE(image);
    const render::GpuTimes& gpu = image->gpu;
    CHECK(gpu.scene_us > 0.0);
    CHECK(gpu.skin_us + gpu.contact_us + gpu.shadow_us + gpu.scene_us + gpu.tone_us + gpu.tail_us <=
          gpu.total_us * 1.001 + 1.0);
    CHECK(core::toMicroseconds(image->gpu_finished - image->latched) < 10e6);
  }

  TEST_CASE("resizing to many sizes renders each") {
    Stage stage(render::Quality::medium);
    if (!stage) return;
    const std::vector<glm::mat4> palette = test::restPalette(stage.man);
    const std::vector<std::span<const glm::mat4>> palettes{palette};
    for (const auto& [width, height] :
         {std::pair(16u, 16u), std::pair(320u, 17u), std::pair(33u, 240u), std::pair(128u, 96u)}) {
      REQUIRE(stage.renderer->resize(width, height));
      const auto image = stage.renderer->render({.palettes = palettes});
      REQUIRE(image);
      CHECK(image->width_px == width);
      CHECK(image->rgba.size() == std::size_t{4} * width * height);
    }
    CHECK_FALSE(stage.renderer->resize(0, 10));
    CHECK(stage.renderer->render({.palettes = palettes}));
  }

  TEST_CASE("settings outside their range and broken characters are refused with the reason") {
    Stage stage;
    if (!stage) return;
    const auto wide = render::Renderer::create(*stage.device, {.width_px = 5});
    REQUIRE_FALSE(wide);
    CHECK(wide.error().message.find("width_px is 5") != std::string::npos);
    const auto samples = render::Renderer::create(*stage.device, {.quality = {.samples = 3}});
    REQUIRE_FALSE(samples);

    scene::Character broken = test::boxMan();
    broken.meshes[0].indices[5] = 100000;
    const auto index = stage.renderer->addModel(broken);
    REQUIRE_FALSE(index);
    CHECK(index.error().message.find("vertex 100000") != std::string::npos);
    broken = test::boxMan();
    broken.meshes[0].vertices[3].joints.y = 99;
    CHECK_FALSE(stage.renderer->addModel(broken));
    broken = test::boxMan();
    broken.meshes[0].vertices[3].position.x = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(stage.renderer->addModel(broken));
    broken = test::boxMan();
    broken.meshes[0].material = 2;
    CHECK_FALSE(stage.renderer->addModel(broken));
    broken = test::boxMan();
    broken.images.push_back({.width = 4, .height = 4, .rgba = {1, 2, 3}});
    CHECK_FALSE(stage.renderer->addModel(broken));
    CHECK_FALSE(stage.renderer->addModel({}));
    CHECK_FALSE(stage.renderer->setCast(std::vector<render::ModelId>{77}));
    CHECK_FALSE(stage.renderer->setCast(std::vector<render::ModelId>(21, 0)));
  }

  TEST_CASE("textures, masks and blended materials are drawn") {
    Stage stage(render::Quality::high, 0);
    if (!stage) return;
    scene::Character man = test::boxMan();
    scene::Image checker{.width = 8, .height = 8};
    for (int i = 0; i < 64; ++i) {
      const bool on = ((i + i / 8) & 1) != 0;
      for (const int value : {on ? 255 : 20, 40, on ? 20 : 255, on ? 255 : 0}) {
        checker.rgba.push_back(static_cast<std::uint8_t>(value));
      }
    }
    scene::Image bump{.width = 2, .height = 2, .srgb = false};
    for (int i = 0; i < 4; ++i) {
      for (const int value : {i % 2 == 0 ? 100 : 156, 128, 250, 255}) {
        bump.rgba.push_back(static_cast<std::uint8_t>(value));
      }
    }
    man.images = {checker, bump};
    man.materials[0].base_color_image = 0;
    man.materials[0].normal_image = 1;
    man.materials[0].alpha_mode = scene::AlphaMode::mask;
    man.materials[1].alpha_mode = scene::AlphaMode::blend;
    man.materials[1].base_color.w = 0.4f;
    man.materials[1].double_sided = true;
    const auto model = stage.renderer->addModel(man);
    REQUIRE(model);
    REQUIRE(stage.renderer->setCast(std::vector{*model}));
    const scene::View view{.eye = {0.0f, 1.3f, 2.0f}, .target = {0.0f, 1.3f, 0.0f}};
    const auto empty = stage.picture({{}}, view);
    const auto picture = stage.picture({test::restPalette(man)}, view);
    CHECK(differing(picture, empty, 8) > 0.05);
    CHECK(shows(picture, empty, project(view, {0.0f, 1.7f, 0.1f})));
  }

  TEST_CASE("a lost device stops the picture without a crash") {
    Stage stage;
    if (!stage) return;
    auto made = gpu::Device::create();
    REQUIRE(made);
    auto renderer = render::Renderer::create(
        **made, {.width_px = 32,
                 .height_px = 32,
                 .quality = render::qualitySettings(render::Quality::low)});
    REQUIRE(renderer);
    CHECK((*renderer)->render({}));
    (*made)->check(VK_ERROR_DEVICE_LOST);
    CHECK_FALSE((*renderer)->beginFrame());
    CHECK_FALSE((*renderer)->submit());
    CHECK_FALSE((*renderer)->wait());
    CHECK_FALSE((*renderer)->render({}));
  }
}
