#include "tools/score/performances.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "capture/file/marker_file.h"
#include "tools/report/progress.h"
#include "tools/score/stage_report.h"
#include "tools/score/stage_run.h"

namespace understudy::score {
namespace {

struct Row {
  std::string file;
  std::string error{};  ///< Why it was not played; then nothing else is known.
  StageOutcome outcome{};
  bool unnamed = false;
  std::size_t name_changes = 0;
};

std::vector<std::filesystem::path> findFiles(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (std::filesystem::recursive_directory_iterator at(folder, options, error), end;
       !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && file::isReadableMarkerKind(at->path())) {
      files.push_back(at->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

Row runFile(const PerformancesCommand& command, const std::filesystem::path& path) {
  Row row{.file = std::filesystem::relative(path, command.folder).string()};
  simulation::SimulationFlags flags = command.flags;
  flags.motions = {path.string()};
  auto simulation = simulation::makeSimulation(flags);
  if (!simulation) {
    row.error = simulation.error().message;
    return row;
  }
  row.unnamed = simulation->unnamed;
  for (const solve::RecordedNames& names : simulation->names) {
    row.name_changes += names.changes.size();
  }
  auto outcome = runStage(*simulation, {}, flags.frameCount(command.seconds), [](std::uint64_t) {});
  if (!outcome) {
    row.error = outcome.error().message;
    return row;
  }
  row.outcome = *std::move(outcome);
  return row;
}

std::string share(double value) {
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : std::string("-");
}

std::string perMarker(std::uint64_t count, std::uint64_t markers) {
  return markers > 0
             ? fmt::format("{:.2f}", static_cast<double>(count) / static_cast<double>(markers))
             : std::string("-");
}

std::string remarkOf(const Row& row) {
  if (!row.error.empty()) return row.error;
  std::string remark = whyNothingCorrect(row.outcome);
  const auto add = [&](const std::string& text) { remark += (remark.empty() ? "" : "; ") + text; };
  if (row.unnamed) add("markers have no names");
  if (row.name_changes > 0) add(fmt::format("its names change hands {} times", row.name_changes));
  return remark;
}

const std::vector<std::string>& heads() {
  static const std::vector<std::string> heads{
      "recording",        "markers", "labels correct", "by true names", "swaps over 100 ms",
      "fragments before", "after",   "model mm",       "remarks"};
  return heads;
}

std::vector<std::string> cellsOf(const Row& row) {
  if (!row.error.empty()) return {row.file, "-", "-", "-", "-", "-", "-", "-", remarkOf(row)};
  const scoring::StageScore& score = row.outcome.score;
  const scoring::FragmentCount& fragments = score.fragments;
  return {row.file,
          std::to_string(row.outcome.markers),
          share(score.label_correct),
          share(score.label_correct_really),
          std::to_string(score.swaps_over_100ms_really),
          perMarker(fragments.before, fragments.markers),
          perMarker(fragments.after, fragments.markers),
          std::isfinite(score.marker_model_mm) ? fmt::format("{:.1f}", score.marker_model_mm) : "-",
          remarkOf(row)};
}

std::string escaped(const std::string& text, bool html) {
  std::string out;
  for (const char c : text) {
    if (html && c == '<') {
      out += "&lt;";
    } else if (html && c == '&') {
      out += "&amp;";
    } else if (!html && c == '|') {
      out += "\\|";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out;
}

std::string markdownOf(const std::vector<Row>& rows) {
  std::string text = "|", rule = "|";
  for (const std::string& head : heads()) {
    text += " " + head + " |";
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (const Row& row : rows) {
    text += "|";
    for (const std::string& cell : cellsOf(row)) text += " " + escaped(cell, false) + " |";
    text += "\n";
  }
  return text;
}

std::string htmlOf(const std::vector<Row>& rows) {
  std::string text =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Recorded "
      "performances</title><style>body{font:14px sans-serif;margin:2em}table{border-collapse:"
      "collapse}td,th{padding:.3em .7em;border-bottom:1px solid #ccc;text-align:left}</style>"
      "</head><body><h1>Recorded performances through simulated cameras</h1><table><tr>";
  for (const std::string& head : heads()) text += "<th>" + head + "</th>";
  text += "</tr>\n";
  for (const Row& row : rows) {
    text += "<tr>";
    for (const std::string& cell : cellsOf(row)) text += "<td>" + escaped(cell, true) + "</td>";
    text += "</tr>\n";
  }
  return text + "</table></body></html>\n";
}

core::Result<void> writeText(const std::string& text, const std::string& path) {
  if (path == "-") {
    fmt::print("{}", text);
    return {};
  }
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.flush();
  if (!out) return core::makeError(path + ": cannot be written; check folder and free space");
  return {};
}

report::Json jsonOf(const Row& row) {
  report::Json json{{"file", row.file}, {"error", nullptr}};
  if (!row.error.empty()) {
    json["error"] = row.error;
    return json;
  }
  addStageKeys(row.outcome, json);
  json["unnamed"] = row.unnamed;
  json["name_changes"] = row.name_changes;
  json["remarks"] = remarkOf(row);
  return json;
}

}  // namespace

core::Result<void> runPerformances(const PerformancesCommand& command, report::Json json) {
  const std::vector<std::filesystem::path> files = findFiles(command.folder);
  if (files.empty()) {
    return core::makeError(command.folder.string() +
                           ": no .c3d or .trc file in this folder; name one that holds recordings");
  }
  std::vector<Row> rows;
  {
    report::Progress progress("recordings", files.size());
    for (const std::filesystem::path& path : files) {
      rows.push_back(runFile(command, path));
      progress.show(rows.size());
    }
  }
  json["performances"] = report::Json::array();
  for (const Row& row : rows) json["performances"].push_back(jsonOf(row));
  if (!command.json_path.empty()) {
    if (auto written = report::writeReport(json, command.json_path); !written) return written;
  }
  if (!command.html_path.empty()) {
    if (auto written = writeText(htmlOf(rows), command.html_path); !written) return written;
  }
  if (!command.markdown_path.empty()) return writeText(markdownOf(rows), command.markdown_path);
  return command.json_path.empty() && command.html_path.empty() ? writeText(markdownOf(rows), "-")
                                                                : core::Result<void>{};
}

}  // namespace understudy::score
