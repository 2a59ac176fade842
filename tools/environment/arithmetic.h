#pragma once

#include <glm/glm.hpp>

namespace understudy::environment {

/// e to the power of x, and noise, that give the same bytes on every machine: plain arithmetic, no
/// library whose variants differ between processors. Error of `exponential` below 1e-12 for |x| <
/// 700; beyond it 0 or the largest value.
double exponential(double x);
glm::dvec3 exponential(const glm::dvec3& x);

/// 0 below a, 1 above b, smooth between.
double smoothStep(double a, double b, double x);

/// Smooth noise of unit spacing, -1 to 1, another one for each seed (Perlin, "Improving Noise",
/// 2002: his fade curve, over hashed values instead of gradients).
double valueNoise(const glm::dvec2& p, std::uint32_t seed);

/// Sum of `octaves` of the noise, each of twice the frequency and half the height; about -1 to 1.
double fractalNoise(const glm::dvec2& p, int octaves, std::uint32_t seed);

}  // namespace understudy::environment
