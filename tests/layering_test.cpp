#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

// What a folder may include directly; what those may include comes along. The house's plan.
const std::map<std::string, std::vector<std::string>>& engineRules() {
  static const std::map<std::string, std::vector<std::string>> rules{
      {"engine/core", {}},
      {"engine/math", {"engine/core"}},
      {"engine/anim", {"engine/math", "shaders/shared"}},
      {"engine/scene", {"engine/anim", "shaders/shared"}},
      {"engine/asset", {"engine/scene"}},
      {"engine/gpu", {"engine/core", "shaders/shared", "shaders"}},
      {"engine/render", {"engine/gpu", "engine/scene", "shaders/shared", "shaders"}},
      {"engine/app", {"engine/render", "shaders"}},
      {"shaders/shared", {}},
      {"shaders", {"shaders/shared"}},
  };
  return rules;
}

// Each may include those before it, and engine's core, math and anim.
constexpr std::array<std::string_view, 13> kCaptureOrder{
    "camera",      "file",  "subject", "frame",     "take",   "source",  "sync",
    "reconstruct", "label", "solve",   "calibrate", "stream", "pipeline"};

constexpr std::array<std::string_view, 5> kTops{"engine", "capture", "shaders", "tools", "tests"};

// "engine/anim/skeleton.h" -> "engine/anim"; "shaders/x.h" -> "shaders"; tools and tests as a
// whole.
std::string folderOf(const std::string& path) {
  const std::size_t first = path.find('/');
  const std::string top = path.substr(0, first);
  if (first == std::string::npos || top == "tools" || top == "tests") return top;
  const std::size_t second = path.find('/', first + 1);
  return path.substr(0, second == std::string::npos ? first : second);
}

std::optional<std::size_t> captureIndex(const std::string& folder) {
  for (std::size_t i = 0; i < kCaptureOrder.size(); ++i) {
    if (folder == "capture/" + std::string(kCaptureOrder[i])) return i;
  }
  return std::nullopt;
}

std::set<std::string> reachable(const std::string& folder) {
  std::set<std::string> result;
  std::vector<std::string> open;
  if (const auto index = captureIndex(folder)) {
    open = {"engine/core", "engine/math", "engine/anim"};
    for (std::size_t i = 0; i < *index; ++i) {
      result.insert("capture/" + std::string(kCaptureOrder[i]));
    }
  } else {
    open = engineRules().at(folder);
  }
  while (!open.empty()) {
    const std::string next = open.back();
    open.pop_back();
    if (!result.insert(next).second) continue;
    const std::vector<std::string>& more = engineRules().at(next);
    open.insert(open.end(), more.begin(), more.end());
  }
  result.insert(folder);
  // Through anim's headers only: the shared structs are not capture's business.
  if (captureIndex(folder)) result.erase("shaders/shared");
  return result;
}

// Why `file` may not have `#include` of `included`, or nothing.
std::string violation(const std::string& file, const std::string& included, bool quoted) {
  const std::string from = folderOf(file);
  if (from == "tools" || from == "tests") return "";
  if (!engineRules().contains(from) && !captureIndex(from)) {
    return file + ": the folder " + from + " is not in the plan of the house";
  }
  const std::string top = included.substr(0, included.find('/'));
  if (std::find(kTops.begin(), kTops.end(), top) == kTops.end()) {
    if (quoted) return file + ": write <" + included + ">, or its path from the repository's root";
    const bool sees_gpu = from == "engine/gpu" || from == "engine/render" || from == "engine/app";
    const bool is_gpu = top == "vulkan" || top == "GLFW" || included.starts_with("imgui");
    return is_gpu && !sees_gpu ? file + ": " + from + " must not know " + included : "";
  }
  const std::string to = folderOf(included);
  return reachable(from).contains(to) ? "" : file + ": " + from + " must not include " + included;
}

// Every violation in the sources below the folder.
std::vector<std::string> violationsIn(const fs::path& root, std::size_t& files) {
  std::vector<std::string> found;
  for (const std::string_view top : kTops) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension().string();
      static const std::set<std::string> kSources{".h",    ".cpp",  ".c",    ".glsl",
                                                  ".vert", ".frag", ".comp", ".geom"};
      if (!entry.is_regular_file() || !kSources.contains(extension)) continue;
      ++files;
      const std::string path = fs::relative(entry.path(), root).generic_string();
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        std::size_t at = line.find_first_not_of(" \t");
        if (at == std::string::npos || line[at] != '#') continue;
        at = line.find_first_not_of(" \t", at + 1);
        if (at == std::string::npos || line.compare(at, 7, "include") != 0) continue;
        const std::size_t open = line.find_first_of("\"<", at);
        if (open == std::string::npos) continue;
        const std::size_t close = line.find_first_of("\">", open + 1);
        if (close == std::string::npos) continue;
        const std::string why =
            violation(path, line.substr(open + 1, close - open - 1), line[open] == '"');
        if (!why.empty()) found.push_back(why);
      }
    }
  }
  return found;
}

}  // namespace

TEST_SUITE("layering") {
  TEST_CASE("every include in the house goes in the allowed direction") {
    std::size_t files = 0;
    for (const std::string& why : violationsIn(UNDERSTUDY_SOURCE_DIR, files)) FAIL_CHECK(why);
    CHECK(files > 20);
  }

  TEST_CASE("forbidden edges are recognised, allowed ones let through") {
    const auto allowed = [](const char* file, const char* included) {
      return violation(file, included, true).empty();
    };
    CHECK(allowed("engine/anim/pose.h", "engine/math/lens.h"));
    CHECK(allowed("engine/anim/pose.h", "engine/core/time.h"));
    CHECK(allowed("engine/anim/pose.h", "shaders/shared/pose_ring.h"));
    CHECK(allowed("engine/render/pass.cpp", "engine/anim/skeleton.h"));
    CHECK(allowed("engine/render/pass.cpp", "shaders/skin.vert.h"));
    CHECK(allowed("capture/solve/solve.h", "capture/label/label.h"));
    CHECK(allowed("capture/solve/solve.h", "engine/anim/skeleton.h"));
    CHECK(allowed("tools/stage/main.cpp", "engine/app/window.h"));
    CHECK(allowed("tests/capture/x.cpp", "engine/app/window.h"));
    CHECK(allowed("shaders/skin.vert", "shaders/shared/pose_ring.h"));

    CHECK_FALSE(allowed("engine/core/time.h", "engine/math/lens.h"));
    CHECK_FALSE(allowed("engine/anim/pose.h", "engine/scene/character.h"));
    CHECK_FALSE(allowed("engine/gpu/device.h", "engine/math/lens.h"));
    CHECK_FALSE(allowed("engine/render/pass.cpp", "engine/asset/gltf.h"));
    CHECK_FALSE(allowed("engine/app/window.cpp", "capture/frame/frames.h"));
    CHECK_FALSE(allowed("capture/label/label.h", "capture/solve/solve.h"));
    CHECK_FALSE(allowed("capture/source/simulated.h", "engine/asset/bvh.h"));
    CHECK_FALSE(allowed("capture/pipeline/pipeline.h", "engine/gpu/buffer.h"));
    CHECK_FALSE(allowed("engine/anim/pose.h", "tools/report/report.h"));
    CHECK_FALSE(allowed("engine/math/lens.h", "shaders/shared/types.h"));
    CHECK_FALSE(allowed("engine/util/strings.h", "engine/core/time.h"));
    CHECK_FALSE(allowed("engine/anim/pose.cpp", "pose.h"));
    CHECK_FALSE(violation("capture/solve/solve.cpp", "vulkan/vulkan.h", false).empty());
    CHECK(violation("engine/gpu/device.cpp", "vulkan/vulkan.h", false).empty());
    CHECK(violation("capture/solve/solve.cpp", "vector", false).empty());
  }

  TEST_CASE("a planted violation is found in a tree of files") {
    const fs::path root = fs::temp_directory_path() / "understudy_layering_test";
    fs::remove_all(root);
    fs::create_directories(root / "engine/core");
    fs::create_directories(root / "capture/frame");
    std::ofstream(root / "capture/frame/frames.h") << "#include \"engine/core/time.h\"\n";
    std::ofstream(root / "engine/core/time.h")
        << "#include <chrono>\n// #include \"capture/x.h\"\n";
    std::size_t files = 0;
    CHECK(violationsIn(root, files).empty());
    CHECK(files == 2);
    std::ofstream(root / "engine/core/time.cpp") << "  #  include <capture/frame/frames.h>\n";
    const std::vector<std::string> found = violationsIn(root, files);
    REQUIRE(found.size() == 1);
    CHECK(found[0] == "engine/core/time.cpp: engine/core must not include capture/frame/frames.h");
    fs::remove_all(root);
  }
}
