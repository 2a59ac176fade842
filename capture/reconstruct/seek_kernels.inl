// Predictions looked up by centroids, a part of projection_kernels.inl: included behind it in both
// builds.

namespace {

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

inline std::int32_t squaredDistance(std::int32_t a, std::int32_t b) {
  const NativeShort8 off =
      (NativeShort8)(NativeInt4{a, 0, 0, 0}) - (NativeShort8)(NativeInt4{b, 0, 0, 0});
  return ((NativeInt4)__builtin_ia32_pmaddwd128(off, off))[0];
}

// Which of eight centroids are less than the root of `reach` quanta from a place.
inline Int8 nearOf(const std::int32_t* places, std::int32_t place, std::int32_t reach) {
  const Int8 off = difference(*reinterpret_cast<const Int8*>(places), Int8{} + place);
  return productSum(off, off) < reach;
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
  return listed;
}

// The predictions whose gates, of so many squared quanta more, hold a place; returns their number.
std::size_t listNear(const PredictedViews& views, std::size_t count, std::int32_t place,
                     std::int32_t more, std::uint16_t* list) {
  const auto near = [&views, place, more](std::size_t p) {
    const Int8 off = difference(*reinterpret_cast<const Int8*>(views.place + p), Int8{} + place);
    return productSum(off, off) < *reinterpret_cast<const Int8*>(views.reach + p) + more;
  };
  std::size_t listed = 0;
  const auto add = [&listed, list](std::size_t p, Int8 is) {
    for (unsigned bits = bitsOf(is); bits != 0; bits &= bits - 1) {
      list[listed++] = static_cast<std::uint16_t>(p + static_cast<unsigned>(__builtin_ctz(bits)));
    }
  };
  std::size_t p = 0;
  for (; p + 32 <= count; p += 32) {
    const Int8 a = near(p), b = near(p + 8), c = near(p + 16), d = near(p + 24);
    if (bitsOf(a | b | c | d) == 0) continue;
    add(p, a);
    add(p + 8, b);
    add(p + 16, c);
    add(p + 24, d);
  }
  for (; p < count; p += 8) add(p, near(p));
  return listed;
}

Seen lookUp(const PredictedViews& views, std::size_t predictions, const Unclaimed& unclaimed,
            const Claims& claims, std::uint16_t* left) {
  Seen seen{};
  for (std::size_t k = 0; k < unclaimed.count; ++k) {
    const std::uint16_t centroid = unclaimed.list[k];
    const std::size_t near = listNear(views, predictions, unclaimed.place[k], 0, unclaimed.near);
    const std::uint16_t prediction = unclaimed.near[0];
    if (near == 0) {
      left[seen.left++] = centroid;
    } else if (near == 1 && claims.of_prediction[prediction] == 0) {
      claims.of_prediction[prediction] = static_cast<std::uint16_t>(centroid + 1);
      claims.of_centroid[centroid] = static_cast<std::uint16_t>(prediction + 1);
    } else {
      claims.of_centroid[centroid] = kDisputed;
      claims.queue[seen.queued++] = centroid;
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

}  // namespace
