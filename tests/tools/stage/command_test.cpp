#include <doctest/doctest.h>

#include <string>

#include "tests/support/call.h"
#include "tests/support/text.h"

// understudy-stage as scripts call it.

using namespace understudy;
using test::call;
using test::has;

TEST_SUITE("tools/stage/command") {
  TEST_CASE("wrong usage ends with 2 and one line that names the flag and the remedy") {
    const auto refused = [](const std::string& arguments) {
      const test::Outcome outcome = call("understudy-stage", "--headless --frames 2 " + arguments);
      CHECK(outcome.code == 2);
      CHECK(outcome.output.empty());
      CHECK(outcome.error.find('\n') + 1 == outcome.error.size());
      return outcome.error;
    };
    CHECK(has(refused("--character hero.fbx"), ".glb, .gltf and .vrm"));
    CHECK(has(refused("--motion dance.xyz"), ".bvh"));
    CHECK(has(refused("--play take.mcap --motion dance.bvh"), "--play and --motion"));
    CHECK(has(refused("--play take.mcap --listen 127.0.0.1:5000"), "--listen and --play"));
    CHECK(has(refused("--size 12"), "--size"));
  }
}
