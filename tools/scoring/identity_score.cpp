#include "tools/scoring/identity_score.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tools/scoring/spread.h"

namespace understudy::scoring {

std::vector<std::size_t> bestPairing(const std::vector<double>& gain, std::size_t count) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  // Row and column 0 are the augmenting path's start; `owner` is the row of each column.
  std::vector<double> row_potential(count + 1), column_potential(count + 1);
  std::vector<std::size_t> owner(count + 1, 0), came_from(count + 1, 0);
  for (std::size_t row = 1; row <= count; ++row) {
    std::vector<double> slack(count + 1, kFar);
    std::vector<std::uint8_t> done(count + 1, 0);
    owner[0] = row;
    std::size_t column = 0;
    do {
      done[column] = 1;
      const std::size_t from = owner[column];
      double least = kFar;
      std::size_t next = 0;
      for (std::size_t c = 1; c <= count; ++c) {
        if (done[c] != 0) continue;
        const double reduced =
            -gain[(from - 1) * count + c - 1] - row_potential[from] - column_potential[c];
        if (reduced < slack[c]) {
          slack[c] = reduced;
          came_from[c] = column;
        }
        if (slack[c] < least) {
          least = slack[c];
          next = c;
        }
      }
      for (std::size_t c = 0; c <= count; ++c) {
        if (done[c] != 0) {
          row_potential[owner[c]] += least;
          column_potential[c] -= least;
        } else {
          slack[c] -= least;
        }
      }
      column = next;
    } while (owner[column] != 0);
    for (; column != 0; column = came_from[column]) owner[column] = owner[came_from[column]];
  }
  std::vector<std::size_t> column_of(count);
  for (std::size_t c = 1; c <= count; ++c) column_of[owner[c] - 1] = c - 1;
  return column_of;
}

IdentityScore::IdentityScore(std::size_t count) : slots_(count) {}

void IdentityScore::slot(std::size_t index, std::int32_t marker, bool wanted) {
  filled_ += 1;
  if (marker < 0) return;
  Slot& slot = slots_[index];
  const auto end = slot.partners.begin() + static_cast<std::ptrdiff_t>(slot.used);
  auto at = std::find_if(slot.partners.begin(), end,
                         [&](const Partner& partner) { return partner.marker == marker; });
  if (at == end) {
    if (slot.used == kPartners) return;
    *at = {.marker = marker};
    ++slot.used;
  }
  ++(wanted ? at->wanted : at->unasked);
}

// Slots and markers that are linked by any frame, as the smallest number among them.
std::vector<std::int32_t> IdentityScore::components() const {
  std::vector<std::int32_t> parent(slots_.size());
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](std::int32_t i) {
    while (parent[static_cast<std::size_t>(i)] != i) i = parent[static_cast<std::size_t>(i)];
    return i;
  };
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    for (std::size_t k = 0; k < slots_[s].used; ++k) {
      const std::int32_t a = root(static_cast<std::int32_t>(s));
      const std::int32_t b = root(slots_[s].partners[k].marker);
      parent[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
    }
  }
  for (std::size_t s = 0; s < slots_.size(); ++s) parent[s] = root(static_cast<std::int32_t>(s));
  return parent;
}

double IdentityScore::idf1() const {
  const std::vector<std::int32_t> component = components();
  std::vector<std::vector<std::size_t>> members(slots_.size());
  std::vector<std::size_t> place(slots_.size());
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    std::vector<std::size_t>& group = members[static_cast<std::size_t>(component[s])];
    place[s] = group.size();
    group.push_back(s);
  }
  double agreed = 0, unasked = 0;
  for (const std::vector<std::size_t>& group : members) {
    const std::size_t n = group.size();
    if (n == 0) continue;
    // What a pairing saves: two for each frame of agreement, one for each frame that nobody asked
    // for and that would else be a false positive.
    std::vector<double> gain(n * n, 0.0), agree(n * n, 0.0), free(n * n, 0.0);
    for (std::size_t row = 0; row < n; ++row) {
      const Slot& slot = slots_[group[row]];
      for (std::size_t k = 0; k < slot.used; ++k) {
        const Partner& partner = slot.partners[k];
        const std::size_t cell = row * n + place[static_cast<std::size_t>(partner.marker)];
        agree[cell] = partner.wanted;
        free[cell] = partner.unasked;
        gain[cell] = 2.0 * partner.wanted + partner.unasked;
      }
    }
    const std::vector<std::size_t> column = bestPairing(gain, n);
    for (std::size_t row = 0; row < n; ++row) {
      agreed += agree[row * n + column[row]];
      unasked += free[row * n + column[row]];
    }
  }
  const double false_positives = filled_ - unasked - agreed, false_negatives = wanted_ - agreed;
  return ratio(2.0 * agreed, 2.0 * agreed + false_positives + false_negatives);
}

}  // namespace understudy::scoring
