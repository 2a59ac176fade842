// Centroids looked up by predictions, a part of projection_kernels.inl: included behind it in both
// builds.

namespace {

// Bit k: centroid k of eight is less than the root of `reach` quanta from a place.
inline unsigned nearOf(const std::int32_t* places, std::int32_t place, std::int32_t reach) {
  const Int8 all = Int8{} + place, eight = *reinterpret_cast<const Int8*>(places);
#ifdef __AVX2__
  const NativeShort16 off = (NativeShort16)eight - (NativeShort16)all;
  const Int8 squared = (Int8)__builtin_ia32_pmaddwd256(off, off);
#else
  const NativeShort8 low = (NativeShort8)lowHalf(eight) - (NativeShort8)lowHalf(all);
  const NativeShort8 high = (NativeShort8)highHalf(eight) - (NativeShort8)lowHalf(all);
  const Int4 l = (Int4)__builtin_ia32_pmaddwd128(low, low);
  const Int4 h = (Int4)__builtin_ia32_pmaddwd128(high, high);
  const Int8 squared = __builtin_shufflevector(l, h, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
  return bitsOf(squared < reach);
}

// What the gate of a prediction holds, when its strips hold more than sixteen centroids.
inline unsigned nearBehind(const SortedCentroids& sorted, std::size_t to, std::int32_t place,
                           std::int32_t reach, unsigned bits, std::size_t& from) {
  for (std::size_t i = from + 16; i < to; i += 8) {
    const unsigned more = nearOf(sorted.place + i, place, reach);
    if (more == 0) continue;
    if (bits != 0) return 3;  // Several, wherever they are.
    bits = more;
    from = i;
  }
  return bits;
}

// Lists the predictions that have any centroid in their gate, which (`bits` behind `at`). What is
// found is hard to foresee: there is no branch on it.
inline std::size_t find(const SortedCentroids& sorted, const PredictedViews& views,
                        std::size_t count, std::uint16_t* list, std::uint16_t* at,
                        std::uint16_t* found) {
  std::size_t listed = 0;
  for (std::size_t p = 0; p < count; ++p) {
    const std::int32_t strips = views.strips[p], place = views.place[p], reach = views.reach[p];
    std::size_t from = sorted.start[strips & 0xffff];
    const std::size_t to = sorted.start[(strips >> 16) + 1];
    unsigned bits = nearOf(sorted.place + from, place, reach) |
                    nearOf(sorted.place + from + 8, place, reach) << 8;
    if (to > from + 16) bits = nearBehind(sorted, to, place, reach, bits, from);
    list[listed] = static_cast<std::uint16_t>(p);
    at[listed] = static_cast<std::uint16_t>(from);
    found[listed] = static_cast<std::uint16_t>(bits);
    listed += bits != 0;
  }
  return listed;
}

std::size_t claim(const SortedCentroids& sorted, std::size_t centroids, const PredictedViews& views,
                  std::size_t count, const Claims& claims) {
  std::uint16_t *list = claims.scratch, *at = list + count + 1, *found = at + count + 1;
  const std::size_t listed = find(sorted, views, count, list, at, found);
  std::size_t queued = 0;
  for (std::size_t k = 0; k < listed; ++k) {
    const unsigned p = list[k], bits = found[k];
    const unsigned several = -static_cast<unsigned>((bits & (bits - 1)) != 0);
    const unsigned one = sorted.index[at[k] + static_cast<unsigned>(__builtin_ctz(bits))] + 1u;
    const unsigned nobody = static_cast<unsigned>(centroids) + 1 + (k & 7);
    const unsigned centroid = (one & ~several) | (nobody & several);
    const unsigned before = claims.of_centroid[centroid];
    const unsigned takes = -static_cast<unsigned>(before == 0) & ~several;
    claims.of_centroid[centroid] = static_cast<std::uint16_t>(before | ((p + 1) & takes));
    claims.of_prediction[p] = static_cast<std::uint16_t>(one & takes);
    claims.queue[queued] = static_cast<std::uint16_t>(p);
    queued += takes + 1;
  }
  return queued;
}

std::size_t gather(const SortedCentroids& sorted, std::size_t from, std::size_t to,
                   std::int32_t place, std::int32_t reach, std::uint16_t* list) {
  std::size_t count = 0;
  for (std::size_t i = from; i < to; i += 8) {
    for (unsigned bits = nearOf(sorted.place + i, place, reach); bits != 0; bits &= bits - 1) {
      const std::size_t at = i + static_cast<unsigned>(__builtin_ctz(bits));
      if (at < to) list[count++] = sorted.index[at];
    }
  }
  return count;
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
