#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace understudy::scoring {

/// Identity F1 of Ristani et al., "Performance measures and a data set for multi-target,
/// multi-camera tracking", 2016, section 3: every slot (a computed identity) is paired with one
/// true marker or none, once for the whole run, so that most frames agree (IDTP); what else the
/// slots hold is IDFP, what else there is to be found is IDFN. Markers that nobody is asked for in
/// a frame count neither for nor against the slot they are paired with.
class IdentityScore {
 public:
  /// Slots and true markers are numbered alike, 0 to `count` - 1.
  explicit IdentityScore(std::size_t count);

  /// One filled slot in one frame: it holds this true marker (-1: none), which was `wanted` or not.
  /// Allocates nothing.
  void slot(std::size_t index, std::int32_t marker, bool wanted);
  /// One true marker that is to be found in one frame.
  void want() { wanted_ += 1; }

  /// 2 IDTP / (2 IDTP + IDFP + IDFN); NaN where nothing was counted. Allocates.
  double idf1() const;

 private:
  struct Partner {
    std::int32_t marker = -1;
    std::uint32_t wanted = 0, unasked = 0;  ///< Frames on it.
  };
  /// A slot that visits more markers than this loses the frames on the later ones.
  static constexpr std::size_t kPartners = 24;
  struct Slot {
    std::array<Partner, kPartners> partners;
    std::size_t used = 0;
  };
  std::vector<std::int32_t> components() const;

  std::vector<Slot> slots_;
  double wanted_ = 0, filled_ = 0;
};

/// Pairs rows with columns of a square table so that the sum of `gain[row * count + column]` is
/// largest (Kuhn's Hungarian method with potentials); the column of every row.
std::vector<std::size_t> bestPairing(const std::vector<double>& gain, std::size_t count);

}  // namespace understudy::scoring
