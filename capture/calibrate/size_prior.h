#pragma once

#include <vector>

#include "capture/calibrate/calibrate_subject.h"
#include "capture/calibrate/dense.h"
#include "capture/calibrate/size_layout.h"

namespace understudy::calibrate {

/// What is believed of the sizes before the recording is seen.
struct SizePrior {
  const subject::Subject& subject;
  const solve::SolveModel& model;
  const SizeLayout& layout;
  const CalibrateSettings& settings;
  BodySizes mean;
  std::vector<double> sigma;  ///< Per size, metres.

  SizePrior(const subject::Subject& body, const solve::SolveModel& solve_model,
            const SizeLayout& size_layout, const CalibrateSettings& calibrate_settings);

  /// Adds the prior about these sizes, times `scale`, to normal equations.
  void add(const BodySizes& sizes, double scale, SymmetricMatrix& matrix,
           std::vector<double>& right) const;

 private:
  struct Bone {
    std::size_t joint = 0;  ///< Its lower end.
    double share = 0;       ///< Usual length as a share of the stature; 0 = none is known.
    int mirror = -1;        ///< Index of the bone of the other side, where that comes later.
  };
  std::vector<Bone> bones_;
};

}  // namespace understudy::calibrate
