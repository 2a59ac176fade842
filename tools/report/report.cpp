#include "tools/report/report.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace understudy::report {
namespace {

std::string cpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos && line.starts_with("model name")) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

Json makeReport(const Header& header) {
  Json command = Json::array();
  for (int i = 1; i < header.argument_count; ++i) command.push_back(header.arguments[i]);
  return {{"program", header.program},
          {"version", UNDERSTUDY_VERSION},
          {"command", std::move(command)},
          {"machine", machineJson(header.gpu)},
          {"seed", header.seed}};
}

Json machineJson(const std::string& gpu) {
  utsname names{};
  const bool named = uname(&names) == 0;
  return {{"cpu", cpuModel()},
          {"cores", std::thread::hardware_concurrency()},
          {"kernel", named ? fmt::format("{} {}", names.sysname, names.release) : "unknown"},
          {"gpu", gpu.empty() ? Json() : Json(gpu)}};
}

Json timesJson(const core::HistogramSummary& summary) {
  return {{"count", summary.count}, {"mean", summary.mean_us}, {"p50", summary.p50_us},
          {"p90", summary.p90_us},  {"p99", summary.p99_us},   {"p99_9", summary.p99_9_us},
          {"max", summary.max_us}};
}

core::Result<void> checkWritable(const std::string& path) {
  if (path.empty() || path == "-") return {};
  std::error_code error;
  const bool was_there = std::filesystem::exists(path, error);
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (file == nullptr) {
    return core::makeError(fmt::format("{}: cannot be written ({}); check folder and permissions",
                                       path, std::strerror(errno)));
  }
  std::fclose(file);
  if (!was_there) std::filesystem::remove(path, error);
  return {};
}

core::Result<void> writeReport(const Json& report, const std::string& path) {
  // Names out of files may be in any encoding; what is not UTF-8 is replaced rather than thrown at.
  const std::string text = report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  const bool standard_output = path == "-";
  std::FILE* file = standard_output ? stdout : std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    return core::makeError(fmt::format("{}: cannot be written ({}); check folder and permissions",
                                       path, std::strerror(errno)));
  }
  bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  written = (standard_output ? std::fflush(file) : std::fclose(file)) == 0 && written;
  if (!written) {
    return core::makeError(
        fmt::format("{}: the report could not be written; is the disk full?", path));
  }
  return {};
}

}  // namespace understudy::report
