#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tools/recorded/compare_motion.h"
#include "tools/recorded/marker_misfit.h"
#include "tools/recorded/recorded_subject.h"
#include "tools/recorded/reference_motion.h"
#include "tools/report/report.h"

namespace understudy::score {

/// What is solved, and with what it is compared.
struct RecordedRunOptions {
  recorded::SubjectOptions recording{};
  std::string subject{};          ///< A subject file instead of a calibration.
  std::string reference{};        ///< .amc, .vsk, .mot or .sto; empty: none.
  std::string reference_model{};  ///< .osim of a .mot; empty: none, then angles alone.
  bool held_out = true;  ///< Whether the recording is solved again without a tenth of the markers.
};

/// Ours or theirs on the markers of the recording.
struct MarkerFigures {
  recorded::MarkerMisfit shown;
  std::optional<recorded::MarkerMisfit> held_out;
  std::optional<recorded::MarkerMisfit> per_frame;  ///< Each frame fitted for itself.
  double held_out_measured = 0;  ///< RMS of held-out markers whose joint others measure, mm.
};

/// RMS over the markers that both models have, millimetres.
struct CommonMarkers {
  std::size_t markers = 0;
  double ours_mm = 0, ours_held_out_mm = std::numeric_limits<double>::quiet_NaN(), theirs_mm = 0;
};

/// What the other solver made of it, and how it compares.
struct ReferenceFigures {
  std::string kind;
  std::optional<MarkerFigures> markers;  ///< As their own marker places leave them.
  std::optional<CommonMarkers> common;
  std::optional<recorded::MarkerMisfit> best;   ///< As their poses can carry them at best; "amc".
  std::vector<recorded::FlexionAngles> angles;  ///< Of theirs, by frame.
  std::vector<recorded::AngleComparison> flexions;
  std::vector<recorded::PartComparison> parts;  ///< Where they have joints in the world.
  std::vector<std::string> notes;
};

/// A recording, calibrated and solved.
struct RecordedRun {
  std::string file;
  std::size_t frames = 0, markers = 0, joints = 0, freedoms = 0;
  double rate_hz = 0;
  std::optional<calibrate::SubjectCalibration> calibration;
  double calibration_seconds = 0;
  std::size_t unsolved = 0, restarts = 0;
  double us_per_frame = 0;
  std::size_t mislabelled = 0;  ///< Samples left out: over 100 mm off, for the reference too.
  MarkerFigures ours;
  std::optional<recorded::MarkerMisfit> ours_best;  ///< Ours by the measure of ReferenceFigures.
  std::vector<recorded::FlexionAngles> angles;      ///< Ours, by frame.
  std::optional<ReferenceFigures> reference;
  std::vector<std::string> warnings;
};

/// Reads, calibrates, solves and compares. Fails with one line that names the file.
core::Result<RecordedRun> runRecorded(const RecordedRunOptions& options);

/// The report's keys; README.md of this folder says what they mean.
void addRecordedKeys(const RecordedRun& run, report::Json& json);

/// The same for a person.
void printRecorded(const RecordedRun& run);

/// A page with tables and plots.
std::string recordedPage(const RecordedRun& run, const report::Json& json);

/// The plots alone.
std::string recordedSvg(const RecordedRun& run);

}  // namespace understudy::score
