#include "tools/report/canvas.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

using namespace understudy;
using report::Canvas;

namespace {

constexpr report::Colour kBlack{0, 0, 0}, kWhite{255, 255, 255};

int red(const Canvas& canvas, std::uint32_t x, std::uint32_t y) {
  return canvas.rgba()[4 * (y * canvas.width() + x)];
}

// The light on the whole canvas in white pixels.
double light(const Canvas& canvas) {
  double sum = 0;
  for (std::uint32_t y = 0; y < canvas.height(); ++y) {
    for (std::uint32_t x = 0; x < canvas.width(); ++x) sum += red(canvas, x, y) / 255.0;
  }
  return sum;
}

}  // namespace

TEST_SUITE("report/canvas") {
  TEST_CASE("a disc has its area and its middle, whatever the fraction of a pixel") {
    for (const float at : {20.0f, 20.3f, 20.5f, 20.9f}) {
      Canvas canvas(40, 40, kBlack);
      canvas.disc(at, 20.0f, 6.0f, kWhite);
      CHECK(light(canvas) == doctest::Approx(std::numbers::pi * 36.0).epsilon(0.01));
      double moment = 0;
      for (std::uint32_t y = 0; y < 40; ++y) {
        for (std::uint32_t x = 0; x < 40; ++x) moment += (x + 0.5) * red(canvas, x, y) / 255.0;
      }
      CHECK(moment / light(canvas) == doctest::Approx(at).epsilon(0.002));
    }
  }

  TEST_CASE("a ring is empty inside, and a dashed one has about half of it") {
    Canvas whole(40, 40, kBlack), dashed(40, 40, kBlack);
    whole.ring(20.0f, 20.0f, 10.0f, 2.0f, kWhite);
    dashed.ring(20.0f, 20.0f, 10.0f, 2.0f, kWhite, 6);
    CHECK(red(whole, 20, 20) == 0);
    CHECK(red(whole, 30, 20) > 200);
    CHECK(light(whole) == doctest::Approx(2.0 * std::numbers::pi * 10.0 * 2.0).epsilon(0.03));
    CHECK(light(dashed) / light(whole) == doctest::Approx(0.55).epsilon(0.1));
  }

  TEST_CASE("what covers half mixes, and what lies outside is cut off") {
    Canvas canvas(8, 8, kBlack);
    canvas.rectangle(-5.0f, 0.0f, 9.0f, 2.0f, {255, 255, 255, 0.5f});
    CHECK(red(canvas, 0, 0) == 128);
    CHECK(red(canvas, 3, 1) == 128);
    CHECK(red(canvas, 4, 1) == 0);
    canvas.disc(-100.0f, 500.0f, 3.0f, kWhite);
    canvas.cross(7.9f, 7.9f, 30.0f, 2.0f, kWhite);
    canvas.blend(-1, 3, kWhite);
    CHECK(red(canvas, 7, 7) > 0);
  }

  TEST_CASE("text is written to the right of where it begins, in any characters") {
    Canvas canvas(200, 40, kBlack);
    const float end = canvas.text(10.0f, 25.0f, 16.0f, "Kamera 3 \xc2\xb5m \xff", kWhite);
    CHECK(end > 60.0f);
    CHECK(end < 190.0f);
    CHECK(light(canvas) > 50.0);
    for (std::uint32_t y = 0; y < 40; ++y) CHECK(red(canvas, 5, y) == 0);
  }
}
