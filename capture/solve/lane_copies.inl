// Part of lane_kernels.inl: see there. Copies between subjects' arrays and lanes, four by four.

namespace {

using understudy::solve::kMarkerFloats;
using understudy::solve::LaneRows;

using LooseV = double __attribute__((vector_size(32), may_alias, aligned(8)));
using F = float __attribute__((vector_size(16), may_alias));
using LooseF = float __attribute__((vector_size(16), may_alias, aligned(4)));

// Rows become columns.
template <class Four>
void transpose(Four* rows) {
  const Four a = __builtin_shufflevector(rows[0], rows[1], 0, 4, 2, 6);
  const Four b = __builtin_shufflevector(rows[0], rows[1], 1, 5, 3, 7);
  const Four c = __builtin_shufflevector(rows[2], rows[3], 0, 4, 2, 6);
  const Four d = __builtin_shufflevector(rows[2], rows[3], 1, 5, 3, 7);
  rows[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  rows[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  rows[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  rows[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

void interleaveRow(const double* const* from, std::size_t first, std::size_t width, LaneValue* to) {
  std::size_t i = 0;
  for (; i + kSolveLanes <= width; i += kSolveLanes) {
    V rows[kSolveLanes];
    for (std::size_t lane = 0; lane < kSolveLanes; ++lane)
      rows[lane] = *reinterpret_cast<const LooseV*>(from[lane] + first + i);
    transpose(rows);
    for (std::size_t k = 0; k < kSolveLanes; ++k) *at(to, i + k) = rows[k];
  }
  for (; i < width; ++i) {
    *at(to, i) = V{from[0][first + i], from[1][first + i], from[2][first + i], from[3][first + i]};
  }
}

void separateRow(const LaneValue* from, std::size_t first, std::size_t width, double* const* to) {
  std::size_t i = 0;
  for (; i + kSolveLanes <= width; i += kSolveLanes) {
    V rows[kSolveLanes];
    for (std::size_t k = 0; k < kSolveLanes; ++k) rows[k] = reinterpret_cast<const V*>(from)[i + k];
    transpose(rows);
    for (std::size_t lane = 0; lane < kSolveLanes; ++lane)
      *reinterpret_cast<LooseV*>(to[lane] + first + i) = rows[lane];
  }
  for (; i < width; ++i) {
    for (std::size_t lane = 0; lane < kSolveLanes; ++lane) to[lane][first + i] = from[i].of[lane];
  }
}

std::size_t beginOf(const LaneRows& rows, std::size_t i) {
  return rows.row == nullptr ? 0 : rows.stride * static_cast<std::size_t>(rows.row[i]);
}

void interleave(const double* const* from, const LaneRows& rows, LaneValue* to) {
  for (std::size_t i = 0; i < rows.count; ++i) interleaveRow(from, beginOf(rows, i), rows.width, to + i * rows.width);
}

void separate(const LaneValue* from, const LaneRows& rows, double* const* to) {
  for (std::size_t i = 0; i < rows.count; ++i) separateRow(from + i * rows.width, beginOf(rows, i), rows.width, to);
}

void interleaveMarkers(const float* const* from, std::size_t count, const LaneArrays& to) {
  constexpr std::size_t kParts[] = {0, 4, 8, kMarkerFloats - 4};  // Where fours begin; the last overlaps.
  // Of the numbers x, y, z, then the covariance's nine, which are its six.
  constexpr std::size_t kEntries[] = {3, 4, 5, 7, 8, 11};
  for (std::size_t m = 0; m < count; ++m) {
    F values[16];
    for (std::size_t part = 0; part < 4; ++part) {
      for (std::size_t lane = 0; lane < kSolveLanes; ++lane)
        values[4 * part + lane] = *reinterpret_cast<const LooseF*>(from[lane] + kMarkerFloats * m + kParts[part]);
      transpose(values + 4 * part);
    }
    const V confidence = __builtin_convertvector(values[15], V);
    const Mask seen = confidence > all(0.0);
    *at(to.seen, m) = seen ? confidence : all(0.0);
    for (std::size_t k = 0; k < 3; ++k) {
      const V value = __builtin_convertvector(values[k], V);
      at(to.position, 3 * m)[k] = seen ? value : all(0.0);
    }
    for (std::size_t k = 0; k < 6; ++k) {
      const V value = __builtin_convertvector(values[kEntries[k]], V);
      at(to.covariance, 6 * m)[k] = seen ? value : all(0.0);
    }
  }
}

}  // namespace
