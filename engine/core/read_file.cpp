#include "engine/core/read_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <system_error>

namespace understudy::core {

Result<std::string> readFile(const std::filesystem::path& path, std::size_t most_bytes) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) {
    return makeError(path.string() + ": no such file; check the path");
  }
  if (std::filesystem::is_directory(status)) {
    return makeError(path.string() + ": is a folder; name a file in it");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return makeError(path.string() + ": cannot be opened (" + std::strerror(errno) +
                     "); check its permissions");
  }
  if (!std::filesystem::is_regular_file(status)) {
    most_bytes = std::min(most_bytes, kMostStreamBytes);
  }
  const auto tooLarge = [&] {
    return makeError(path.string() + ": is larger than " + std::to_string(most_bytes >> 20) +
                     " MiB; check what it is");
  };
  std::string bytes;
  if (std::filesystem::is_regular_file(status)) {
    const auto size = std::filesystem::file_size(path, failure);
    if (!failure && size > most_bytes) return tooLarge();
    if (!failure) bytes.reserve(static_cast<std::size_t>(size));
  }
  char block[65536];
  while (file.read(block, sizeof block) || file.gcount() > 0) {
    bytes.append(block, static_cast<std::size_t>(file.gcount()));
    if (bytes.size() > most_bytes) return tooLarge();
  }
  if (file.bad()) {
    return makeError(path.string() + ": reading failed; check the disk");
  }
  if (bytes.empty()) {
    return makeError(path.string() + ": is empty; export it again");
  }
  return bytes;
}

}  // namespace understudy::core
