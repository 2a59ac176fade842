#pragma once

#include <optional>

#include "capture/calibrate/calibrate_subject.h"
#include "tools/report/report.h"

namespace understudy::calibrate_tool {

/// Bones and marker offsets against the truth, metres; frames of joints are the truth's.
struct TruthErrors {
  struct Spread {
    double rms = 0, max = 0;
  };
  Spread bone, offset;          ///< Of those that are observed.
  Spread bone_all, offset_all;  ///< With those that the motion did not show.
};

/// Compares with the truth; turns the subject's joint frames to the truth's on the way.
TruthErrors compareWithTruth(const subject::Subject& truth,
                             calibrate::SubjectCalibration& calibration);

/// Adds the keys of the `subject` report.
void addSubjectKeys(const calibrate::SubjectCalibration& calibration, double seconds,
                    const std::optional<TruthErrors>& errors, report::Json& json);

/// Prints what was found, and what motion is missing.
void printSubject(const calibrate::SubjectCalibration& calibration, double seconds,
                  const std::optional<TruthErrors>& errors);

}  // namespace understudy::calibrate_tool
