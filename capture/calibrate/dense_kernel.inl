// The product's one source, compiled twice with different instruction sets; the same bytes from both: every entry is
// summed in the order of the rows, 32 rows at a time. Includes nothing, so that no inline function exists in two builds.

using Size = decltype(sizeof(0));

static void multiply(const double* rows, Size count, Size columns, Size first_row, Size last_row, double* product) {
  constexpr Size kRowsAtOnce = 32;  // They stay in the nearest cache.
  constexpr Size kHigh = 4, kWide = 8;
  for (Size i = first_row * columns; i < last_row * columns; ++i) product[i] = 0.0;
  for (Size begin = 0; begin < count; begin += kRowsAtOnce) {
    const Size end = count < begin + kRowsAtOnce ? count : begin + kRowsAtOnce;
    for (Size r = first_row; r < last_row; r += kHigh) {
      for (Size c = 0; c <= r + kHigh - 1; c += kWide) {
        double sum[kHigh][kWide] = {};
        const double* row = rows + begin * columns;
        for (Size k = begin; k < end; ++k, row += columns) {
          for (Size i = 0; i < kHigh; ++i) {
            for (Size j = 0; j < kWide; ++j) sum[i][j] += row[r + i] * row[c + j];
          }
        }
        for (Size i = 0; i < kHigh; ++i) {
          for (Size j = 0; j < kWide; ++j) product[(r + i) * columns + c + j] += sum[i][j];
        }
      }
    }
  }
}
