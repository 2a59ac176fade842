#include "capture/label/assignment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>

using namespace understudy;

TEST_SUITE("label/assignment") {
  TEST_CASE("no permutation is cheaper than the one that is found") {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> costs(0.0, 10.0);
    label::AssignmentWorkspace workspace;
    label::reserve(workspace, 8);
    for (int trial = 0; trial < 200; ++trial) {
      const std::size_t rows = 1 + random() % 5, columns = rows + random() % 3;
      std::vector<double> cost(rows * columns);
      for (double& value : cost) value = costs(random);
      std::vector<std::int32_t> chosen(rows);
      label::assign(cost, rows, columns, workspace, chosen);
      double total = 0.0;
      for (std::size_t r = 0; r < rows; ++r) total += cost[r * columns + std::size_t(chosen[r])];
      std::vector<std::size_t> order(columns);
      std::iota(order.begin(), order.end(), std::size_t{0});
      double best = 1e9;
      do {
        double sum = 0.0;
        for (std::size_t r = 0; r < rows; ++r) sum += cost[r * columns + order[r]];
        best = std::min(best, sum);
      } while (std::next_permutation(order.begin(), order.end()));
      CHECK(total == doctest::Approx(best));
    }
  }

  TEST_CASE("a forbidden pair is never made") {
    label::AssignmentWorkspace workspace;
    label::reserve(workspace, 4);
    const std::vector<double> cost = {label::kForbidden, 1.0, label::kForbidden, label::kForbidden};
    std::vector<std::int32_t> chosen(2);
    label::assign(cost, 2, 2, workspace, chosen);
    CHECK(chosen[0] == 1);
    CHECK(chosen[1] == -1);
  }
}
