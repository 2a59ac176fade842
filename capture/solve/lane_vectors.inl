// Vectors, quaternions and rotations of V: four numbers in lanes (lane_math.inl) or one (fit_hand.cpp). Whoever includes
// this says first what V, Mask, all, any, smaller, larger and squareRoot are. Arrays of components: V x[3] is a vector,
// V q[4] a quaternion x, y, z, w; matrices are columns.

namespace {

inline V dot3(const V* a, const V* b) { return (a[0] * b[0] + a[1] * b[1]) + a[2] * b[2]; }

inline void cross(const V* a, const V* b, V* out) {
  out[0] = a[1] * b[2] - a[2] * b[1];
  out[1] = a[2] * b[0] - a[0] * b[2];
  out[2] = a[0] * b[1] - a[1] * b[0];
}

inline void multiply(const V* a, const V* b, V* out) {
  out[0] = (a[3] * b[0] + a[0] * b[3]) + (a[1] * b[2] - a[2] * b[1]);
  out[1] = (a[3] * b[1] + a[1] * b[3]) + (a[2] * b[0] - a[0] * b[2]);
  out[2] = (a[3] * b[2] + a[2] * b[3]) + (a[0] * b[1] - a[1] * b[0]);
  out[3] = (a[3] * b[3] - a[0] * b[0]) - (a[1] * b[1] + a[2] * b[2]);
}

// conjugate(a) * b.
inline void between(const V* a, const V* b, V* out) {
  const V back[4] = {-a[0], -a[1], -a[2], a[3]};
  multiply(back, b, out);
}

inline void normalise(V* q) {
  const V scale =
      all(1.0) / squareRoot((q[0] * q[0] + q[1] * q[1]) + (q[2] * q[2] + q[3] * q[3]));
  for (int k = 0; k < 4; ++k) q[k] *= scale;
}

inline void matrixOf(const V* q, V* m) {
  const V x2 = q[0] + q[0], y2 = q[1] + q[1], z2 = q[2] + q[2];
  const V xx = q[0] * x2, yy = q[1] * y2, zz = q[2] * z2;
  const V xy = q[0] * y2, xz = q[0] * z2, yz = q[1] * z2;
  const V wx = q[3] * x2, wy = q[3] * y2, wz = q[3] * z2;
  m[0] = all(1.0) - (yy + zz);
  m[1] = xy + wz;
  m[2] = xz - wy;
  m[3] = xy - wz;
  m[4] = all(1.0) - (xx + zz);
  m[5] = yz + wx;
  m[6] = xz + wy;
  m[7] = yz - wx;
  m[8] = all(1.0) - (xx + yy);
}

inline void turnBy(const V* m, const V* v, V* out) {
  for (int k = 0; k < 3; ++k) out[k] = (m[k] * v[0] + m[3 + k] * v[1]) + m[6 + k] * v[2];
}

inline void turnBack(const V* m, const V* v, V* out) {
  for (int k = 0; k < 3; ++k) out[k] = dot3(m + 3 * k, v);
}

// The quaternion of a rotation vector of at most one radian: Taylor series of sine and cosine of
// the half angle, the first terms left out are below 1e-17.
inline void exponential(const V* v, V* q) {
  const V h = dot3(v, v) * all(0.25);
  V sine = all(1.0 / 1307674368000.0);
  V cosine = all(1.0 / 20922789888000.0);
  sine = all(1.0) -
         h * (all(1.0 / 6.0) -
              h * (all(1.0 / 120.0) -
                   h * (all(1.0 / 5040.0) -
                        h * (all(1.0 / 362880.0) -
                             h * (all(1.0 / 39916800.0) - h * (all(1.0 / 6227020800.0) - h * sine))))));
  cosine =
      all(1.0) -
      h * (all(0.5) -
           h * (all(1.0 / 24.0) -
                h * (all(1.0 / 720.0) -
                     h * (all(1.0 / 40320.0) -
                          h * (all(1.0 / 3628800.0) -
                               h * (all(1.0 / 479001600.0) - h * (all(1.0 / 87178291200.0) - h * cosine)))))));
  const V half = sine * all(0.5);
  for (int k = 0; k < 3; ++k) q[k] = half * v[k];
  q[3] = cosine;
}

// The rotation vector of a unit quaternion, length in [0, pi]: the half angle is halved twice, then
// the series of the arc sine; wrong by less than 1e-10 at half a turn and by rounding below a
// quarter.
inline void logarithm(const V* q, V* v) {
  const V w = q[3] < all(0.0) ? -q[3] : q[3];
  const V once = squareRoot(all(0.5) * (all(1.0) + smaller(w, all(1.0))));
  const V twice = squareRoot(all(0.5) * (all(1.0) + once));
  const V inverse = all(1.0) / (once * twice);
  const V quarter = all(0.0625) * (inverse * inverse);
  const V s = quarter * dot3(q, q);
  V series = all(46189.0 / 5505024.0);
  series = all(12155.0 / 1245184.0) + s * series;
  series = all(6435.0 / 557056.0) + s * series;
  series = all(143.0 / 10240.0) + s * series;
  series = all(231.0 / 13312.0) + s * series;
  series = all(63.0 / 2816.0) + s * series;
  series = all(35.0 / 1152.0) + s * series;
  series = all(5.0 / 112.0) + s * series;
  series = all(3.0 / 40.0) + s * series;
  series = all(1.0 / 6.0) + s * series;
  series = all(1.0) + s * series;
  const V sign = q[3] < all(0.0) ? all(-1.0) : all(1.0);
  const V factor = sign * (all(2.0) * (series * inverse));
  for (int k = 0; k < 3; ++k) v[k] = factor * q[k];
}

// Scales a rotation vector down to a length.
inline void limitLength(V* v, double longest) {
  const V squared = dot3(v, v);
  const Mask over = squared > all(longest * longest);
  if (!any(over)) return;
  const V scale = over ? all(longest) / squareRoot(squared) : all(1.0);
  for (int k = 0; k < 3; ++k) v[k] *= scale;
}

// The quaternion of a rotation vector of at most about one radian, of any length: the tangent of the half angle as a
// fraction (Pade's), wrong by less than 1e-9.
inline void turnOf(const V* v, V* q) {
  const V h = dot3(v, v) * all(0.25);
  const V part = (all(945.0) - all(105.0) * h) + h * h;
  q[3] = (all(945.0) - all(420.0) * h) + all(15.0) * (h * h);
  const V half = part * all(0.5);
  for (int k = 0; k < 3; ++k) q[k] = half * v[k];
}

// The rotation vector of a quaternion, the arc tangent as a fraction likewise: wrong by less than 1e-9 of itself up to
// 0.4 radians and 1e-5 up to one; of more than 2.5 radians it gives too little.
inline void vectorOfTurn(const V* q, V* v) {
  const V cosine = larger(q[3] < all(0.0) ? -q[3] : q[3], all(0.3));
  const V s = dot3(q, q), c = cosine * cosine;
  const V over = (all(945.0) * (c * c) + all(735.0) * (c * s)) + all(64.0) * (s * s);
  const V under = ((all(945.0) * (c * c) + all(1050.0) * (c * s)) + all(225.0) * (s * s)) * cosine;
  const V factor = (q[3] < all(0.0) ? all(-2.0) : all(2.0)) * (over / under);
  for (int k = 0; k < 3; ++k) v[k] = factor * q[k];
}

inline void turnJoint(const V* from, const V* step, V* to) {
  V turn[4], turned[4];
  turnOf(step, turn);
  multiply(from, turn, turned);
  normalise(turned);
  for (int k = 0; k < 4; ++k) to[k] = turned[k];
}

}  // namespace
