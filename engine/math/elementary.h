#pragma once

namespace understudy::math {

/// Sine and cosine that give the same bytes on every machine and build: plain arithmetic, no
/// library whose variants differ between processors. Error below 1e-15 for |x| < 1e4 radians.
struct SineCosine {
  double sine;
  double cosine;
};
SineCosine sineCosine(double radians);

/// Arc tangent of y/x in (-pi, pi]; same bytes everywhere, error below 1e-14. Both zero gives 0.
double arcTangent2(double y, double x);

}  // namespace understudy::math
