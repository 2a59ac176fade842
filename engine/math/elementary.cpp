#include "engine/math/elementary.h"

#include <cmath>

namespace understudy::math {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Taylor polynomials on |x| <= pi/4: the first term left out is below 1e-17.
double sinePolynomial(double x) {
  const double z = x * x;
  double sum = 1.0 / 355687428096000.0;   // 17!
  sum = sum * z - 1.0 / 1307674368000.0;  // 15!
  sum = sum * z + 1.0 / 6227020800.0;     // 13!
  sum = sum * z - 1.0 / 39916800.0;       // 11!
  sum = sum * z + 1.0 / 362880.0;         // 9!
  sum = sum * z - 1.0 / 5040.0;           // 7!
  sum = sum * z + 1.0 / 120.0;            // 5!
  sum = sum * z - 1.0 / 6.0;              // 3!
  return x + x * z * sum;
}

double cosinePolynomial(double x) {
  const double z = x * x;
  double sum = 1.0 / 20922789888000.0;  // 16!
  sum = sum * z - 1.0 / 87178291200.0;  // 14!
  sum = sum * z + 1.0 / 479001600.0;    // 12!
  sum = sum * z - 1.0 / 3628800.0;      // 10!
  sum = sum * z + 1.0 / 40320.0;        // 8!
  sum = sum * z - 1.0 / 720.0;          // 6!
  sum = sum * z + 1.0 / 24.0;           // 4!
  return 1.0 - 0.5 * z + z * z * sum;
}

// Arc tangent of |t| <= tan(pi/16) by its series; terms beyond t^25 are below 1e-19.
double arcTangentSeries(double t) {
  const double z = t * t;
  double sum = 0.0;
  for (int k = 12; k >= 1; --k) {
    const double term = 1.0 / (2.0 * k + 1.0);
    sum = ((k % 2 == 0) ? term : -term) + sum * z;
  }
  return t + t * z * sum;
}

}  // namespace

SineCosine sineCosine(double radians) {
  const double quarter_turns = std::floor(radians * (2.0 / kPi) + 0.5);
  // pi/2 in two parts (Cody and Waite, 1980), so that the remainder keeps its digits.
  const double x = (radians - quarter_turns * 1.57079632673412561417) -
                   quarter_turns * 6.07710050650619224932e-11;
  const double s = sinePolynomial(x), c = cosinePolynomial(x);
  const double phase = quarter_turns - 4.0 * std::floor(quarter_turns * 0.25);
  if (phase < 0.5) return {s, c};
  if (phase < 1.5) return {c, -s};
  if (phase < 2.5) return {-s, -c};
  return {-c, s};
}

double arcTangent2(double y, double x) {
  const double ax = std::abs(x), ay = std::abs(y);
  const double larger = ax > ay ? ax : ay, smaller = ax > ay ? ay : ax;
  if (!(larger > 0.0)) return 0.0;
  double t = smaller / larger, angle = 0.0;
  // Two halvings of the angle bring |t| from 1 below tan(pi/16).
  t = t / (1.0 + std::sqrt(1.0 + t * t));
  t = t / (1.0 + std::sqrt(1.0 + t * t));
  angle = 4.0 * arcTangentSeries(t);
  if (ay > ax) angle = 0.5 * kPi - angle;
  if (x < 0.0) angle = kPi - angle;
  return y < 0.0 ? -angle : angle;
}

}  // namespace understudy::math
