// Predictions looked up by centroids, a part of projection_kernels.inl: included behind it in both
// builds.

namespace {

// Both halves of eight places shifted right by the same number of bits.
inline Int8 shifted(Int8 places, std::int32_t bits) {
#ifdef __AVX2__
  return (Int8)__builtin_ia32_psrawi256((NativeShort16)places, bits);
#else
  const NativeShort8 low = __builtin_ia32_psrawi128((NativeShort8)lowHalf(places), bits);
  const NativeShort8 high = __builtin_ia32_psrawi128((NativeShort8)highHalf(places), bits);
  return __builtin_shufflevector((Int4)low, (Int4)high, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}

// The sums of the products of the halves of eight pairs of 16-bit numbers.
inline Int8 productSum(Int8 a, Int8 b) {
#ifdef __AVX2__
  return (Int8)__builtin_ia32_pmaddwd256((NativeShort16)a, (NativeShort16)b);
#else
  const Int4 low =
      (Int4)__builtin_ia32_pmaddwd128((NativeShort8)lowHalf(a), (NativeShort8)lowHalf(b));
  const Int4 high =
      (Int4)__builtin_ia32_pmaddwd128((NativeShort8)highHalf(a), (NativeShort8)highHalf(b));
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}

// Differences of both halves.
inline Int8 difference(Int8 a, Int8 b) {
#ifdef __AVX2__
  return (Int8)((NativeShort16)a - (NativeShort16)b);
#else
  const NativeShort8 low = (NativeShort8)lowHalf(a) - (NativeShort8)lowHalf(b);
  const NativeShort8 high = (NativeShort8)highHalf(a) - (NativeShort8)highHalf(b);
  return __builtin_shufflevector((Int4)low, (Int4)high, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}

// The cells of eight columns and rows.
inline Int8 cellsOf(Int8 columns_and_rows) {
  const Int8 steps = Int8{} + (1 | kCellsPerRow << 16);
  return productSum(columns_and_rows, steps) & (kCells - 1);
}

inline std::int32_t squaredDistance(std::int32_t a, std::int32_t b) {
  const NativeShort8 off =
      (NativeShort8)(NativeInt4{a, 0, 0, 0}) - (NativeShort8)(NativeInt4{b, 0, 0, 0});
  return ((NativeInt4)__builtin_ia32_pmaddwd128(off, off))[0];
}

// Bit k: centroid k of eight is less than the root of `reach` quanta from a place.
inline unsigned nearOf(const std::int32_t* places, std::int32_t place, std::int32_t reach) {
  const Int8 off = difference(*reinterpret_cast<const Int8*>(places), Int8{} + place);
  return bitsOf(productSum(off, off) < reach);
}

std::size_t listUnclaimed(const std::int32_t* places, std::size_t count,
                          const std::uint16_t* owners, std::uint16_t* list,
                          std::int32_t* list_places) {
  std::size_t listed = 0;
  for (std::size_t i = 0; i < count; i += 8) {
    const Int8 owned = __builtin_convertvector(*reinterpret_cast<const Short8*>(owners + i), Int8);
    const Int8 place = *reinterpret_cast<const Int8*>(places + i);
    for (unsigned bits = bitsOf((owned == 0) & (place != kNoPlace)); bits != 0; bits &= bits - 1) {
      const std::size_t at = i + static_cast<unsigned>(__builtin_ctz(bits));
      list[listed] = static_cast<std::uint16_t>(at);
      list_places[listed++] = places[at];
    }
  }
  for (std::size_t k = 0; k < 8; ++k) list_places[listed + k] = kNoPlace;
  return listed;
}

inline std::int32_t sumOf(Int8 a) { return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7]; }

// The finest cells for which few gates are too wide.
std::int32_t chooseShift(const PredictedViews& views, std::size_t count) {
  constexpr int kSizes = kMostCellShift - kLeastCellShift;
  Int8 wide[kSizes] = {}, seen{};
  for (std::size_t i = 0; i < count; i += 8) {
    const Int8 reach = *reinterpret_cast<const Int8*>(views.reach + i);
    seen -= reach > 0;
    for (int k = 0; k < kSizes; ++k) wide[k] -= reach > (1 << (2 * (kLeastCellShift + k - 1)));
  }
  const std::int32_t few = 8 + (sumOf(seen) >> 5);
  for (int k = 0; k < kSizes; ++k) {
    if (sumOf(wide[k]) <= few) return kLeastCellShift + k;
  }
  return kMostCellShift;
}

// Few are to be looked up: all predictions are taken for wide.
void useNoCells(const PredictedViews& views, std::size_t count, PredictionCells& cells) {
  cells.shift = kNoCells;
  cells.wides = count;
  cells.wide_place = views.place;
  cells.wide_reach = views.reach;
}

void fillCells(const PredictedViews& views, std::size_t count, std::size_t centroids,
               PredictionCells& cells) {
  if (centroids <= kFewCentroids) return useNoCells(views, count, cells);
  cells.shift = chooseShift(views, count);
  cells.wides = 0;
  const std::int32_t widest = 1 << (2 * (cells.shift - 1));
  const Int8 nowhere = Int8{} + kNoCell;
  for (std::size_t i = 0; i < count; i += 8) {
    const Int8 reach = *reinterpret_cast<const Int8*>(views.reach + i);
    const Int8 place = *reinterpret_cast<const Int8*>(views.place + i);
    const Int8 seen = reach > 0, wide = reach > widest;
    const Int8 cell = (seen & ~wide) ? cellsOf(shifted(place, cells.shift)) : nowhere;
    UNDERSTUDY_STORE8I(cells.of_prediction + i, cell);
    for (std::size_t k = 1; k <= 8; ++k) {
      std::uint16_t& first = cells.first[cells.of_prediction[i + k - 1]];
      cells.next[i + k] = first;
      first = static_cast<std::uint16_t>(i + k);
    }
    for (unsigned bits = bitsOf(wide); bits != 0; bits &= bits - 1) {
      const std::size_t p = i + static_cast<unsigned>(__builtin_ctz(bits));
      cells.wide[cells.wides] = static_cast<std::uint16_t>(p);
      cells.wide_place[cells.wides] = views.place[p];
      cells.wide_reach[cells.wides++] = views.reach[p];
    }
  }
  for (std::size_t k = cells.wides; k % 8 != 0; ++k) cells.wide_reach[k] = 0;
  cells.first[kCells] = cells.first[0];  // Behind the last column of the last row.
}

void clearCells(std::size_t count, const PredictionCells& cells) {
  if (cells.shift == kNoCells) return;
  for (std::size_t p = 0; p < count; ++p) cells.first[cells.of_prediction[p]] = 0;
  cells.first[kCells] = 0;
}

// Bit k: the gate of wide prediction k of eight holds a place.
inline unsigned wideNear(const PredictionCells& cells, std::size_t k, std::int32_t place) {
  const Int8 off = difference(*reinterpret_cast<const Int8*>(cells.wide_place + k), Int8{} + place);
  return bitsOf(productSum(off, off) < *reinterpret_cast<const Int8*>(cells.wide_reach + k));
}

// The last prediction, plus one, in whose gate a centroid is, and their number.
struct Found {
  unsigned last = 0, number = 0;
};

Found findAll(const PredictionCells& cells, const PredictedViews& views, std::int32_t place,
              std::uint64_t firsts) {
  Found found;
  for (; firsts != 0; firsts >>= 16) {
    for (unsigned f = firsts & 0xffff; f != 0; f = cells.next[f]) {
      const bool near = squaredDistance(place, views.place[f - 1]) < views.reach[f - 1];
      found.last = near ? f : found.last;
      found.number += near;
    }
  }
  for (std::size_t k = 0; k < cells.wides; k += 8) {
    for (unsigned bits = wideNear(cells, k, place); bits != 0; bits &= bits - 1) {
      const unsigned at = static_cast<unsigned>(k) + static_cast<unsigned>(__builtin_ctz(bits));
      found.last = cells.shift == kNoCells ? at + 1 : cells.wide[at] + 1u;
      ++found.number;
    }
  }
  return found;
}

// The cells that the gates about eight centroids touch: of the upper row, of the lower, and what is
// to be kept of two neighbours in each.
struct EightCells {
  Int8 upper, lower, keep_upper, keep_lower;
};

inline EightCells cellsAbout(Int8 places, std::int32_t shift) {
  const std::int32_t half = (1 << (shift - 1)) - 1;
  const std::int32_t there = half | half << 16, back = (-half & 0xffff) | -half * 65536;
  const Int8 from = shifted(difference(places, Int8{} + there), shift);
  const Int8 to = shifted(difference(places, Int8{} + back), shift);
  const Int8 further = difference(to, from);  // 0 or 1 in both halves.
  const Int8 columns = -(further & 1) | 0xffff;
  const Int8 cell = cellsOf(from);
  return {cell, (cell + kCellsPerRow) & (kCells - 1), columns, columns & -(further >> 16)};
}

inline std::uint32_t twoCells(const std::uint16_t* first) {
  std::uint32_t two;
  __builtin_memcpy(&two, first, sizeof two);
  return two;
}

// The firsts of the four cells about one of eight centroids.
inline std::uint64_t firstsOf(const PredictionCells& cells, const EightCells& about,
                              std::size_t k) {
  if (cells.shift == kNoCells) return 0;
  const std::uint32_t upper =
      twoCells(cells.first + about.upper[k]) & static_cast<std::uint32_t>(about.keep_upper[k]);
  const std::uint32_t lower =
      twoCells(cells.first + about.lower[k]) & static_cast<std::uint32_t>(about.keep_lower[k]);
  return upper | std::uint64_t{lower} << 32;
}

Seen lookUp(const PredictionCells& cells, const PredictedViews& views, const std::uint16_t* list,
            const std::int32_t* places, std::size_t count, const Claims& claims,
            std::uint16_t* left) {
  Seen seen{};
  const std::int32_t shift = cells.shift == kNoCells ? kLeastCellShift : cells.shift;
  for (std::size_t i = 0; i < count; i += 8) {
    const EightCells about = cellsAbout(*reinterpret_cast<const Int8*>(places + i), shift);
    const std::size_t end = i + 8 < count ? 8 : count - i;
    for (std::size_t k = 0; k < end; ++k) {
      const std::uint16_t centroid = list[i + k];
      const Found found = findAll(cells, views, places[i + k], firstsOf(cells, about, k));
      if (found.number == 0) {
        left[seen.left++] = centroid;
      } else if (found.number == 1 && claims.of_prediction[found.last - 1] == 0) {
        claims.of_prediction[found.last - 1] = static_cast<std::uint16_t>(centroid + 1);
        claims.of_centroid[centroid] = static_cast<std::uint16_t>(found.last);
      } else {
        claims.of_centroid[centroid] = kDisputed;
        claims.queue[seen.queued++] = centroid;
      }
    }
  }
  return seen;
}

std::size_t listLong(const UndistortedCentroids& centroids, std::size_t count,
                     std::uint16_t* list) {
  std::size_t listed = 0;
  for (std::size_t i = 0; i < count; i += 8) {
    for (unsigned bits = bitsOf(UNDERSTUDY_LOAD8(centroids.slack + i) > 0.0f); bits != 0;
         bits &= bits - 1) {
      list[listed++] = static_cast<std::uint16_t>(i + static_cast<unsigned>(__builtin_ctz(bits)));
    }
  }
  return listed;
}

std::size_t gatherPredictions(const PredictedViews& views, std::size_t count, float u, float v,
                              float slack, std::uint16_t* list) {
  std::size_t some = 0;
  for (std::size_t p = 0; p < count; p += 8) {
    const Float8 du = UNDERSTUDY_LOAD8(views.u + p) - u, dv = UNDERSTUDY_LOAD8(views.v + p) - v;
    const Float8 reach = UNDERSTUDY_LOAD8(views.gate_px + p) + slack;
    const Int8 near = (du * du + dv * dv <= reach * reach) &
                      (*reinterpret_cast<const Int8*>(views.reach + p) > 0);
    for (unsigned bits = bitsOf(near); bits != 0; bits &= bits - 1) {
      list[some++] = static_cast<std::uint16_t>(p + static_cast<unsigned>(__builtin_ctz(bits)));
    }
  }
  return some;
}

}  // namespace
