#include "tools/report/commit.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

namespace understudy::report {
namespace {

namespace fs = std::filesystem;

std::string firstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

bool isCommit(const std::string& text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(),
                                          [](unsigned char c) { return std::isxdigit(c) != 0; });
}

// The folder that holds HEAD; a second working tree names it in a file.
fs::path headFolder(const fs::path& git) {
  std::error_code error;
  if (fs::is_directory(git, error)) return git;
  const std::string line = firstLine(git);
  return line.starts_with("gitdir: ") ? fs::path(line.substr(8)) : fs::path();
}

std::string commitOf(const fs::path& git) {
  const fs::path folder = headFolder(git);
  const std::string head = firstLine(folder / "HEAD");
  if (!head.starts_with("ref: ")) return isCommit(head) ? head : "";
  const std::string name = head.substr(5);
  const std::string common = firstLine(folder / "commondir");
  const fs::path store = common.empty() ? folder : folder / common;
  if (const std::string commit = firstLine(store / name); isCommit(commit)) return commit;
  std::ifstream packed(store / "packed-refs");
  for (std::string line; std::getline(packed, line);) {
    if (line.size() == 41 + name.size() && line.ends_with(" " + name)) return line.substr(0, 40);
  }
  return "";
}

}  // namespace

std::string checkedOutCommit() {
  constexpr int kLevels = 5;
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (int level = 0; level < kLevels && !folder.empty(); ++level) {
    if (fs::exists(folder / ".git", error)) return commitOf(folder / ".git");
    if (folder == folder.root_path()) break;
    folder = folder.parent_path();
  }
  return "";
}

}  // namespace understudy::report
