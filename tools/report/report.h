#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/core/histogram.h"
#include "engine/core/result.h"

namespace understudy::report {

/// The start of every report: "program", "version", "command", "machine", "seed".
struct Header {
  std::string program{};
  int argument_count = 0;
  const char* const* arguments = nullptr;  ///< As main() got them.
  std::uint64_t seed = 0;
  std::string gpu{};  ///< Name of the graphics device; empty where none is used.
};

/// Keys stay in the order in which they were written.
using Json = nlohmann::ordered_json;

Json makeReport(const Header& header);

/// {"cpu", "cores", "kernel", "gpu"} of this machine; gpu is null where the name is empty.
Json machineJson(const std::string& gpu);

/// {"count", "mean", "p50", "p90", "p99", "p99_9", "max"} in microseconds.
Json timesJson(const core::HistogramSummary& summary);

/// Fails where nothing can be written to this file: to be called before the work whose report it
/// is to take. Leaves nothing behind. Always fine for "-" and an empty name.
core::Result<void> checkWritable(const std::string& path);

/// Writes the report to a file, or to standard output where `path` is "-". A number that is not
/// finite becomes null.
core::Result<void> writeReport(const Json& report, const std::string& path);

}  // namespace understudy::report
