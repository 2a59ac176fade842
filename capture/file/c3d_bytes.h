#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace understudy::file {

/// The processors whose number formats C3D files use; values are those in the files.
enum class C3dProcessor : std::uint8_t { intel = 84, dec = 85, sgi = 86 };

/// Reads numbers in a C3D file's format. Outside the bytes everything is zero.
class C3dBytes {
 public:
  C3dBytes(std::string_view bytes, C3dProcessor processor) : bytes_(bytes), processor_(processor) {}

  std::size_t size() const { return bytes_.size(); }
  std::string_view text(std::size_t at, std::size_t length) const {
    return at >= bytes_.size() ? std::string_view() : bytes_.substr(at, length);
  }
  std::uint8_t byte(std::size_t at) const {
    return at < bytes_.size() ? static_cast<std::uint8_t>(bytes_[at]) : std::uint8_t{0};
  }
  std::uint16_t word(std::size_t at) const {
    const unsigned low = byte(at), high = byte(at + 1);
    return static_cast<std::uint16_t>(processor_ == C3dProcessor::sgi ? low << 8 | high
                                                                      : high << 8 | low);
  }
  std::int16_t integer(std::size_t at) const { return static_cast<std::int16_t>(word(at)); }
  float real(std::size_t at) const {
    const std::uint32_t first = word(at), second = word(at + 2);
    if (processor_ == C3dProcessor::intel) return toFloat(second << 16 | first);
    if (processor_ == C3dProcessor::sgi) return toFloat(first << 16 | second);
    // VAX F: halves swapped, exponent biased by two more, zero exponent is zero whatever follows.
    if ((first & 0x7f80u) == 0) return 0.0f;
    return toFloat(first << 16 | second) * 0.25f;
  }

 private:
  static float toFloat(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }

  std::string_view bytes_;
  C3dProcessor processor_;
};

}  // namespace understudy::file
