#include "capture/calibrate/dense.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace understudy;

namespace {

std::vector<double> randomNumbers(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<double> numbers(count);
  for (double& value : numbers) value = double(engine()) / 4294967296.0 - 0.5;
  return numbers;
}

}  // namespace

TEST_SUITE("calibrate/dense") {
  TEST_CASE("both builds of the product give the same bytes, and the right ones") {
    constexpr std::size_t kCount = 77, kColumns = 40;
    const std::vector<double> rows = randomNumbers(kCount * kColumns, 1);
    std::vector<double> plain(kColumns * kColumns), other(plain), wanted(plain);
    calibrate::multiplyTransposedBaseline(rows.data(), kCount, kColumns, 0, kColumns, plain.data());
    for (std::size_t r = 0; r < kColumns; ++r) {
      for (std::size_t c = 0; c <= r; ++c) {
        double sum = 0;
        for (std::size_t k = 0; k < kCount; ++k)
          sum += rows[k * kColumns + r] * rows[k * kColumns + c];
        CHECK(std::abs(plain[r * kColumns + c] - sum) < 1e-13);
      }
    }
    calibrate::multiplyTransposed(rows.data(), kCount, kColumns, 0, 16, other.data());
    calibrate::multiplyTransposed(rows.data(), kCount, kColumns, 16, kColumns, other.data());
    for (std::size_t r = 0; r < kColumns; ++r)
      for (std::size_t c = 0; c <= r; ++c)
        CHECK(plain[r * kColumns + c] == other[r * kColumns + c]);
  }

  TEST_CASE("a factored matrix solves and inverts") {
    constexpr std::size_t n = 31;
    const std::vector<double> rows = randomNumbers(n * n, 2), solution = randomNumbers(n, 3);
    calibrate::SymmetricMatrix matrix(n);
    for (std::size_t r = 0; r < n; ++r)
      for (std::size_t c = 0; c <= r; ++c) {
        double sum = r == c ? 0.1 : 0.0;
        for (std::size_t k = 0; k < n; ++k) sum += rows[k * n + r] * rows[k * n + c];
        matrix.add(c, r, sum);
      }
    std::vector<double> right(n, 0.0);
    for (std::size_t r = 0; r < n; ++r)
      for (std::size_t c = 0; c < n; ++c)
        right[r] += matrix.at(std::max(r, c), std::min(r, c)) * solution[c];
    calibrate::SymmetricMatrix factored = matrix;
    calibrate::factor(factored);
    std::vector<double> found = right;
    calibrate::solveFactored(factored, found);
    for (std::size_t i = 0; i < n; ++i) CHECK(std::abs(found[i] - solution[i]) < 1e-9);
    const calibrate::SymmetricMatrix inverse = calibrate::inverseFactored(factored);
    for (std::size_t r = 0; r < n; ++r) {
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k)
        sum += inverse.at(r, k) * matrix.at(std::max(k, r), std::min(k, r));
      CHECK(std::abs(sum - 1.0) < 1e-8);
    }
  }
}
