// Predictions that follow the order of a camera's packets, a part of projection_kernels.inl:
// included behind seek_kernels.inl in both builds.

namespace {

// The bits of the sixteen centroids in sight.
inline unsigned sightOf(const std::int32_t* places, std::int32_t place, std::int32_t reach) {
  return nearOf(places, place, reach) | nearOf(places + 8, place, reach) << 8;
}

// The predictions that found a centroid alone, and near, have it; those in doubt are listed.
std::size_t claimAlong(const Followed& followed, const PredictedViews& views,
                       const std::int32_t* places, std::size_t count, const Claims& claims) {
  // In locals: what is stored through one of these might be another else.
  const std::uint16_t* const owners = followed.owners;
  const std::int32_t *const predicted = views.place, *const reaches = views.reach;
  std::uint16_t *const of_centroid = claims.of_centroid, *const of_prediction =
                                                             claims.of_prediction;
  std::uint16_t *const doubtful = followed.doubtful, *const doubtful_from = followed.doubtful_from;
  const unsigned predictions = static_cast<unsigned>(followed.predictions);
  const int before = static_cast<int>(followed.count), number = static_cast<int>(count);
  const int last = number > kPlacesInSight ? number - kPlacesInSight : 0;
  int shift = -kPlacesInSight / 2;
  std::size_t doubts = 0;
  for (int j = 0; j < before; j += 8) {
    // All of a block look equally far from where they were: they do not wait for each other.
    int next_shift = shift;
    const int end = j + 8 < before ? j + 8 : before;
    for (int k = j; k < end; ++k) {
      const unsigned p = owners[k] - 1u;
      if (p >= predictions) continue;
      const int wanted = k + shift > 0 ? k + shift : 0, from = wanted < last ? wanted : last;
      const std::int32_t place = predicted[p], reach = reaches[p];
      const unsigned bits = sightOf(places + from, place, reach);
      if (bits == 0) continue;
      const int at = from + __builtin_ctz(bits);
      if ((bits & (bits - 1)) != 0 || of_centroid[at] != 0) {
        doubtful[doubts] = static_cast<std::uint16_t>(p);
        doubtful_from[doubts++] = static_cast<std::uint16_t>(from);
        continue;
      }
      // Far from where it was expected it may be another one's that comes into view.
      if (4 * squaredDistance(places[at], place) >= reach) continue;
      of_centroid[at] = static_cast<std::uint16_t>(p + 1);
      of_prediction[p] = static_cast<std::uint16_t>(at + 1);
      next_shift = at - k - kPlacesInSight / 2;
    }
    shift = next_shift;
  }
  return doubts;
}

// Those who wanted another's centroid in the frame before look for it where that other one is now.
std::size_t contend(const Followed& followed, const PredictedViews& views,
                    const std::int32_t* places, std::size_t count, const Claims& claims,
                    std::size_t doubts) {
  const std::size_t last = count > kPlacesInSight ? count - kPlacesInSight : 0;
  for (std::size_t k = 0; k < followed.contenders; ++k) {
    const unsigned p = followed.contender[k], at = followed.contended[k];
    if (p >= followed.predictions || at >= followed.count || claims.of_prediction[p] != 0) continue;
    const unsigned owner = followed.owners[at] - 1u;
    const unsigned now = owner < followed.predictions ? claims.of_prediction[owner] : 0u;
    const std::size_t there = now != 0 ? now - 1 : at;
    const std::size_t from =
        std::size_t{there > kPlacesInSight / 2 ? there - kPlacesInSight / 2 : 0};
    const std::size_t first = from < last ? from : last;
    if (sightOf(places + first, views.place[p], views.reach[p]) == 0) continue;
    followed.doubtful[doubts] = static_cast<std::uint16_t>(p);
    followed.doubtful_from[doubts++] = static_cast<std::uint16_t>(first);
  }
  return doubts;
}

// Bit k is the sign of lane k of sixteen.
inline unsigned bitsOf(Short16 a) {
  typedef char Native16 __attribute__((vector_size(16)));
  const NativeShort8 low = (NativeShort8)__builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7);
  const NativeShort8 high =
      (NativeShort8)__builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
  return static_cast<unsigned>(
      __builtin_ia32_pmovmskb128((Native16)__builtin_ia32_packsswb128(low, high)));
}

// The rows of the image that each row of sixteen centroids covers; of none no row.
void coverRows(const std::int32_t* places, std::size_t count, std::int16_t* least,
               std::int16_t* most) {
  constexpr std::int32_t kFar = 32767;
  std::size_t rows = 0;
  for (std::size_t i = 0; i < count; i += kPlacesInSight, ++rows) {
    Int8 low = Int8{} + kFar, high = Int8{} - kFar;
    for (std::size_t k = i; k < i + kPlacesInSight; k += 8) {
      const Int8 place = *reinterpret_cast<const Int8*>(places + k), v = place >> 16;
      const Int8 is = place != kNoPlace;
      low = (is & (v < low)) ? v : low;
      high = (is & (v > high)) ? v : high;
    }
    std::int32_t first = kFar, last = -kFar;
    for (int k = 0; k < 8; ++k) {
      first = low[k] < first ? low[k] : first;
      last = high[k] > last ? high[k] : last;
    }
    least[rows] = static_cast<std::int16_t>(first);
    most[rows] = static_cast<std::int16_t>(last);
  }
  for (; rows % 16 != 0; ++rows) {
    least[rows] = static_cast<std::int16_t>(kFar);
    most[rows] = static_cast<std::int16_t>(-kFar);
  }
}

// Those that have none, and whose turn it is, look at all centroids: those of the packet's rows of
// sixteen that may reach into their gate.
std::size_t lookAround(const Followed& followed, const PredictedViews& views,
                       const std::int32_t* places, std::size_t count, const Claims& claims,
                       std::size_t doubts) {
  alignas(32) std::int16_t least[kMostRows], most[kMostRows];
  coverRows(places, count, least, most);
  for (std::size_t p = followed.turn; p < followed.predictions; p += kTurns) {
    const std::int32_t place = views.place[p], reach = views.reach[p];
    if (claims.of_prediction[p] != 0 || reach == 0) continue;
    const std::int32_t around =
        1 + static_cast<std::int32_t>(__builtin_sqrtf(static_cast<float>(reach)));
    const std::int32_t v = place >> 16;
    const Short16 from = Short16{} + static_cast<std::int16_t>(v - around);
    const Short16 to = Short16{} + static_cast<std::int16_t>(v + around);
    int found = 0;  // Two such rows are enough.
    for (std::size_t row = 0; row * kPlacesInSight < count && found < 2; row += 16) {
      const Short16 may = (*reinterpret_cast<const Short16*>(least + row) <= to) &
                          (*reinterpret_cast<const Short16*>(most + row) >= from);
      for (unsigned bits = bitsOf(may); bits != 0 && found < 2; bits &= bits - 1) {
        const std::size_t i = (row + static_cast<unsigned>(__builtin_ctz(bits))) * kPlacesInSight;
        if (sightOf(places + i, place, reach) == 0) continue;
        followed.doubtful[doubts] = static_cast<std::uint16_t>(p);
        followed.doubtful_from[doubts++] = static_cast<std::uint16_t>(i);
        ++found;
      }
    }
  }
  return doubts;
}

std::size_t numberOwned(const Claims& claims, std::size_t count) {
  std::size_t owned = 0;
  for (std::size_t i = 0; i < count; ++i) owned += claims.of_centroid[i] != 0;
  return owned;
}

void forget(const Followed& followed, const Claims& claims, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) claims.of_centroid[i] = 0;
  for (std::size_t p = 0; p < followed.predictions; ++p) claims.of_prediction[p] = 0;
}

std::size_t follow(const Followed& followed, const PredictedViews& views,
                   const std::int32_t* places, std::size_t count, const Claims& claims) {
  std::size_t doubts = claimAlong(followed, views, places, count, claims);
  if (2 * numberOwned(claims, count) < (followed.count < count ? followed.count : count)) {
    forget(followed, claims, count);  // Another order: what was found may be chance.
    return 0;
  }
  doubts = contend(followed, views, places, count, claims, doubts);
  doubts = lookAround(followed, views, places, count, claims, doubts);
  std::size_t queued = 0;
  for (std::size_t k = 0; k < doubts; ++k) {
    const unsigned p = followed.doubtful[k], from = followed.doubtful_from[k];
    for (unsigned bits = sightOf(places + from, views.place[p], views.reach[p]); bits != 0;
         bits &= bits - 1) {
      const unsigned i = from + static_cast<unsigned>(__builtin_ctz(bits));
      const unsigned owner = claims.of_centroid[i];
      if (owner == kDisputed) continue;
      if (owner != 0) claims.of_prediction[owner - 1] = 0;
      claims.of_centroid[i] = kDisputed;
      claims.queue[queued++] = static_cast<std::uint16_t>(i);
    }
  }
  return queued;
}

}  // namespace
