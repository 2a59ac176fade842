#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <glm/gtc/matrix_transform.hpp>
#include <limits>
#include <random>
#include <thread>

#include "engine/core/page_memory.h"
#include "engine/render/renderer.h"
#include "engine/scene/view.h"
#include "tests/support/box_man.h"
#include "tests/support/gpu.h"
#include "tests/support/latch_rig.h"
#include "tests/support/light_fit.h"

using namespace understudy;

namespace {

const glm::vec3 kToKey = glm::normalize(glm::vec3(-0.5f, 0.9f, 0.6f));

shaders::LatchInput inputOf(const scene::View& view = {}) {
  const float tangent = std::tan(0.5f * view.vertical_fov);
  const glm::vec3 right = glm::normalize(glm::cross(glm::vec3(0.0f, 0.0f, -1.0f), kToKey));
  shaders::LatchInput input{.shadow_size_px = 1024,
                            .clip_from_view = scene::clipFromView(view, 1.5f),
                            .tangents = {1.5f * tangent, tangent},
                            .light_right = right,
                            .light_up = glm::cross(kToKey, right)};
  input.frame.to_key = kToKey;
  input.frame.shadow_taps = 16;
  input.frame.size_px = {1200.0f, 800.0f};
  return input;
}

std::vector<shaders::JointFlesh> someFlesh(std::mt19937& random, std::size_t joints) {
  std::uniform_real_distribution<float> place(-0.5f, 0.5f), size(0.05f, 0.3f);
  std::vector<shaders::JointFlesh> flesh(joints);
  for (std::size_t i = 0; i < joints; ++i) {
    flesh[i] = {.centre = {place(random), 1.0f + place(random), place(random)},
                .reach = i % 5 == 4 ? -1.0f : size(random),
                .from = {place(random), 0.2f, place(random)},
                .radius = i % 3 == 0 ? 0.0f : size(random),
                .to = {place(random), 0.4f, place(random)}};
  }
  return flesh;
}

std::vector<glm::mat4> somePalette(std::mt19937& random, std::size_t joints) {
  std::uniform_real_distribution<float> place(-2.0f, 2.0f), angle(-0.7f, 0.7f);
  const glm::vec3 at(place(random), 0.0f, place(random));
  std::vector<glm::mat4> palette(joints);
  for (glm::mat4& m : palette) {
    m = glm::translate(glm::mat4(1.0f), at) *
        glm::rotate(glm::mat4(1.0f), angle(random),
                    glm::normalize(glm::vec3(angle(random), 1.0f, angle(random))));
  }
  return palette;
}

glm::mat4 matrixOf(const shaders::JointRows& rows) {
  return glm::transpose(
      glm::mat4(rows.row[0], rows.row[1], rows.row[2], glm::vec4(0.0f, 0.0f, 0.0f, 1.0f)));
}

float largest(const glm::mat4& a, const glm::mat4& b) {
  float most = 0.0f;
  for (int c = 0; c < 4; ++c) {
    for (int r = 0; r < 4; ++r) most = std::max(most, std::abs(a[c][r] - b[c][r]));
  }
  return most;
}

}  // namespace

TEST_SUITE("render/latch") {
  TEST_CASE("what the GPU makes of a pose is what the CPU computes") {
    test::CheckedDevice device;
    if (!device) return;
    std::mt19937 random(5);
    const std::vector<std::vector<shaders::JointFlesh>> flesh{
        someFlesh(random, 61), someFlesh(random, 7), someFlesh(random, 300)};
    test::LatchRig rig(*device, flesh, {.subjects = 3, .matrices = 368});
    for (std::uint64_t round = 1; round <= 70; ++round) {
      std::vector<std::vector<glm::mat4>> palettes;
      std::vector<anim::PublishedSubject> subjects;
      for (const auto& shapes : flesh) palettes.push_back(somePalette(random, shapes.size()));
      for (const auto& palette : palettes)
        subjects.push_back({.presence = 0.5f, .world_from_bind = palette});
      REQUIRE(rig.ring().publish({.sequence = (round << 32) + 5}, subjects));
      if (round % 10 != 0) continue;  // The ring goes round.
      const test::Latched made = rig.run(inputOf());
      CHECK(made.record.number == round);
      CHECK(made.record.sequence_low == 5);
      CHECK(made.record.sequence_high == round);
      CHECK(made.record.tries == 1);
      std::vector<test::CasterBall> casters;
      std::size_t joint = 0, sticks = 0;
      for (std::size_t m = 0; m < flesh.size(); ++m) {
        sticks = 0;
        for (std::size_t j = 0; j < flesh[m].size(); ++j, ++joint) {
          CHECK(largest(matrixOf(made.palettes[joint]), palettes[m][j]) == 0.0f);
          const shaders::JointFlesh& shape = flesh[m][j];
          if (shape.reach < 0.0f) continue;
          casters.push_back(
              {glm::vec3(palettes[m][j] * glm::vec4(shape.centre, 1.0f)), shape.reach});
          const glm::vec3 from(palettes[m][j] * glm::vec4(shape.from, 1.0f));
          const glm::vec3 to(palettes[m][j] * glm::vec4(shape.to, 1.0f));
          if (shape.radius <= 0.0f || shape.radius < 0.12f * std::max(std::min(from.y, to.y), 0.0f))
            continue;
          const std::size_t place = made.bounds[m].first_occluder + sticks++;
          CHECK(glm::distance(made.occluders[place].from, from) < 1e-5f);
          CHECK(glm::distance(made.occluders[place].to, to) < 1e-5f);
          CHECK(made.occluders[place].strength == doctest::Approx(0.375f));
        }
        CHECK(made.bounds[m].occluder_count == sticks);
        CHECK(made.uniforms.presence[m] == 0.5f);
      }
      const test::ShadowFit fit = test::fitShadow(casters, kToKey, 1024);
      CHECK(made.uniforms.shadow_metres == doctest::Approx(fit.metres));
      CHECK(made.uniforms.shadow_range == doctest::Approx(fit.range).epsilon(1e-4));
      CHECK(largest(made.uniforms.shadow_from_world, fit.shadow_from_world) < 2.0f / 1024.0f);
      CHECK(made.uniforms.shadow_taps == 16);
      CHECK(made.uniforms.performer_count == 3);
    }
  }

  TEST_CASE("who has no pose, a pose of another size, or one that is no number is not there") {
    test::CheckedDevice device;
    if (!device) return;
    std::mt19937 random(6);
    const auto flesh = someFlesh(random, 9);
    test::LatchRig rig(*device, {flesh, flesh, flesh}, {.subjects = 3, .matrices = 40});
    const test::Latched before = rig.run(inputOf());
    CHECK(before.record.number == 0);
    CHECK(before.record.abandoned == 0);
    CHECK(before.uniforms.shadow_taps == 0);
    CHECK(before.uniforms.contact_scale == 0.0f);

    const auto good = somePalette(random, 9), small = somePalette(random, 8);
    auto bad = good;
    bad[4][3].y = std::numeric_limits<float>::quiet_NaN();
    REQUIRE(rig.ring().publish(
        {.sequence = 1},
        std::vector<anim::PublishedSubject>{
            {.world_from_bind = small}, {.world_from_bind = bad}, {.world_from_bind = good}}));
    const test::Latched made = rig.run(inputOf());
    for (std::size_t joint = 0; joint < 18; ++joint)
      CHECK(made.palettes[joint].row[0] == glm::vec4(0.0f));
    CHECK(largest(matrixOf(made.palettes[18]), good[0]) == 0.0f);
    CHECK(made.bounds[1].occluder_count == 0);
    CHECK(std::isfinite(made.uniforms.shadow_metres));
    // Fewer subjects than the cast has members.
    REQUIRE(rig.ring().publish({.sequence = 2},
                               std::vector<anim::PublishedSubject>{{.world_from_bind = good}}));
    const test::Latched fewer = rig.run(inputOf());
    CHECK(largest(matrixOf(fewer.palettes[0]), good[0]) == 0.0f);
    CHECK(fewer.palettes[18].row[1] == glm::vec4(0.0f));
  }

  TEST_CASE("a pose is never torn, however fast the next ones come") {
    test::CheckedDevice device;
    if (!device) return;
    const std::vector<shaders::JointFlesh> flesh(60, {.reach = 0.1f});
    // Three slots: the writer is always at the reader's heels.
    test::LatchRig rig(*device, {flesh, flesh}, {.subjects = 2, .matrices = 120, .slots = 3});
    std::atomic<bool> stop{false};
    std::jthread writer([&] {
      std::vector<glm::mat4> palette(60, glm::mat4(1.0f));
      for (std::uint64_t sequence = 1; !stop.load(std::memory_order_relaxed); ++sequence) {
        // Whole numbers that a float can hold.
        for (glm::mat4& m : palette) m[3].x = static_cast<float>(sequence % 1000003);
        rig.ring().publish({.sequence = sequence},
                           std::vector<anim::PublishedSubject>{{.world_from_bind = palette},
                                                               {.world_from_bind = palette}});
      }
    });
    // tools/soak asks for a million.
    const char* asked = std::getenv("UNDERSTUDY_LATCHES");
    const long rounds = asked != nullptr ? std::atol(asked) : 400;
    long whole = 0, again = 0;
    for (long round = 0; round < rounds; ++round) {
      const test::Latched made = rig.run(inputOf());
      if (made.record.number == 0) continue;
      ++whole;
      again += made.record.tries > 1 ? 1 : 0;
      const auto sequence = static_cast<float>(made.record.sequence_low % 1000003);
      bool same = true;
      for (const shaders::JointRows& rows : made.palettes) same &= rows.row[0].w == sequence;
      CHECK(same);
    }
    stop = true;
    MESSAGE(whole << " poses taken, " << again << " of them read again");
    CHECK(whole > 0);
  }

  TEST_CASE("a pose is moved on to when it will be seen, and limbs keep their thickness") {
    test::CheckedDevice device;
    if (!device) return;
    std::mt19937 random(8);
    const auto flesh = someFlesh(random, 12);
    test::LatchRig rig(*device, {flesh}, {.subjects = 1, .matrices = 24});
    const auto now = somePalette(random, 12);
    std::vector<glm::mat4> ahead = now;
    for (glm::mat4& m : ahead) {
      m = glm::translate(glm::mat4(1.0f), glm::vec3(0.2f, 0.0f, 0.0f)) * m *
          glm::rotate(glm::mat4(1.0f), 0.4f, glm::vec3(0.0f, 0.0f, 1.0f));
    }
    const core::Time exposed{std::chrono::nanoseconds(9'000'000'123)};
    REQUIRE(rig.ring().publish({.sequence = 4, .exposed = exposed},
                               std::vector<anim::PublishedSubject>{
                                   {.world_from_bind = now, .world_from_bind_ahead = ahead}},
                               std::chrono::milliseconds(20)));
    const auto at = [&](core::Duration later) {
      shaders::LatchInput input = inputOf();
      const auto seen = static_cast<std::uint64_t>((exposed + later).time_since_epoch().count());
      input.seen_low = static_cast<std::uint32_t>(seen);
      input.seen_high = static_cast<std::uint32_t>(seen >> 32);
      return rig.run(input);
    };
    CHECK(largest(matrixOf(rig.run(inputOf()).palettes[3]), now[3]) == 0.0f);
    for (const int ms : {-5, 0, 5, 10, 20, 80}) {
      const float share = std::clamp(static_cast<float>(ms) / 20.0f, 0.0f, 1.0f);
      const test::Latched made = at(std::chrono::milliseconds(ms));
      for (std::size_t j = 0; j < 12; ++j) {
        const glm::mat4 m = matrixOf(made.palettes[j]);
        const glm::vec4 centre(flesh[j].centre, 1.0f);
        const glm::vec3 expected =
            glm::mix(glm::vec3(now[j] * centre), glm::vec3(ahead[j] * centre), share);
        CHECK(glm::distance(glm::vec3(m * centre), expected) < 2e-5f);
        CHECK(glm::length(glm::vec3(m[0])) == doctest::Approx(1.0f).epsilon(1e-5));
        CHECK(glm::length(glm::vec3(m[1])) == doctest::Approx(1.0f).epsilon(1e-5));
      }
    }
  }

  TEST_CASE("the view is the tracked camera's, once there is one") {
    test::CheckedDevice device;
    if (!device) return;
    const std::vector<shaders::JointFlesh> flesh(2, {.reach = 0.1f});
    test::LatchRig rig(*device, {flesh}, {.subjects = 1, .matrices = 2});
    shaders::LatchInput input = inputOf();
    input.follow_camera = 1;
    input.frame.eye = {1.0f, 2.0f, 3.0f};
    CHECK(rig.run(input).uniforms.eye == glm::vec3(1.0f, 2.0f, 3.0f));
    const scene::View view{.eye = {0.4f, 1.7f, 5.0f}, .target = {0.2f, 1.1f, 0.0f}};
    const glm::mat4 view_from_world = scene::viewFromWorld(view);
    const glm::mat4 world_from_view = glm::inverse(view_from_world);
    const math::RigidTransform camera{glm::quat_cast(glm::mat3(world_from_view)), view.eye};
    REQUIRE(rig.cameras().publish(
        {}, std::vector<anim::PublishedSubject>{{.parent_from_joint = std::span(&camera, 1)}}));
    const test::Latched made = rig.run(input);
    CHECK(made.record.camera_number == 1);
    CHECK(made.uniforms.eye == view.eye);
    CHECK(largest(made.uniforms.clip_from_world,
                  scene::clipFromView(view, 1.5f) * view_from_world) < 1e-5f);
    const float tangent = std::tan(0.5f * view.vertical_fov);
    CHECK(glm::distance(made.uniforms.view_forward, glm::normalize(view.target - view.eye)) <
          1e-5f);
    CHECK(glm::length(made.uniforms.view_right) == doctest::Approx(1.5f * tangent).epsilon(1e-5));
    CHECK(made.uniforms.pixel_tangent == doctest::Approx(2.0f * tangent / 800.0f));
  }

  TEST_CASE("a frame that was sent long before shows the pose that came last") {
    test::CheckedDevice device;
    if (!device || device->features.host_memory_alignment == 0) return;
    constexpr std::uint32_t kWidth = 96, kHeight = 64;
    auto renderer = render::Renderer::create(
        *device, {.width_px = kWidth,
                  .height_px = kHeight,
                  .quality = render::qualitySettings(render::Quality::low)});
    REQUIRE(renderer);
    const scene::Character man = test::boxMan();
    const auto model = (*renderer)->addModel(man);
    REQUIRE(model);
    REQUIRE((*renderer)->setCast(std::vector{*model}));
    const auto joints = static_cast<std::uint32_t>((*renderer)->jointCount(*model));
    const anim::PoseRingCapacity capacity{.subjects = 1, .matrices = joints};
    const core::PageMemory pages(anim::PoseRing::memoryBytes(capacity));
    anim::PoseRing ring(pages.bytes(), capacity);
    const auto memory = gpu::Buffer::import(
        *device, pages.bytes(),
        VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
    REQUIRE(memory);
    (*renderer)->followPoses(&*memory);
    const auto publish = [&](std::uint64_t sequence, float x) {
      const auto palette = test::restPalette(man, {x, 0.0f, 0.0f});
      REQUIRE(ring.publish({.sequence = sequence},
                           std::vector<anim::PublishedSubject>{{.world_from_bind = palette}}));
    };
    const auto given = [&](std::uint64_t sequence, float x) {
      const auto palette = test::restPalette(man, {x, 0.0f, 0.0f});
      const std::vector<std::span<const glm::mat4>> palettes{palette};
      const auto image = (*renderer)->render({.sequence = sequence, .palettes = palettes},
                                             {.sequence_strip = true});
      REQUIRE(image);
      return test::copyOf(image->rgba);
    };
    publish(40, 0.0f);
    REQUIRE((*renderer)->beginFrame({.readback = true, .sequence_strip = true}));
    (*renderer)->latch({.newest = true});
    REQUIRE((*renderer)->submit({.gated = true}));
    CHECK_FALSE((*renderer)->finished());
    publish(41, 0.5f);
    CHECK_FALSE((*renderer)->finished());
    REQUIRE((*renderer)->openGate());
    const auto image = (*renderer)->wait();
    REQUIRE(image);
    CHECK(image->sequence == 41);
    CHECK(image->publication == 2);
    const auto shown = test::copyOf(image->rgba);
    CHECK(shown == given(41, 0.5f));
    CHECK(shown != given(40, 0.0f));
    // A gate that nobody opens does not hold up the end.
    REQUIRE((*renderer)->beginFrame());
    REQUIRE((*renderer)->submit({.gated = true}));
    (*renderer)->latch({.newest = true});
    renderer->reset();
  }
}
