#include <doctest/doctest.h>
#include <imgui.h>

#include <cmath>

#include "engine/app/user_interface.h"
#include "engine/gpu/resources.h"
#include "tests/support/gpu.h"
#include "tools/panels/orbit_camera.h"
#include "tools/panels/stage_panel.h"

using namespace understudy;

TEST_SUITE("panels/orbit_camera") {
  TEST_CASE("turning keeps the distance and looks at the target") {
    panels::OrbitCamera camera;
    for (int i = 0; i < 50; ++i) {
      camera.move({.delta = {13.0f, -4.0f}, .left = true});
      const scene::View view = camera.view();
      CHECK(view.target == camera.target);
      if (view.eye.y > 0.031f) {
        CHECK(glm::distance(view.eye, view.target) == doctest::Approx(camera.distance));
      }
    }
  }

  TEST_CASE("moving sideways keeps the point under the pointer") {
    panels::OrbitCamera camera;
    const scene::View before = camera.view();
    camera.move({.delta = {72.0f, 0.0f}, .middle = true, .window_height = 720.0f});
    // A tenth of the window's height, in metres at the target's distance.
    const float metres = 0.2f * camera.distance * std::tan(0.5f * camera.vertical_fov);
    CHECK(glm::distance(before.target, camera.target) == doctest::Approx(metres));
  }

  TEST_CASE("the wheel and the right button stay within sensible distances") {
    panels::OrbitCamera camera;
    camera.move({.wheel = 1.0f});
    CHECK(camera.distance < 4.2f);
    for (int i = 0; i < 500; ++i) camera.move({.wheel = 3.0f});
    CHECK(camera.distance == doctest::Approx(0.2f));
    for (int i = 0; i < 500; ++i) camera.move({.delta = {-50.0f, 50.0f}, .right = true});
    CHECK(camera.distance == doctest::Approx(60.0f));
  }

  TEST_CASE("the eye stays above the floor") {
    panels::OrbitCamera camera;
    for (int i = 0; i < 100; ++i) camera.move({.delta = {0.0f, -20.0f}, .left = true});
    CHECK(camera.view().eye.y >= 0.03f);
  }
}

TEST_SUITE("panels/stage_panel") {
  TEST_CASE("a history gives its values oldest first and forgets the rest") {
    panels::History history;
    for (int i = 0; i < 700; ++i) history.add(static_cast<float>(i));
    CHECK(history.filled == panels::History::kSize);
    CHECK(history.at(0) == 220.0f);
    CHECK(history.at(history.filled - 1) == 699.0f);
  }

  TEST_CASE("empty and full panels are drawn") {
    test::CheckedDevice device;
    if (!device) return;
    auto interface = app::UserInterface::create(*device, nullptr, VK_FORMAT_R8G8B8A8_UNORM);
    REQUIRE(interface);
    panels::OverlayToggles toggles;
    panels::StagePanelData data;
    const auto vertices = [&] {
      for (int i = 0; i < 2;
           ++i) {  // A window that fits its content is drawn from the second frame.
        (*interface)->beginFrame(1280, 1100);
        panels::drawStagePanel(data, toggles);
        (*interface)->endFrame();
      }
      return ImGui::GetDrawData()->TotalVtxCount;
    };
    const int empty = vertices();
    CHECK(empty > 100);
    for (int i = 0; i < 500; ++i) data.span_b_us.add(2000.0f + static_cast<float>(i % 7) * 400.0f);
    data.span_b_bins = {0.0f, 0.5f, 0.3f, 0.2f};
    data.dropped = {{"superseded", 4}, {"late", 0}};
    data.stages = {{"sync", 10.0}, {"reconstruct", 90.0}, {"label", 20.0}, {"solve", 60.0}};
    data.subjects = {{"actor 1", 50, 53, true}, {"actor 2", 3, 53, false}, {"prop", 0, 0, true}};
    data.cameras.resize(40);
    data.scheduling = "SCHED_FIFO 80, memory locked";
    CHECK(vertices() > empty + 500);
  }
}
