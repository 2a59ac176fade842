#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "capture/calibrate/dense.h"
#include "capture/calibrate/frame_system.h"

namespace understudy::calibrate {

/// Sizes and poses of many frames in one system of normal equations, poses eliminated: a pose only
/// meets the sizes, never another pose, so what is left is a dense system of the sizes alone
/// (Schur's complement, as in bundle adjustment: Triggs, McLauchlan, Hartley and Fitzgibbon,
/// "Bundle Adjustment - A Modern Synthesis", 2000, section 6.1). Within a frame, the freedoms of a
/// joint only meet the sizes between it, the root and the leaves: rows are kept that short, and a
/// tree's factors leave them so.
struct PoseElimination {
  const CalibrationProblem& problem;
  std::size_t threads = 1;

  SymmetricMatrix matrix;     ///< Of the sizes, without any prior; lower triangle.
  std::vector<double> right;  ///< Right-hand side.

  explicit PoseElimination(const CalibrationProblem& p, std::size_t thread_count);

  /// Linearises about the frames' poses and these sizes; fills matrix and right.
  void build(const BodySizes& sizes, const std::vector<double>& marker_sigma,
             const FrameTrust& trust, std::span<PosedFrame> frames);
  /// Moves every pose by what is best for this step of the sizes. Call after build, with the same
  /// frames.
  void movePoses(std::span<const double> size_step, const BodySizes& sizes,
                 const std::vector<double>& marker_sigma, const FrameTrust& trust,
                 std::span<PosedFrame> frames);

 private:
  struct FrameSums;
  void addSizes(const FrameWorkspace& w, const PosedFrame& frame, FrameSums& sums) const;
  void fillRows(FrameWorkspace& w, const PosedFrame& frame, FrameSums& sums) const;
  void reduceRows(FrameWorkspace& w) const;
  void keepRows(const FrameWorkspace& w, std::size_t slot);
  void eliminate(std::size_t frame_count);

  // What hangs on a joint, in the order of the sizes: number i has sizes 3 i to 3 i + 2.
  struct Item {
    enum class Kind : std::uint8_t { joint, marker, slide };
    Kind kind = Kind::joint;
    std::size_t index = 0;
  };
  std::vector<Item> items_;
  std::vector<std::size_t> stride_;          // Per joint: row length, a multiple of the tile.
  std::vector<std::vector<double>> rows_;    // Per joint: frames x freedoms x stride.
  std::vector<double> step_, inverse_root_;  // Per frame and freedom.
  std::vector<double> factors_;              // Per frame: the factored matrix.
  std::vector<FrameWorkspace> workspaces_;
};

}  // namespace understudy::calibrate
