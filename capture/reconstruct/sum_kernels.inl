// Sums of rays, a part of projection_kernels.inl: included behind it in both builds.

namespace {

// A column of eight rays' derivative of the image along one of its axes, at scale 1.
inline Float8 column(Float8 slope, float across, float forward) { return across - slope * forward; }

// The rays of eight predictions, turned to columns.
struct EightRays {
  Float8 u, v, weight;
};

inline EightRays loadRays(const Ray* rays, const std::uint16_t* claims) {
  const auto two = [&](int k) { return twoOf(&rays[claims[k]].u, &rays[claims[k + 4]].u); };
  const Float8 c0 = two(0), c1 = two(1), c2 = two(2), c3 = two(3);
  const Float8 uv01 = __builtin_shufflevector(c0, c1, 0, 8, 1, 9, 4, 12, 5, 13);
  const Float8 uv23 = __builtin_shufflevector(c2, c3, 0, 8, 1, 9, 4, 12, 5, 13);
  const Float8 w01 = __builtin_shufflevector(c0, c1, 2, 10, 3, 11, 6, 14, 7, 15);
  const Float8 w23 = __builtin_shufflevector(c2, c3, 2, 10, 3, 11, 6, 14, 7, 15);
  return {__builtin_shufflevector(uv01, uv23, 0, 1, 8, 9, 4, 5, 12, 13),
          __builtin_shufflevector(uv01, uv23, 2, 3, 10, 11, 6, 7, 14, 15),
          __builtin_shufflevector(w01, w23, 0, 1, 8, 9, 4, 5, 12, 13)};
}

// The least and the greatest of two; of no number the second.
inline Float8 least(Float8 a, Float8 b) {
#ifdef __AVX__
  return (Float8)__builtin_ia32_minps256((Native8)a, (Native8)b);
#else
  const Native4 low = __builtin_ia32_minps((Native4)lowHalf((Int8)a), (Native4)lowHalf((Int8)b));
  const Native4 high = __builtin_ia32_minps((Native4)highHalf((Int8)a), (Native4)highHalf((Int8)b));
  return __builtin_shufflevector((Float4)low, (Float4)high, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}
inline Float8 cut(Float8 term) {
  const Float8 most = Float8{} + kLargestTerm;
  return -least(-least(term, most), most);
}

// With a and b the rows of the image's derivative and r its residual, a ray's information is
// w (a a^T + b b^T) and its gradient w (a r_u + b r_v). Eight predictions at a time.
std::size_t accumulate(const ViewCamera& camera, const Ray* rays, const std::uint16_t* claims,
                       std::size_t count, const PredictedViews& views, std::int32_t* sums) {
  const float* r = camera.rotation;
  const float inverse_focal = 1.0f / camera.focal_px;
  const Float8 zero{};
  Int8 number{};
  for (std::size_t i = 0; i < count; i += 8, sums += 8 * kSumsPerMarker) {
    const Long2 any = *reinterpret_cast<const Long2*>(claims + i);
    if ((any[0] | any[1]) == 0) continue;
    const EightRays ray = loadRays(rays, claims + i);
    const Int8 some = ray.weight > 0.0f;
    const auto of = [&](const float* values) { return some ? UNDERSTUDY_LOAD8(values + i) : zero; };
    const Float8 pu = of(views.u), pv = of(views.v), s = of(views.scale);
    const Float8 ru = ray.u - pu, rv = ray.v - pv;
    const Float8 x = pu * inverse_focal, y = pv * inverse_focal;
    Float8 w = ray.weight < kLargestWeight ? ray.weight : zero + kLargestWeight;
    const Float8 information = s * s * (x * x + y * y + 1.0f);
    const Int8 much = information * w > kLargestInformation;
    if (bitsOf(much) != 0) w = much ? kLargestInformation / information : w;
    const Float8 ax = column(x, r[0], r[6]), bx = column(y, r[3], r[6]);
    const Float8 ay = column(x, r[1], r[7]), by = column(y, r[4], r[7]);
    const Float8 az = column(x, r[2], r[8]), bz = column(y, r[5], r[8]);
    const Float8 ws = w * s;
    const Float8 h = ws * s * kInformationScale, g = ws * kGradientScale;
    const auto add = [sums](int k, Float8 term) {
      *reinterpret_cast<Int8*>(sums + 8 * k) += rounded(term);
    };
    add(0, (ax * ax + bx * bx) * h);
    add(1, (ax * ay + bx * by) * h);
    add(2, (ax * az + bx * bz) * h);
    add(3, (ay * ay + by * by) * h);
    add(4, (ay * az + by * bz) * h);
    add(5, (az * az + bz * bz) * h);
    add(6, cut((ax * ru + bx * rv) * g));
    add(7, cut((ay * ru + by * rv) * g));
    add(8, cut((az * ru + bz * rv) * g));
    add(9, cut((ru * ru + rv * rv) * (w * kResidualScale)));
    add(10, w * kWeightScale);
    *reinterpret_cast<Int8*>(sums + 8 * 11) -= some;
    number -= some;
  }
  std::size_t sum = 0;
  for (int lane = 0; lane < 8; ++lane) sum += static_cast<std::size_t>(number[lane]);
  return sum;
}

inline Double4 toDoubles(Int4 values) {
#ifdef __AVX__
  return (Double4)__builtin_ia32_cvtdq2pd256((NativeInt4)values);  // One instruction, not six.
#else
  return __builtin_convertvector(values, Double4);
#endif
}

void flush(std::int32_t* sums, std::size_t count, double* total) {
  for (std::size_t i = 0; i < count * kSumsPerMarker; i += 8) {
    Int8& sum = *reinterpret_cast<Int8*>(sums + i);
    *reinterpret_cast<Double4*>(total + i) += toDoubles(lowHalf(sum));
    *reinterpret_cast<Double4*>(total + i + 4) += toDoubles(highHalf(sum));
    sum = Int8{};
  }
}

inline Float4 toFloats(Double4 value) { return __builtin_convertvector(value, Float4); }

inline void storeFour(float* at, Double4 value) {
  *reinterpret_cast<Float4*>(at) = toFloats(value);
}

void solve(const double* sums, std::size_t count, const PredictedSolutions& out) {
  constexpr double per_information = 1.0 / static_cast<double>(kInformationScale);
  constexpr double per_gradient = 1.0 / static_cast<double>(kGradientScale);
  constexpr double per_residual = 1.0 / static_cast<double>(kResidualScale);
  constexpr double per_weight = 1.0 / static_cast<double>(kWeightScale);
  const Double4 zero{};
  for (std::size_t i = 0; i < count; i += 4) {
    const double* first = sums + i / 8 * 8 * kSumsPerMarker + i % 8;
    const auto sum = [first](int k) { return *reinterpret_cast<const Double4*>(first + 8 * k); };
    const Double4 a = sum(0) * per_information, b = sum(1) * per_information;
    const Double4 c = sum(2) * per_information, d = sum(3) * per_information;
    const Double4 e = sum(4) * per_information, f = sum(5) * per_information;
    const Double4 gx = sum(6) * per_gradient, gy = sum(7) * per_gradient;
    const Double4 gz = sum(8) * per_gradient, squared = sum(9) * per_residual;
    const Double4 m0 = d * f - e * e, m1 = c * e - b * f, m2 = b * e - c * d;
    const Double4 m3 = a * f - c * c, m4 = b * c - a * e, m5 = a * d - b * b;
    const Double4 determinant = a * m0 + b * m1 + c * m2;
    const Double4 half = 0.5 * (a + d + f);
    const Double4 cube = half * half * half;
    const Long4 sound = determinant > 1e-9 * cube;
    const Double4 one = zero + 1.0;
    const Double4 scale = sound ? 1.0 / (sound ? determinant : one) : zero;
    const Double4 sx = (m0 * gx + m1 * gy + m2 * gz) * scale;
    const Double4 sy = (m1 * gx + m3 * gy + m4 * gz) * scale;
    const Double4 sz = (m2 * gx + m4 * gy + m5 * gz) * scale;
    const Double4 left = squared - (gx * sx + gy * sy + gz * sz);
    storeFour(out.step[0] + i, sx);
    storeFour(out.step[1] + i, sy);
    storeFour(out.step[2] + i, sz);
    storeFour(out.inverse[0] + i, m0 * scale);
    storeFour(out.inverse[1] + i, m1 * scale);
    storeFour(out.inverse[2] + i, m2 * scale);
    storeFour(out.inverse[3] + i, m3 * scale);
    storeFour(out.inverse[4] + i, m4 * scale);
    storeFour(out.inverse[5] + i, m5 * scale);
    const Float4 residual = toFloats(left > 0.0 ? left : zero);
    const Float4 weight = toFloats(sum(10) * per_weight);
    const Float4 spread = toFloats(sound ? determinant / (sound ? cube : one) : zero);
    *reinterpret_cast<Float4*>(out.squared_px + i) = residual;
    *reinterpret_cast<Float4*>(out.residual_px + i) =
        rootOf(residual / (weight > 0.0f ? weight : Float4{} + 1.0f));
    *reinterpret_cast<Float4*>(out.spread + i) = spread;
    *reinterpret_cast<Float4*>(out.root_spread + i) = rootOf(spread);
    storeFour(out.rays + i, sum(11));
  }
}

#undef UNDERSTUDY_LOAD8
#undef UNDERSTUDY_STORE8
#undef UNDERSTUDY_STORE8I

}  // namespace
