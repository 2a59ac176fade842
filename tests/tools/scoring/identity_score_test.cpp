#include "tools/scoring/identity_score.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

using namespace understudy;
using scoring::IdentityScore;

TEST_SUITE("scoring/identity_score") {
  TEST_CASE("the best pairing is the best of all permutations") {
    std::mt19937 engine(3);
    for (std::size_t count = 1; count <= 6; ++count) {
      for (int round = 0; round < 40; ++round) {
        std::vector<double> gain(count * count);
        for (double& value : gain) value = double(engine() % 8);
        const auto sum = [&](const std::vector<std::size_t>& columns) {
          double total = 0;
          for (std::size_t row = 0; row < count; ++row) total += gain[row * count + columns[row]];
          return total;
        };
        std::vector<std::size_t> columns(count);
        std::iota(columns.begin(), columns.end(), std::size_t{0});
        double best = 0;
        do {
          best = std::max(best, sum(columns));
        } while (std::next_permutation(columns.begin(), columns.end()));
        std::vector<std::size_t> found = scoring::bestPairing(gain, count);
        CHECK(sum(found) == best);
        std::sort(found.begin(), found.end());
        CHECK(std::adjacent_find(found.begin(), found.end()) == found.end());
      }
    }
  }

  TEST_CASE("an identity that changes its marker keeps the longer part") {
    IdentityScore score(2);
    for (int f = 0; f < 10; ++f) {
      score.want();
      score.want();
      score.slot(0, f < 7 ? 0 : 1, true);
      score.slot(1, f < 7 ? 1 : 0, true);
    }
    CHECK(score.idf1() == doctest::Approx(0.7));
  }

  TEST_CASE("a split identity: one marker carried by two slots in turn") {
    IdentityScore score(2);
    for (int f = 0; f < 10; ++f) {
      score.want();
      score.slot(f < 6 ? 0 : 1, 0, true);
    }
    // IDTP 6, IDFP 4, IDFN 4.
    CHECK(score.idf1() == doctest::Approx(12.0 / 20.0));
  }

  TEST_CASE("what nobody asks for is free for the slot it belongs to and false for any other") {
    IdentityScore own(2), other(2);
    for (int f = 0; f < 10; ++f) {
      own.want();
      own.slot(0, 0, true);
      own.slot(1, 1, false);
      other.want();
      other.want();
      other.slot(0, 0, true);
      other.slot(1, 1, true);
    }
    other.slot(0, 1, false);
    CHECK(own.idf1() == 1.0);
    CHECK(other.idf1() == doctest::Approx(40.0 / 41.0));
  }

  TEST_CASE("slots that hold nothing true are false positives, and nothing at all is no number") {
    IdentityScore score(1);
    CHECK(std::isnan(score.idf1()));
    score.want();
    score.slot(0, -1, false);
    CHECK(score.idf1() == 0.0);
  }
}
