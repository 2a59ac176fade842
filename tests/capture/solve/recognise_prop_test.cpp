#include "capture/solve/recognise_prop.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>

#include "engine/math/exponential.h"
#include "tests/support/allocations.h"
#include "tests/support/props.h"

using namespace understudy;
using solve::PropPattern;
using solve::PropPlacement;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Scene {
  std::mt19937 random;
  std::vector<glm::dvec3> points{};
  std::vector<std::uint8_t> taken{};
  solve::PropSettings settings{};
  solve::PropWorkspace workspace = solve::makePropWorkspace(4096);
  PropPlacement placement{};

  double uniform(double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random);
  }

  math::RigidTransformd anywhere() {
    return {math::rotationFromVector({uniform(-2, 2), uniform(-2, 2), uniform(-2, 2)}),
            {uniform(-2, 2), uniform(0, 2), uniform(-2, 2)}};
  }

  void addClutter(int count) {
    for (int i = 0; i < count; ++i) {
      points.push_back({uniform(-3, 3), uniform(0, 2), uniform(-3, 3)});
    }
  }

  // Markers of the mask, each off by about this much; returns where they begin.
  std::size_t addProp(const subject::Subject& prop, const math::RigidTransformd& world,
                      unsigned mask, double noise) {
    const std::size_t first = points.size();
    std::normal_distribution<double> normal(0.0, noise > 0.0 ? noise : 1e-12);
    for (std::size_t m = 0; m < prop.markers.size(); ++m) {
      if (((mask >> m) & 1u) == 0) continue;
      points.push_back(world * glm::dvec3(prop.markers[m].offset_joint) +
                       glm::dvec3(normal(random), normal(random), normal(random)));
    }
    return first;
  }

  bool find(const PropPattern& pattern) {
    taken.assign(points.size(), 0);
    workspace.tests = 0;
    solve::RecogniseProp{.settings = settings,
                         .pattern = pattern,
                         .points = points,
                         .taken = taken,
                         .workspace = workspace,
                         .placement = placement}
        .run();
    return placement.found;
  }
};

double turnBetween(const math::RigidTransformd& a, const math::RigidTransformd& b) {
  return glm::length(math::vectorFromRotation(glm::conjugate(a.rotation) * b.rotation));
}

}  // namespace

TEST_SUITE("solve/recognise_prop") {
  TEST_CASE("a prop in any pose is found among six hundred points, each marker by name") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    for (unsigned seed = 0; seed < 50; ++seed) {
      CAPTURE(seed);
      Scene scene{.random = std::mt19937(seed)};
      scene.addClutter(594);
      const math::RigidTransformd world = scene.anywhere();
      const std::size_t first = scene.addProp(prop, world, 0x3f, 0.0004);
      REQUIRE(scene.find(pattern));
      CHECK(scene.placement.matched == 6);
      for (std::size_t m = 0; m < 6; ++m) {
        CHECK(scene.placement.point_of_marker[m] == static_cast<std::int32_t>(first + m));
      }
      CHECK(glm::distance(scene.placement.world_from_prop.translation, world.translation) < 0.002);
      CHECK(turnBetween(scene.placement.world_from_prop, world) < 0.01);
      CHECK(scene.workspace.tests < 200000);
    }
  }

  TEST_CASE("four markers of six are enough, whichever they are") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    for (unsigned mask = 0; mask < 64; ++mask) {
      if (__builtin_popcount(mask) != 4) continue;
      CAPTURE(mask);
      Scene scene{.random = std::mt19937(mask)};
      scene.addClutter(200);
      const math::RigidTransformd world = scene.anywhere();
      scene.addProp(prop, world, mask, 0.0003);
      REQUIRE(scene.find(pattern));
      CHECK(scene.placement.matched == 4);
      CHECK(turnBetween(scene.placement.world_from_prop, world) < 0.03);
      for (std::size_t m = 0; m < 6; ++m) {
        CHECK((scene.placement.point_of_marker[m] >= 0) == (((mask >> m) & 1u) != 0));
      }
    }
  }

  TEST_CASE("three markers are enough where nothing else could be meant, and only there") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    Scene alone{.random = std::mt19937(1)};
    alone.addClutter(3);
    const math::RigidTransformd world = alone.anywhere();
    alone.addProp(prop, world, 0b010110, 0.0001);
    REQUIRE(alone.find(pattern));
    CHECK(alone.placement.matched == 3);
    CHECK(turnBetween(alone.placement.world_from_prop, world) < 0.02);

    Scene crowd{.random = std::mt19937(1)};
    crowd.addClutter(60);
    crowd.addProp(prop, crowd.anywhere(), 0b010110, 0.0001);
    CHECK_FALSE(crowd.find(pattern));

    Scene twice{.random = std::mt19937(1)};
    twice.addProp(prop, twice.anywhere(), 0b010110, 0.0001);
    twice.addProp(prop, twice.anywhere(), 0b010110, 0.0001);
    CHECK_FALSE(twice.find(pattern));
  }

  TEST_CASE("nothing is found where the prop is not") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    int found = 0;
    for (unsigned seed = 0; seed < 100; ++seed) {
      Scene scene{.random = std::mt19937(seed)};
      scene.addClutter(300);
      found += scene.find(pattern) ? 1 : 0;
    }
    CHECK(found == 0);
    Scene empty{.random = std::mt19937(0)};
    CHECK_FALSE(empty.find(pattern));
    empty.points.assign(600, glm::dvec3(1.0));
    CHECK_FALSE(empty.find(pattern));
  }

  TEST_CASE("a mirrored prop is refused") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    subject::Subject other = prop;
    for (auto& marker : other.markers) marker.offset_joint.x = -marker.offset_joint.x;
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    Scene scene{.random = std::mt19937(2)};
    scene.addClutter(100);
    scene.addProp(other, scene.anywhere(), 0x3f, 0.0003);
    CHECK_FALSE(scene.find(pattern));
  }

  TEST_CASE("a flip that explains as much is refused until a marker tells them apart") {
    // A square with a fifth marker off its middle: the square alone fits in four ways.
    const subject::Subject prop = test::makeProp(
        "prop",
        {{0.1f, 0, 0.1f}, {-0.1f, 0, 0.1f}, {-0.1f, 0, -0.1f}, {0.1f, 0, -0.1f}, {0.04f, 0.2f, 0}});
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    Scene scene{.random = std::mt19937(3)};
    const math::RigidTransformd world = scene.anywhere();
    scene.addProp(prop, world, 0b01111, 0.0002);
    CHECK_FALSE(scene.find(pattern));
    scene.points.clear();
    scene.addProp(prop, world, 0b11111, 0.0002);
    REQUIRE(scene.find(pattern));
    CHECK(turnBetween(scene.placement.world_from_prop, world) < 0.02);
  }

  TEST_CASE("points that are taken are left alone") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    Scene scene{.random = std::mt19937(4)};
    scene.addProp(prop, scene.anywhere(), 0x3f, 0.0002);
    REQUIRE(scene.find(pattern));
    scene.taken.assign(scene.points.size(), 0);
    scene.taken[0] = scene.taken[1] = scene.taken[2] = 1;
    scene.settings.triangle_points = 0;
    solve::RecogniseProp{.settings = scene.settings,
                         .pattern = pattern,
                         .points = scene.points,
                         .taken = scene.taken,
                         .workspace = scene.workspace,
                         .placement = scene.placement}
        .run();
    CHECK_FALSE(scene.placement.found);
  }

  TEST_CASE("the search keeps to its budget and allocates nothing") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    Scene scene{.random = std::mt19937(6)};
    scene.addClutter(50);
    // A dense heap, where nearly every distance fits.
    for (int i = 0; i < 2000; ++i) {
      scene.points.push_back({scene.uniform(0, 0.3), scene.uniform(0, 0.3), scene.uniform(0, 0.3)});
    }
    scene.find(pattern);
    const std::uint64_t before = test::allocationCount();
    scene.find(pattern);
    CHECK(test::allocationCount() == before);
    CHECK(scene.workspace.tests < 2 * scene.settings.tests);
  }

  TEST_CASE("the same points give the same bytes") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    const PropPattern pattern = solve::makePropPattern(prop, solve::PropSettings{}.tolerance);
    Scene scene{.random = std::mt19937(7)};
    scene.addClutter(400);
    scene.addProp(prop, scene.anywhere(), 0x3f, 0.0005);
    REQUIRE(scene.find(pattern));
    const PropPlacement first = scene.placement;
    REQUIRE(scene.find(pattern));
    CHECK(scene.placement.world_from_prop == first.world_from_prop);
    CHECK(scene.placement.point_of_marker == first.point_of_marker);
  }

  TEST_CASE("the fit turns down markers that do not agree with the others") {
    const subject::Subject prop = test::makeProp("prop", test::unevenPattern());
    const PropPattern pattern = solve::makePropPattern(prop, 0.005);
    Scene scene{.random = std::mt19937(8)};
    const math::RigidTransformd world = scene.anywhere();
    std::vector<glm::dvec3> seen;
    for (const glm::dvec3& point : pattern.points) seen.push_back(world * point);
    PropPlacement fit;
    solve::fitProp(pattern, 0.005, seen, fit);
    CHECK(fit.found);
    CHECK(fit.matched == 6);
    CHECK(fit.rms < 1e-9);
    seen[1] += glm::dvec3(0.02, 0.0, 0.0);
    seen[4] = glm::dvec3(kNaN);
    std::swap(seen[0], seen[5]);
    solve::fitProp(pattern, 0.005, seen, fit);
    CHECK_FALSE(fit.found);  // Two of five agree at most.
    std::swap(seen[0], seen[5]);
    solve::fitProp(pattern, 0.005, seen, fit);
    CHECK(fit.found);
    CHECK(fit.matched == 4);
    CHECK(fit.point_of_marker[1] == -1);
    CHECK(fit.point_of_marker[4] == -1);
    CHECK(turnBetween(fit.world_from_prop, world) < 1e-6);
  }

  TEST_CASE("settings out of range are named") {
    CHECK(solve::check(solve::PropSettings{}));
    CHECK(solve::check(solve::PropSettings{.tolerance = 0.0}).error().message.find("tolerance") !=
          std::string::npos);
    CHECK_FALSE(solve::check(solve::PropSettings{.tolerance = kNaN}));
    CHECK_FALSE(solve::check(solve::PropSettings{.smallest_share = 2.0}));
    CHECK_FALSE(solve::check(solve::PropSettings{.every = 0}));
  }
}
