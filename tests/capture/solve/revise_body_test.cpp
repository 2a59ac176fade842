#include "capture/solve/revise_body.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/guard_bench.h"

using namespace understudy;

namespace {

// A tracked figure whose names can be spoiled, and the search for a better body.
struct Bench : test::GuardBench {
  solve::RecogniseSettings recognise;
  solve::Cast cast = solve::makeCast(subjects, models);
  solve::FindWorkspace find_workspace = solve::makeFindWorkspace(cast, 256);
  solve::RecogniseWorkspace recognise_workspace = solve::makeRecogniseWorkspace(subjects[0], 256);
  solve::ReviseWorkspace revise{.find = solve::makeFindState(cast), .settled = {0}};
  std::vector<solve::Placement> placements{1};
  solve::ReviseState memory;

  Bench() : GuardBench(test::perfectSettings()) {
    solve::reserve(placements[0], subjects[0]);
    for (std::uint64_t f = 0; f < 8; ++f) {
      look(f);
      finish();
    }
  }

  bool runAt(std::uint64_t sequence) {
    return solve::ReviseBody{.settings = recognise,
                             .solve_settings = solve_settings,
                             .kernels = solve::baselineTreeKernels(),
                             .cast = cast,
                             .subject_index = 0,
                             .sequence = sequence,
                             .labels = labels,
                             .state = states[0],
                             .solve_workspace = workspaces[0],
                             .workspace = recognise_workspace,
                             .find_workspace = find_workspace,
                             .revise = revise,
                             .placements = placements,
                             .memory = memory}
        .run();
  }

  // Left is right and right is left.
  void mirrorNames() {
    auto& slots = labels.subjects[0].markers;
    for (std::size_t m = 0; m < slots.size(); ++m) {
      const std::string& name = subjects[0].markers[m].name;
      for (std::size_t n = 0; n < slots.size() && name[0] == 'L'; ++n) {
        if (subjects[0].markers[n].name == "R" + name.substr(1)) std::swap(slots[m], slots[n]);
      }
    }
  }

  bool isAllRight() const {
    for (std::size_t m = 0; m < subjects[0].markers.size(); ++m) {
      if (!isRight(m)) return false;
    }
    return true;
  }
};

}  // namespace

TEST_SUITE("solve/revise_body") {
  TEST_CASE("a body whose sides were taken for each other is named anew at the second look") {
    Bench bench;
    bench.look(8);
    bench.mirrorNames();
    CHECK_FALSE(bench.runAt(8));
    CHECK_FALSE(bench.isAllRight());
    bench.look(10);
    bench.mirrorNames();
    const std::uint64_t before = test::allocationCount();
    CHECK(bench.runAt(10));
    CHECK(test::allocationCount() == before);
    CHECK(bench.isAllRight());
    CHECK(bench.states[0].tracked);
  }

  TEST_CASE("a body with the right names keeps them, and is looked at less and less often") {
    Bench bench;
    std::uint64_t last = 0;
    for (std::uint64_t f = 8; f < 200; ++f) {
      bench.look(f);
      if (f < bench.memory.next) continue;
      CHECK_FALSE(bench.runAt(f));
      CHECK(bench.isAllRight());
      CHECK(bench.memory.next - f >= last);
      last = bench.memory.next - f;
    }
    CHECK(last >= 48);
  }

  TEST_CASE("a stray is a seen marker as far off the model as is remembered") {
    Bench bench;
    const frame::LabelledSubject& named = bench.labels.subjects[0];
    CHECK_FALSE(solve::hasStray(named, bench.solve_settings, bench.states[0]));
    bench.states[0].bias[3] = {0.0, 0.0, bench.solve_settings.largest_bias};
    CHECK(solve::hasStray(named, bench.solve_settings, bench.states[0]));
    bench.labels.subjects[0].markers[3] = {};
    CHECK_FALSE(solve::hasStray(named, bench.solve_settings, bench.states[0]));
  }
}
