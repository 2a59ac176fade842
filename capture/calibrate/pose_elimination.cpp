#include "capture/calibrate/pose_elimination.h"

#include <algorithm>
#include <cmath>

#include "capture/calibrate/parallel_for.h"

namespace understudy::calibrate {
namespace {

using solve::SolveModel;

// Frames are summed in so many parts, whatever the number of threads: the same bytes.
constexpr std::size_t kParts = 8;

// Of the markers at and below a joint: sum of weights, and of weights times places.
struct Mass {
  double weight = 0;
  glm::dvec3 moment{0.0};
};

// They stand in the joint's 6x6 information, lower triangle (tree_kernels.h).
Mass massOf(const FrameWorkspace& w, std::size_t joint) {
  const double* moment = &w.moments[21 * joint];
  return {moment[9], {moment[12], moment[15], moment[7]}};
}

glm::dvec3 forceOf(const FrameWorkspace& w, std::size_t joint) {
  const double* force = &w.forces[6 * joint];
  return {force[3], force[4], force[5]};
}

void addBlock(SymmetricMatrix& matrix, std::int32_t row, std::int32_t column,
              const glm::dmat3& block) {
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) {
      matrix.add(static_cast<std::size_t>(row + r), static_cast<std::size_t>(column + c),
                 block[c][r]);
    }
  }
}

}  // namespace

struct PoseElimination::FrameSums {
  SymmetricMatrix matrix;
  std::vector<double> right;

  explicit FrameSums(std::size_t count) : matrix(count), right(count, 0.0) {}
};

PoseElimination::PoseElimination(const CalibrationProblem& p, std::size_t thread_count)
    : problem(p), threads(std::max<std::size_t>(1, thread_count)), matrix(p.layout.count) {
  items_.resize(p.layout.count / 3);
  const auto number = [&](const std::vector<std::int32_t>& first, Item::Kind kind,
                          std::size_t further) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (first[i] >= 0) items_[static_cast<std::size_t>(first[i]) / 3 + further] = {kind, i};
    }
  };
  number(p.layout.joint_first, Item::Kind::joint, 0);
  number(p.layout.marker_first, Item::Kind::marker, 0);
  number(p.layout.marker_first, Item::Kind::slide, 1);
  for (const std::vector<std::int32_t>& columns : p.layout.columns) {
    stride_.push_back((columns.size() + kTile - 1) / kTile * kTile);
  }
  rows_.resize(p.layout.columns.size());
  for (std::size_t t = 0; t < threads; ++t) workspaces_.push_back(makeFrameWorkspace(p));
}

// How sizes meet sizes.
void PoseElimination::addSizes(const FrameWorkspace& w, const PosedFrame& frame,
                               FrameSums& sums) const {
  const SolveModel& model = problem.model;
  const SizeLayout& layout = problem.layout;
  const auto addRight = [&](std::int32_t first, const glm::dvec3& value) {
    for (int k = 0; k < 3; ++k) sums.right[static_cast<std::size_t>(first + k)] += value[k];
  };
  const auto parentTurn = [&](std::int32_t joint) -> const glm::dmat3& {
    return w.turn[static_cast<std::size_t>(model.joint_parent[static_cast<std::size_t>(joint)])];
  };
  for (std::size_t m = 0; m < problem.subject.markers.size(); ++m) {
    if (!(w.weight[m] > 0.0)) continue;
    const auto joint = static_cast<std::size_t>(problem.subject.markers[m].joint);
    const glm::dmat3 back = w.weight[m] * glm::transpose(w.turn[joint]);
    const std::int32_t first = layout.marker_first[m], slide = first + 3;
    const double bend = frame.bend.empty() ? 0.0 : frame.bend[joint];
    addRight(first, back * w.residual[m]);
    addRight(slide, bend * (back * w.residual[m]));
    for (int k = 0; k < 3; ++k) {
      const auto at = static_cast<std::size_t>(first + k), slid = at + 3;
      sums.matrix.at(at, at) += w.weight[m];
      sums.matrix.at(slid, at) += bend * w.weight[m];
      sums.matrix.at(slid, slid) += bend * bend * w.weight[m];
    }
    for (const std::int32_t a : layout.chain[joint]) {
      const glm::dmat3 block = back * parentTurn(a);
      addBlock(sums.matrix, first, layout.joint_first[static_cast<std::size_t>(a)], block);
      addBlock(sums.matrix, slide, layout.joint_first[static_cast<std::size_t>(a)], bend * block);
    }
  }
  for (std::size_t j = 0; j < model.joints(); ++j) {
    const std::int32_t first = layout.joint_first[j];
    if (first < 0) continue;
    const glm::dmat3 back = glm::transpose(parentTurn(static_cast<std::int32_t>(j)));
    addRight(first, back * forceOf(w, j));
    const double weight = massOf(w, j).weight;
    for (const std::int32_t a : layout.chain[j]) {
      if (a == static_cast<std::int32_t>(j)) {
        for (int k = 0; k < 3; ++k) {
          const auto at = static_cast<std::size_t>(first + k);
          sums.matrix.at(at, at) += weight;
        }
        continue;
      }
      addBlock(sums.matrix, first, layout.joint_first[static_cast<std::size_t>(a)],
               weight * (back * parentTurn(a)));
    }
  }
}

// How the pose meets the sizes; takes what the best pose for given sizes explains off the
// right-hand side.
void PoseElimination::fillRows(FrameWorkspace& w, const PosedFrame& frame, FrameSums& sums) const {
  const SolveModel& model = problem.model;
  const SizeLayout& layout = problem.layout;
  std::fill(w.rows.begin(), w.rows.end(), 0.0);
  for (std::size_t i = 0; i < model.freedoms(); ++i) {
    const auto joint = static_cast<std::size_t>(model.freedom_joint[i]);
    const double* axis = &w.axes[6 * i];
    const glm::dvec3 turning(axis[0], axis[1], axis[2]), moving(axis[3], axis[4], axis[5]);
    double* row = &w.rows[i * layout.count];
    const auto put = [&](std::int32_t first, const glm::dvec3& value) {
      for (int k = 0; k < 3; ++k) row[first + k] = value[k];
    };
    const auto ofJoint = [&](std::size_t sized, const Mass& mass) {
      const auto parent = static_cast<std::size_t>(model.joint_parent[sized]);
      put(layout.joint_first[sized], glm::transpose(w.turn[parent]) *
                                         (mass.weight * moving + glm::cross(turning, mass.moment)));
    };
    const Mass below = massOf(w, joint);
    for (const std::int32_t a : layout.chain[joint]) ofJoint(static_cast<std::size_t>(a), below);
    const auto begin = static_cast<std::size_t>(layout.content_begin[joint]) / 3;
    const auto end = static_cast<std::size_t>(layout.content_end[joint]) / 3;
    for (std::size_t n = begin; n < end; ++n) {
      const Item& item = items_[n];
      if (item.kind == Item::Kind::joint) {
        ofJoint(item.index, massOf(w, item.index));
      } else if (item.kind == Item::Kind::marker && w.weight[item.index] > 0.0) {
        const auto carrier = static_cast<std::size_t>(problem.subject.markers[item.index].joint);
        const glm::dvec3 met =
            w.weight[item.index] *
            (glm::transpose(w.turn[carrier]) * (moving + glm::cross(turning, w.place[item.index])));
        put(static_cast<std::int32_t>(3 * n), met);
        if (!frame.bend.empty()) {
          put(static_cast<std::int32_t>(3 * n + 3), frame.bend[carrier] * met);
        }
      }
    }
    for (const std::int32_t c : layout.columns[joint]) {
      sums.right[static_cast<std::size_t>(c)] -= row[c] * w.gradient[i];
    }
  }
}

// Rows times the inverse transpose of the tree's factor, from the leaves.
void PoseElimination::reduceRows(FrameWorkspace& w) const {
  const SolveModel& model = problem.model;
  const SizeLayout& layout = problem.layout;
  for (std::size_t i = model.freedoms(); i-- > 0;) {
    const auto joint = static_cast<std::size_t>(model.freedom_joint[i]);
    const double* row = &w.rows[i * layout.count];
    const double* factors = &w.matrix[static_cast<std::size_t>(model.row[i])];
    const auto begin = static_cast<std::size_t>(layout.content_begin[joint]);
    const auto end = static_cast<std::size_t>(layout.content_end[joint]);
    for (std::int32_t a = model.freedom_parent[i]; a >= 0;
         a = model.freedom_parent[static_cast<std::size_t>(a)]) {
      const auto above = static_cast<std::size_t>(a);
      const double share = factors[model.depth[above]];
      double* target = &w.rows[above * layout.count];
      for (const std::int32_t chained : layout.chain[joint]) {
        const std::int32_t first = layout.joint_first[static_cast<std::size_t>(chained)];
        for (std::int32_t k = 0; k < 3; ++k) target[first + k] -= share * row[first + k];
      }
      for (std::size_t c = begin; c < end; ++c) target[c] -= share * row[c];
    }
  }
}

void PoseElimination::keepRows(const FrameWorkspace& w, std::size_t slot) {
  const SolveModel& model = problem.model;
  const SizeLayout& layout = problem.layout;
  std::copy(w.matrix.begin(), w.matrix.end(),
            factors_.begin() + static_cast<std::ptrdiff_t>(slot * model.matrix_size));
  std::copy(w.gradient.begin(), w.gradient.end(),
            step_.begin() + static_cast<std::ptrdiff_t>(slot * model.freedoms()));
  for (std::size_t i = 0; i < model.freedoms(); ++i) {
    const auto joint = static_cast<std::size_t>(model.freedom_joint[i]);
    const auto freedoms = static_cast<std::size_t>(model.joint_freedoms[joint]);
    const std::size_t k = i - static_cast<std::size_t>(model.joint_freedom[joint]);
    const double diagonal = w.matrix[static_cast<std::size_t>(model.row[i] + model.depth[i])];
    const double inverse = 1.0 / std::sqrt(std::max(diagonal, 1e-12));
    inverse_root_[slot * model.freedoms() + i] = inverse;
    const double* row = &w.rows[i * layout.count];
    double* kept = &rows_[joint][(slot * freedoms + k) * stride_[joint]];
    const std::vector<std::int32_t>& columns = layout.columns[joint];
    for (std::size_t c = 0; c < columns.size(); ++c) kept[c] = inverse * row[columns[c]];
  }
}

void PoseElimination::build(const BodySizes& sizes, const std::vector<double>& marker_sigma,
                            const FrameTrust& trust, std::span<PosedFrame> frames) {
  const SolveModel& model = problem.model;
  const std::size_t count = problem.layout.count;
  factors_.resize(frames.size() * model.matrix_size);
  step_.resize(frames.size() * model.freedoms());
  inverse_root_.resize(frames.size() * model.freedoms());
  for (std::size_t j = 0; j < rows_.size(); ++j) {
    rows_[j].resize(frames.size() * static_cast<std::size_t>(model.joint_freedoms[j]) * stride_[j],
                    0.0);
  }
  std::vector<FrameSums> sums(kParts, FrameSums(count));
  parallelFor(kParts, threads, [&](std::size_t part, std::size_t thread) {
    FrameWorkspace& w = workspaces_[thread];
    const FrameSystem system{problem, sizes, marker_sigma, trust, w};
    for (std::size_t f = part * frames.size() / kParts; f < (part + 1) * frames.size() / kParts;
         ++f) {
      system.measure(frames[f]);
      system.factorPose(frames[f]);
      addSizes(w, frames[f], sums[part]);
      fillRows(w, frames[f], sums[part]);
      reduceRows(w);
      keepRows(w, f);
    }
  });
  matrix = std::move(sums[0].matrix);
  right = std::move(sums[0].right);
  for (std::size_t part = 1; part < kParts; ++part) {
    for (std::size_t i = 0; i < matrix.values.size(); ++i) {
      matrix.values[i] += sums[part].matrix.values[i];
    }
    for (std::size_t i = 0; i < count; ++i) right[i] += sums[part].right[i];
  }
  eliminate(frames.size());
}

void PoseElimination::eliminate(std::size_t frame_count) {
  struct Task {
    std::size_t joint, first_row, last_row;
  };
  constexpr std::size_t kRowsPerTask = 4 * kTile;
  std::vector<std::vector<double>> products(rows_.size());
  std::vector<Task> tasks;
  for (std::size_t j = 0; j < rows_.size(); ++j) {
    if (rows_[j].empty()) continue;
    products[j].resize(stride_[j] * stride_[j]);
    for (std::size_t r = 0; r < stride_[j]; r += kRowsPerTask) {
      tasks.push_back({j, r, std::min(r + kRowsPerTask, stride_[j])});
    }
  }
  parallelFor(tasks.size(), threads, [&](std::size_t t, std::size_t) {
    const Task& task = tasks[t];
    const std::size_t j = task.joint;
    multiplyTransposed(rows_[j].data(),
                       frame_count * static_cast<std::size_t>(problem.model.joint_freedoms[j]),
                       stride_[j], task.first_row, task.last_row, products[j].data());
  });
  for (std::size_t j = 0; j < rows_.size(); ++j) {
    if (rows_[j].empty()) continue;
    const std::vector<std::int32_t>& columns = problem.layout.columns[j];
    for (std::size_t r = 0; r < columns.size(); ++r) {
      for (std::size_t c = 0; c <= r; ++c) {
        matrix.add(static_cast<std::size_t>(columns[r]), static_cast<std::size_t>(columns[c]),
                   -products[j][r * stride_[j] + c]);
      }
    }
  }
}

void PoseElimination::movePoses(std::span<const double> size_step, const BodySizes& sizes,
                                const std::vector<double>& marker_sigma, const FrameTrust& trust,
                                std::span<PosedFrame> frames) {
  const SolveModel& model = problem.model;
  parallelFor(kParts, threads, [&](std::size_t part, std::size_t thread) {
    FrameWorkspace& w = workspaces_[thread];
    const FrameSystem system{problem, sizes, marker_sigma, trust, w};
    std::vector<double> back(model.freedoms());
    for (std::size_t f = part * frames.size() / kParts; f < (part + 1) * frames.size() / kParts;
         ++f) {
      const double* factors = &factors_[f * model.matrix_size];
      for (std::size_t i = 0; i < model.freedoms(); ++i) {
        const auto joint = static_cast<std::size_t>(model.freedom_joint[i]);
        const auto freedoms = static_cast<std::size_t>(model.joint_freedoms[joint]);
        const std::size_t k = i - static_cast<std::size_t>(model.joint_freedom[joint]);
        const double* row = &rows_[joint][(f * freedoms + k) * stride_[joint]];
        const std::vector<std::int32_t>& columns = problem.layout.columns[joint];
        double value = 0.0;
        for (std::size_t c = 0; c < columns.size(); ++c) {
          value += row[c] * size_step[static_cast<std::size_t>(columns[c])];
        }
        value *= inverse_root_[f * model.freedoms() + i];
        for (std::int32_t a = model.freedom_parent[i]; a >= 0;
             a = model.freedom_parent[static_cast<std::size_t>(a)]) {
          const auto above = static_cast<std::size_t>(a);
          value -= factors[model.row[i] + model.depth[above]] * back[above];
        }
        back[i] = value;
      }
      for (std::size_t i = 0; i < model.freedoms(); ++i) {
        w.gradient[i] = step_[f * model.freedoms() + i] - back[i];
      }
      system.move(w.gradient, frames[f]);
      system.measure(frames[f]);
    }
  });
}

}  // namespace understudy::calibrate
