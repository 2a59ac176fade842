// Centroids looked up by predictions, a part of projection_kernels.inl: included behind it in both
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

std::size_t follow(const FollowedOrder& order, const PredictedViews& views,
                   const std::int32_t* places, std::size_t count, const Claims& claims) {
  // In locals: what is stored through one of these might be another else.
  const std::uint16_t* const owners = order.owners;
  const std::int32_t *const predicted = views.place, *const reaches = views.reach;
  std::uint16_t *const of_centroid = claims.of_centroid, *const of_prediction =
                                                             claims.of_prediction;
  const unsigned predictions = static_cast<unsigned>(order.predictions);
  const int followed = static_cast<int>(order.count), number = static_cast<int>(count);
  const int last = number > kPlacesInSight ? number - kPlacesInSight : 0;
  int shift = -kPlacesInSight / 2;
  std::size_t claimed = 0;
  for (int j = 0; j < followed; j += 8) {
    // All of a block look equally far from where they were: they do not wait for each other.
    int next_shift = shift;
    const int end = j + 8 < followed ? j + 8 : followed;
    for (int k = j; k < end; ++k) {
      const unsigned p = owners[k] - 1u;
      if (p >= predictions) continue;
      const int wanted = k + shift > 0 ? k + shift : 0, from = wanted < last ? wanted : last;
      const std::int32_t place = predicted[p], reach = reaches[p];
      const unsigned bits =
          nearOf(places + from, place, reach) | nearOf(places + from + 8, place, reach) << 8;
      if (bits == 0 || (bits & (bits - 1)) != 0) continue;
      const int at = from + __builtin_ctz(bits);
      if (of_centroid[at] != 0) continue;
      of_centroid[at] = static_cast<std::uint16_t>(p + 1);
      of_prediction[p] = static_cast<std::uint16_t>(at + 1);
      next_shift = at - k - kPlacesInSight / 2;
      ++claimed;
    }
    shift = next_shift;
  }
  return claimed;
}

// Lists the predictions in view that have no claim. Which these are is hard to foresee: there is no
// branch on it.
std::size_t listUnclaimed(const PredictedViews& views, std::size_t count,
                          const std::uint16_t* claims, const SoughtPredictions& sought) {
  const std::int32_t *const places = views.place, *const reaches = views.reach;
  std::uint16_t* const index = sought.index;
  std::int32_t *const place = sought.place, *const reach = sought.reach;
  std::size_t listed = 0;
  for (std::size_t p = 0; p < count; ++p) {
    index[listed] = static_cast<std::uint16_t>(p);
    place[listed] = places[p];
    reach[listed] = reaches[p];
    listed += (claims[p] == 0) & (reaches[p] > 0);
  }
  for (std::size_t k = 0; k < 8; ++k) place[listed + k] = reach[listed + k] = 0;
  return listed;
}

inline std::int32_t sumOf(Int8 a) { return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7]; }

// The finest cells for which few gates are too wide.
std::int32_t chooseShift(const SoughtPredictions& sought, std::size_t count) {
  constexpr int kSizes = kMostCellShift - kLeastCellShift;
  Int8 wide[kSizes] = {};
  for (std::size_t i = 0; i < count; i += 8) {
    const Int8 reach = *reinterpret_cast<const Int8*>(sought.reach + i);
    for (int k = 0; k < kSizes; ++k) wide[k] -= reach > (1 << (2 * (kLeastCellShift + k - 1)));
  }
  const std::int32_t few = 2 + (static_cast<std::int32_t>(count) >> 5);
  for (int k = 0; k < kSizes; ++k) {
    if (sumOf(wide[k]) <= few) return kLeastCellShift + k;
  }
  return kMostCellShift;
}

void fillCells(const std::int32_t* places, std::size_t count, std::int32_t shift,
               CentroidCells& cells) {
  cells.shift = shift;
  std::uint16_t *const first = cells.first, *const next = cells.next;
  std::int32_t* const of_centroid = cells.of_centroid;
  for (std::size_t i = 0; i < count; i += 8) {
    const Int8 eight = *reinterpret_cast<const Int8*>(places + i);
    const Int8 cell = eight != kNoPlace ? cellsOf(shifted(eight, shift)) : Int8{} + kNoCell;
    UNDERSTUDY_STORE8I(of_centroid + i, cell);
    for (std::size_t k = 0; k < 8; ++k) {
      const std::int32_t at = of_centroid[i + k];
      next[i + k + 1] = first[at];
      first[at] = static_cast<std::uint16_t>(i + k + 1);
    }
  }
  first[kCells] = first[0];  // Behind the last column of the last row.
}

void clearCells(std::size_t count, const CentroidCells& cells) {
  std::uint16_t* const first = cells.first;
  const std::int32_t* const of_centroid = cells.of_centroid;
  for (std::size_t i = 0; i < count; ++i) first[of_centroid[i]] = 0;
  first[kCells] = 0;
}

// The cells that the gates of eight predictions touch: of the upper row, of the lower, and what is
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

// The firsts of the four cells about one of eight places.
inline std::uint64_t firstsOf(const CentroidCells& cells, const EightCells& about, std::size_t k) {
  const std::uint32_t upper =
      twoCells(cells.first + about.upper[k]) & static_cast<std::uint32_t>(about.keep_upper[k]);
  const std::uint32_t lower =
      twoCells(cells.first + about.lower[k]) & static_cast<std::uint32_t>(about.keep_lower[k]);
  return upper | std::uint64_t{lower} << 32;
}

// Lists the centroids in a gate: of these cells, or of all where it is wide.
std::size_t listNear(const CentroidCells& cells, const std::int32_t* places, std::size_t count,
                     std::int32_t place, std::int32_t reach, std::uint64_t firsts,
                     std::uint16_t* list) {
  std::size_t listed = 0;
  if (reach <= 1 << (2 * (cells.shift - 1))) {
    for (; firsts != 0; firsts >>= 16) {
      for (unsigned f = firsts & 0xffff; f != 0; f = cells.next[f]) {
        if (squaredDistance(places[f - 1], place) >= reach) continue;
        list[listed++] = static_cast<std::uint16_t>(f - 1);
      }
    }
    return listed;
  }
  for (std::size_t i = 0; i < count; i += 8) {
    for (unsigned bits = nearOf(places + i, place, reach); bits != 0; bits &= bits - 1) {
      list[listed++] = static_cast<std::uint16_t>(i + static_cast<unsigned>(__builtin_ctz(bits)));
    }
  }
  return listed;
}

std::size_t gather(const CentroidCells& cells, const std::int32_t* places, std::size_t count,
                   std::int32_t place, std::int32_t reach, std::uint16_t* list) {
  const EightCells about = cellsAbout(Int8{} + place, cells.shift);
  return listNear(cells, places, count, place, reach, firstsOf(cells, about, 0), list);
}

// Keeps the predictions whose cells hold any centroid, or whose gates are wide, and notes the
// firsts of these cells. Again without a branch.
std::size_t keepNear(const CentroidCells& cells, const SoughtPredictions& sought,
                     std::size_t number) {
  const std::int32_t widest = 1 << (2 * (cells.shift - 1));
  std::uint64_t* const kept_firsts = sought.firsts;
  std::uint16_t* const kept = sought.near;
  std::size_t listed = 0;
  for (std::size_t i = 0; i < number; i += 8) {
    const EightCells about =
        cellsAbout(*reinterpret_cast<const Int8*>(sought.place + i), cells.shift);
    for (std::size_t k = 0; k < 8; ++k) {
      const std::uint64_t firsts = firstsOf(cells, about, k);
      kept_firsts[listed] = firsts;
      kept[listed] = static_cast<std::uint16_t>(i + k);
      listed += (firsts != 0) | (sought.reach[i + k] > widest);
    }
  }
  return listed;
}

std::size_t lookUp(CentroidCells& cells, const PredictedViews& views, std::size_t predictions,
                   const std::int32_t* places, std::size_t count, const SoughtPredictions& sought,
                   const Claims& claims) {
  const std::size_t number = listUnclaimed(views, predictions, claims.of_prediction, sought);
  fillCells(places, count, chooseShift(sought, number), cells);
  const std::size_t kept = keepNear(cells, sought, number);
  std::size_t queued = 0;
  for (std::size_t k = 0; k < kept; ++k) {
    const std::size_t s = sought.near[k];
    const std::size_t near = listNear(cells, places, count, sought.place[s], sought.reach[s],
                                      sought.firsts[k], sought.found);
    if (near == 0) continue;
    const std::uint16_t p = sought.index[s], c = sought.found[0];
    if (near > 1 || claims.of_centroid[c] != 0) {
      claims.queue[queued++] = p;
      continue;
    }
    claims.of_prediction[p] = static_cast<std::uint16_t>(c + 1);
    claims.of_centroid[c] = static_cast<std::uint16_t>(p + 1);
  }
  return queued;
}

std::size_t listUnowned(const std::int32_t* places, std::size_t count, const std::uint16_t* owners,
                        std::uint16_t* list) {
  std::size_t listed = 0;
  for (std::size_t i = 0; i < count; i += 8) {
    const Int8 owned = __builtin_convertvector(*reinterpret_cast<const Short8*>(owners + i), Int8);
    const Int8 place = *reinterpret_cast<const Int8*>(places + i);
    for (unsigned bits = bitsOf((owned == 0) & (place != kNoPlace)); bits != 0; bits &= bits - 1) {
      list[listed++] = static_cast<std::uint16_t>(i + static_cast<unsigned>(__builtin_ctz(bits)));
    }
  }
  return listed;
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
