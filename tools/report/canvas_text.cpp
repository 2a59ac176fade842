#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#include <stb/stb_easy_font.h>
#include <stb/stb_truetype.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include "tools/report/canvas.h"

namespace understudy::report {
namespace {

// Debian's package fonts-dejavu-core; tools/setup installs it.
constexpr const char* kFont = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

struct Font {
  std::vector<unsigned char> bytes;
  stbtt_fontinfo info{};
  bool usable = false;

  Font() {
    std::ifstream file(kFont, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
    usable = !bytes.empty() && stbtt_InitFont(&info, bytes.data(), 0) != 0;
  }
};

// Characters of UTF-8; what is not UTF-8 becomes a question mark.
std::vector<int> characters(const std::string& text) {
  std::vector<int> all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t more = byte < 0x80 ? 0 : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    int value = more == 0 ? byte : byte & (0x3f >> more);
    if ((byte >= 0x80 && byte < 0xc0) || i + more >= text.size()) {
      all.push_back('?');
      continue;
    }
    for (std::size_t k = 0; k < more; ++k) {
      value = (value << 6) | (static_cast<unsigned char>(text[++i]) & 0x3f);
    }
    all.push_back(value);
  }
  return all;
}

float drawPlain(Canvas& canvas, float x_px, float y_px, float height_px, const std::string& text,
                Colour colour) {
  std::vector<char> vertices(text.size() * 300 + 300);
  std::string copy = text;
  const int quads = stb_easy_font_print(0.0f, 0.0f, copy.data(), nullptr, vertices.data(),
                                        static_cast<int>(vertices.size()));
  const float scale = height_px / 12.0f;
  for (int q = 0; q < quads; ++q) {
    float corner[3][2];  // Upper left, upper right, lower right: 16 bytes a vertex.
    for (int v = 0; v < 3; ++v) {
      std::memcpy(corner[v], &vertices[static_cast<std::size_t>(q * 4 + v) * 16], 8);
    }
    canvas.rectangle(x_px + scale * corner[0][0], y_px + scale * (corner[0][1] - 8.0f),
                     scale * (corner[2][0] - corner[0][0]), scale * (corner[2][1] - corner[0][1]),
                     colour);
  }
  return x_px + scale * static_cast<float>(stb_easy_font_width(copy.data()));
}

}  // namespace

float Canvas::text(float x_px, float y_px, float height_px, const std::string& text,
                   Colour colour) {
  static const Font font;
  if (!font.usable) return drawPlain(*this, x_px, y_px, height_px, text, colour);
  const float scale = stbtt_ScaleForMappingEmToPixels(&font.info, height_px);
  int before = 0;
  for (const int character : characters(text)) {
    if (before != 0) {
      x_px +=
          scale * static_cast<float>(stbtt_GetCodepointKernAdvance(&font.info, before, character));
    }
    int width = 0, height = 0, left = 0, top = 0, advance = 0, bearing = 0;
    const float start = std::floor(x_px);
    unsigned char* glyph = stbtt_GetCodepointBitmapSubpixel(
        &font.info, scale, scale, x_px - start, 0.0f, character, &width, &height, &left, &top);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        blend(static_cast<std::int32_t>(start) + left + x,
              static_cast<std::int32_t>(y_px) + top + y, colour,
              static_cast<float>(glyph[y * width + x]) / 255.0f);
      }
    }
    stbtt_FreeBitmap(glyph, nullptr);
    stbtt_GetCodepointHMetrics(&font.info, character, &advance, &bearing);
    x_px += scale * static_cast<float>(advance);
    before = character;
  }
  return x_px;
}

}  // namespace understudy::report
