// Predictions that follow the order of a camera's packets, a part of projection_kernels.inl:
// included behind seek_kernels.inl in both builds.

namespace {

// The bits of the sixteen centroids in sight.
inline unsigned sightOf(const std::int32_t* places, std::int32_t place, std::int32_t reach) {
  return bitsOf(nearOf(places, place, reach)) | bitsOf(nearOf(places + 8, place, reach)) << 8;
}

inline Int8 gather(const std::int32_t* values, Int8 at) {
  Int8 out;
  for (int k = 0; k < 8; ++k) out[k] = values[at[k]];
  return out;
}

// What eight predictions see of sixteen centroids each, of which each one's begin one further.
struct EightSights {
  Int8 number;   // Of centroids in the gate.
  Int8 offset;   // Of the one, if it is one.
  Int8 squared;  // Squared distance of the nearest.
};

inline EightSights lookAlong(const std::int32_t* places, Int8 place, Int8 reach) {
  constexpr std::int32_t kOne = 1 << 16;
  Int8 sum{}, squared = Int8{} + 0x7fffffff;
  for (std::int32_t d = 0; d < kPlacesInSight; ++d) {
    const Int8 off = difference(*reinterpret_cast<const Int8*>(places + d), place);
    const Int8 product = productSum(off, off);
    sum += (product < reach) & (kOne + d);
    squared = product < squared ? product : squared;
  }
  return {sum >> 16, sum & (kOne - 1), squared};
}

// What claimAlong did.
struct Along {
  std::size_t claims = 0, doubts = 0;
};

// The predictions that found a centroid alone, and near, have it; those in doubt are listed. Eight
// at a time look equally far from where they were.
Along claimAlong(const Followed& followed, const PredictedViews& views, const std::int32_t* places,
                 std::size_t count, const Claims& claims) {
  const std::int32_t before = static_cast<std::int32_t>(followed.count);
  const std::int32_t last = static_cast<std::int32_t>(count);
  // In locals: what is stored through one of these might be another else.
  std::uint16_t *const of_centroid = claims.of_centroid, *const of_prediction =
                                                             claims.of_prediction;
  std::uint16_t *const doubtful = followed.doubtful, *const doubtful_from = followed.doubtful_from;
  const std::int32_t predictions = static_cast<std::int32_t>(followed.predictions);
  const Int8 lanes{0, 1, 2, 3, 4, 5, 6, 7};
  Along along;
  std::int32_t shift = -kPlacesInSight / 2;
  for (std::int32_t j = 0; j < before; j += 8) {
    const Int8 p =
        __builtin_convertvector(*reinterpret_cast<const Short8*>(followed.owners + j), Int8) - 1;
    const Int8 is = (p >= 0) & (p < predictions);
    if (bitsOf(is) == 0) continue;
    const std::int32_t wanted = j + shift > -kPlacesInSight ? j + shift : -kPlacesInSight;
    const std::int32_t from = wanted < last ? wanted : last;
    const Int8 reach = is & gather(views.reach, is & p);
    const EightSights sights = lookAlong(places + from, gather(views.place, is & p), reach);
    const unsigned several = bitsOf(sights.number > 1);
    // Far from where it was expected it may be another one's that comes into view.
    const unsigned far = bitsOf(4 * sights.squared >= reach);
    const Int8 at = lanes + from + sights.offset;
    for (unsigned bits = bitsOf(sights.number > 0); bits != 0; bits &= bits - 1) {
      const int k = __builtin_ctz(bits);
      const unsigned bit = bits & -bits;
      if ((several & bit) != 0 || of_centroid[at[k]] != 0) {
        doubtful[along.doubts] = static_cast<std::uint16_t>(p[k]);
        const std::int32_t first = from + k;
        doubtful_from[along.doubts++] = static_cast<std::uint16_t>(first > 0 ? first : 0);
      } else if ((far & bit) == 0) {
        of_centroid[at[k]] = static_cast<std::uint16_t>(p[k] + 1);
        of_prediction[p[k]] = static_cast<std::uint16_t>(at[k] + 1);
        ++along.claims;
        shift = at[k] - (j + k) - kPlacesInSight / 2;
      }
    }
  }
  return along;
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
    const std::size_t from = there > kPlacesInSight / 2 ? there - kPlacesInSight / 2 : 0;
    const std::size_t first = from < last ? from : last;
    if (sightOf(places + first, views.place[p], views.reach[p]) == 0) continue;
    followed.doubtful[doubts] = static_cast<std::uint16_t>(p);
    followed.doubtful_from[doubts++] = static_cast<std::uint16_t>(first);
  }
  return doubts;
}

constexpr std::size_t kRowsAtOnce = 3;

// Where centroids of a height can be in a packet: by rows of sixteen, and bands of the image.
struct RowFinder {
  std::int32_t lowest[kMostRows + kRowsAtOnce];  ///< Of a row's centroids and all behind it.
  std::uint8_t first[kBands];  ///< The first row that reaches into a band, or beyond it.
  std::size_t rows;
};

// The lowest and highest place of sixteen; of nothing far apart.
inline void coverRow(const std::int32_t* places, std::int32_t& least, std::int32_t& most) {
  constexpr std::int32_t kFar = 32767;
  Int8 low = Int8{} + kFar, high = Int8{} - kFar;
  for (std::size_t k = 0; k < kPlacesInSight; k += 8) {
    const Int8 place = *reinterpret_cast<const Int8*>(places + k), v = place >> 16;
    const Int8 is = place != kNoPlace;
    low = (is & (v < low)) ? v : low;
    high = (is & (v > high)) ? v : high;
  }
  least = kFar;
  most = -kFar;
  for (int k = 0; k < 8; ++k) {
    least = low[k] < least ? low[k] : least;
    most = high[k] > most ? high[k] : most;
  }
}

inline std::size_t bandOf(std::int32_t v) {
  return v <= 0 ? 0 : static_cast<std::size_t>(v) / kBandHeight;
}

void findRows(const std::int32_t* places, std::size_t count, RowFinder& finder) {
  finder.rows = (count + kPlacesInSight - 1) / kPlacesInSight;
  std::size_t band = 0;
  for (std::size_t row = 0; row < finder.rows; ++row) {
    std::int32_t most;
    coverRow(places + row * kPlacesInSight, finder.lowest[row], most);
    for (; band <= bandOf(most) && most >= 0; ++band) {
      finder.first[band] = static_cast<std::uint8_t>(row);
    }
  }
  for (; band < kBands; ++band) finder.first[band] = static_cast<std::uint8_t>(finder.rows);
  std::int32_t lowest = 32767;
  for (std::size_t k = 0; k < kRowsAtOnce; ++k) finder.lowest[finder.rows + k] = lowest;
  for (std::size_t row = finder.rows; row-- > 0;) {
    lowest = finder.lowest[row] < lowest ? finder.lowest[row] : lowest;
    finder.lowest[row] = lowest;
  }
}

// The rows of sixteen, two at most, in which a prediction sees centroids.
std::size_t lookInRows(const RowFinder& finder, const std::int32_t* places, std::int32_t place,
                       std::int32_t reach, std::int32_t around, std::uint16_t* rows) {
  const std::int32_t v = place >> 16;
  std::size_t found = 0;
  for (std::size_t row = finder.first[bandOf(v - around)];
       finder.lowest[row] <= v + around && found < 2; row += kRowsAtOnce) {
    const std::int32_t* at = places + row * kPlacesInSight;
    Int8 near[kRowsAtOnce];
    for (std::size_t k = 0; k < kRowsAtOnce; ++k, at += kPlacesInSight) {
      near[k] = nearOf(at, place, reach) | nearOf(at + 8, place, reach);
    }
    if (bitsOf(near[0] | near[1] | near[2]) == 0) continue;
    for (std::size_t k = 0; k < kRowsAtOnce && found < 2; ++k) {
      if (bitsOf(near[k]) != 0) rows[found++] = static_cast<std::uint16_t>(row + k);
    }
  }
  return found;
}

// Those that have none, and whose turn it is, look at all centroids of their height.
std::size_t lookAround(const Followed& followed, const PredictedViews& views,
                       const std::int32_t* places, std::size_t count, const Claims& claims,
                       std::size_t doubts) {
  RowFinder finder;
  findRows(places, count, finder);
  const std::size_t each = (followed.predictions / kTurns + 8) / 8 * 8;
  const std::size_t end = each * (followed.turn + 1) < followed.predictions
                              ? each * (followed.turn + 1)
                              : (followed.predictions + 7) / 8 * 8;
  for (std::size_t i = each * followed.turn; i < end; i += 8) {
    const Int8 reach = *reinterpret_cast<const Int8*>(views.reach + i);
    const Int8 none = __builtin_convertvector(
                          *reinterpret_cast<const Short8*>(claims.of_prediction + i), Int8) == 0;
    const Float8 gate = UNDERSTUDY_LOAD8(views.gate_px + i) * views.quanta_per_px;
    const Int8 around = __builtin_convertvector(gate, Int8) + kRounding + 1;
    for (unsigned bits = bitsOf(none & (reach > 0)); bits != 0; bits &= bits - 1) {
      const int k = __builtin_ctz(bits);
      const std::size_t p = i + static_cast<unsigned>(k);
      std::uint16_t rows[2];
      const std::size_t found =
          lookInRows(finder, places, views.place[p], reach[k], around[k], rows);
      for (std::size_t r = 0; r < found; ++r) {
        followed.doubtful[doubts] = static_cast<std::uint16_t>(p);
        followed.doubtful_from[doubts++] = static_cast<std::uint16_t>(rows[r] * kPlacesInSight);
      }
    }
  }
  return doubts;
}

void forget(const Followed& followed, const Claims& claims, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) claims.of_centroid[i] = 0;
  for (std::size_t p = 0; p < followed.predictions; ++p) claims.of_prediction[p] = 0;
}

Follow follow(const Followed& followed, const PredictedViews& views, const std::int32_t* places,
              std::size_t count, const Claims& claims) {
  const Along along = claimAlong(followed, views, places, count, claims);
  if (2 * along.claims < (followed.count < count ? followed.count : count)) {
    forget(followed, claims, count);  // Another order: what was found may be chance.
    return {.queued = 0, .in_order = false};
  }
  std::size_t doubts = contend(followed, views, places, count, claims, along.doubts);
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
  return {.queued = queued, .in_order = true};
}

}  // namespace
