#include "capture/solve/refine_subject.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "capture/solve/solve_steps.h"
#include "capture/subject/clip_geometry.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

// A frame of the recording with its pose.
struct PosedFrame {
  frame::LabelledSubject labelled;
  std::vector<std::uint8_t> seen;  // Per marker; labelled ones may be in doubt.
  std::vector<RigidTransformd> parent_from_joint;
  double rms = 0;
};

// The sizes that are looked for: three numbers per joint (its place on the parent), then three per
// marker. The root's are not among them.
struct Sizes {
  std::size_t joints = 0, markers = 0;

  std::size_t count() const { return 3 * (joints + markers); }
  std::size_t ofJoint(std::size_t joint) const { return 3 * joint; }
  std::size_t ofMarker(std::size_t marker) const { return 3 * (joints + marker); }
};

// Normal equations, lower triangle.
struct Normals {
  std::size_t size = 0;
  std::vector<double> matrix, right;

  explicit Normals(std::size_t n) : size(n), matrix(n * n, 0.0), right(n, 0.0) {}
  double& at(std::size_t row, std::size_t column) { return matrix[row * size + column]; }

  // Cholesky's decomposition, then both substitutions: `right` becomes the solution.
  void solve() {
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = at(i, j);
        for (std::size_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
        at(i, j) = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / at(j, j);
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t k = 0; k < i; ++k) right[i] -= at(i, k) * right[k];
      right[i] /= at(i, i);
    }
    for (std::size_t i = size; i-- > 0;) {
      for (std::size_t k = i + 1; k < size; ++k) right[i] -= at(k, i) * right[k];
      right[i] /= at(i, i);
    }
  }
};

std::vector<RigidTransformd> worldOf(const SolveModel& model,
                                     const std::vector<RigidTransformd>& local) {
  std::vector<RigidTransformd> world(local.size());
  worldFromJoints(model, local, world);
  return world;
}

struct Refinement {
  const file::MarkerClip& clip;
  const RefineSettings& settings;
  subject::Subject& subject;
  std::vector<PosedFrame> frames{};
  std::vector<glm::dvec3> estimated{};  // Sizes as they were given, joints then markers.
  double radius = 0.0;                  // Markers this far off the model have a quarter of a say.

  void gather();
  double pose(bool first);
  void doubtMarkers(const SolveModel& model, PosedFrame& posed) const;
  void resize();
  void addFrame(const PosedFrame& posed, const SolveModel& model, const Sizes& sizes,
                Normals& normals) const;
};

void Refinement::gather() {
  const std::size_t markers = subject.markers.size();
  for (const std::size_t f : subject::spreadFrames(clip, settings.frames)) {
    PosedFrame posed;
    posed.labelled.markers.resize(markers);
    posed.seen.assign(markers, 0);
    std::size_t seen = 0;
    for (std::size_t m = 0; m < markers; ++m) {
      if (!subject::isSeen(clip.at(f, m))) continue;
      posed.labelled.markers[m] = {clip.at(f, m), glm::mat3(0.0f), 1.0f};
      posed.seen[m] = 1;
      ++seen;
    }
    if (2 * seen >= markers) frames.push_back(std::move(posed));
  }
  for (const math::RigidTransform& joint : subject.skeleton.parent_from_joint) {
    estimated.emplace_back(joint.translation);
  }
  for (const subject::SubjectMarker& marker : subject.markers) {
    estimated.emplace_back(marker.offset_joint);
  }
}

// Fits the pose of every frame; returns the RMS distance over all.
double Refinement::pose(bool first) {
  const SolveModel model = makeSolveModel(subject);
  SolveWorkspace workspace = makeSolveWorkspace(model, subject);
  const auto fit = [&](PosedFrame& posed, int iterations) {
    posed.rms = fitPose(subject, model, settings.solve, baselineTreeKernels(), posed.labelled,
                        iterations, workspace, posed.parent_from_joint);
  };
  double sum = 0.0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    PosedFrame& posed = frames[i];
    if (!first) {
      for (std::size_t j = 1; j < model.joints(); ++j) {
        if (subject.joints[j].motion == subject::JointMotion::free) continue;
        posed.parent_from_joint[j].translation = model.rest[j].translation;
      }
      fit(posed, 3);
    } else {
      posed.parent_from_joint = layRestPose(subject, model, posed.labelled);
      fit(posed, 15);
      if (i > 0) {  // The frame before may be the better start.
        PosedFrame again{posed.labelled, posed.seen, frames[i - 1].parent_from_joint};
        fit(again, 15);
        if (again.rms < posed.rms) posed = std::move(again);
      }
    }
  }
  // The frame after may be the better start, too.
  for (std::size_t i = frames.size(); first && i-- > 1;) {
    PosedFrame again{frames[i - 1].labelled, frames[i - 1].seen, frames[i].parent_from_joint};
    fit(again, 15);
    if (again.rms < frames[i - 1].rms) frames[i - 1] = std::move(again);
  }
  for (PosedFrame& posed : frames) {
    if (!first) doubtMarkers(model, posed);
    sum += posed.rms * posed.rms;
  }
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(frames.size(), 1)));
}

// Recordings hold wrong labels: markers far off the model have no say until they fit again.
void Refinement::doubtMarkers(const SolveModel& model, PosedFrame& posed) const {
  const std::vector<RigidTransformd> world = worldOf(model, posed.parent_from_joint);
  double squares = 0.0;
  std::size_t count = 0;
  for (std::size_t m = 0; m < subject.markers.size(); ++m) {
    frame::LabelledMarker& seen = posed.labelled.markers[m];
    if (!posed.seen[m]) continue;
    const glm::dvec3 off = glm::dvec3(seen.position) - markerPosition(subject.markers[m], world);
    const double squared = glm::dot(off, off);
    const bool doubted = squared > settings.largest_stray * settings.largest_stray;
    seen.confidence = doubted ? 0.0f : 1.0f;
    if (doubted) continue;
    squares += squared;
    ++count;
  }
  posed.rms = std::sqrt(squares / static_cast<double>(std::max<std::size_t>(count, 1)));
}

// With all rotations given, a marker's place is linear in the sizes of its chain.
void Refinement::addFrame(const PosedFrame& posed, const SolveModel& model, const Sizes& sizes,
                          Normals& normals) const {
  const std::vector<RigidTransformd> world = worldOf(model, posed.parent_from_joint);
  for (std::size_t m = 0; m < sizes.markers; ++m) {
    const frame::LabelledMarker& seen = posed.labelled.markers[m];
    if (!(seen.confidence > 0.0f)) continue;
    const subject::SubjectMarker& marker = subject.markers[m];
    const glm::dvec3 residual = glm::dvec3(seen.position) - markerPosition(marker, world);
    const double stray = std::sqrt(glm::dot(residual, residual));
    if (stray > settings.largest_stray) continue;
    const double ratio = 1.0 + stray * stray / (radius * radius);
    const double weight = 1.0 / (ratio * ratio * settings.marker_sigma * settings.marker_sigma);
    struct Block {
      std::size_t at;
      glm::dmat3 turn;
    };
    std::vector<Block> blocks{
        {sizes.ofMarker(m),
         glm::mat3_cast(world[static_cast<std::size_t>(marker.joint)].rotation)}};
    for (std::size_t j = static_cast<std::size_t>(marker.joint); model.joint_parent[j] >= 0;) {
      const auto parent = static_cast<std::size_t>(model.joint_parent[j]);
      if (subject.joints[j].motion == subject::JointMotion::free) break;  // Moves by itself.
      blocks.push_back({sizes.ofJoint(j), glm::mat3_cast(world[parent].rotation)});
      j = parent;
    }
    for (const Block& row : blocks) {
      const glm::dvec3 right = weight * (glm::transpose(row.turn) * residual);
      for (int k = 0; k < 3; ++k) normals.right[row.at + static_cast<std::size_t>(k)] += right[k];
      for (const Block& column : blocks) {
        if (column.at > row.at) continue;
        const glm::dmat3 product = weight * (glm::transpose(row.turn) * column.turn);
        for (int r = 0; r < 3; ++r) {
          for (int c = 0; c < 3; ++c) {
            normals.at(row.at + static_cast<std::size_t>(r),
                       column.at + static_cast<std::size_t>(c)) += product[c][r];
          }
        }
      }
    }
  }
}

void Refinement::resize() {
  const SolveModel model = makeSolveModel(subject);
  const Sizes sizes{model.joints(), subject.markers.size()};
  Normals normals(sizes.count());
  for (const PosedFrame& posed : frames) {
    if (posed.rms < settings.largest_stray) addFrame(posed, model, sizes, normals);
  }
  const auto sizeOf = [&](std::size_t i) -> glm::vec3& {
    return i < sizes.joints ? subject.skeleton.parent_from_joint[i].translation
                            : subject.markers[i - sizes.joints].offset_joint;
  };
  for (std::size_t i = 0; i < estimated.size(); ++i) {
    const double sigma = i < sizes.joints ? settings.bone_sigma : settings.offset_sigma;
    for (int k = 0; k < 3; ++k) {
      const std::size_t at = 3 * i + static_cast<std::size_t>(k);
      normals.at(at, at) += 1.0 / (sigma * sigma);
      normals.right[at] += (estimated[i][k] - static_cast<double>(sizeOf(i)[k])) / (sigma * sigma);
    }
  }
  normals.solve();
  for (std::size_t i = 0; i < estimated.size(); ++i) {
    if (i < sizes.joints && model.joint_parent[i] < 0) continue;
    for (int k = 0; k < 3; ++k) {
      sizeOf(i)[k] += static_cast<float>(normals.right[3 * i + static_cast<std::size_t>(k)]);
    }
  }
}

}  // namespace

RefineReport refineSubject(const file::MarkerClip& clip, const RefineSettings& settings,
                           subject::Subject& subject) {
  assert(clip.names.size() == subject.markers.size());
  Refinement refinement{clip, settings, subject};
  refinement.gather();
  RefineReport report{.frames = refinement.frames.size()};
  if (refinement.frames.empty() || subject.skeleton.size() == 0) return report;
  report.rms_before = report.rms_after = refinement.pose(true);
  // Poses and sizes in turn come to rest slowly. Estimates far off would pass for wrong labels if
  // the first rounds did not look further.
  for (int round = 0; round < settings.rounds; ++round) {
    const bool first_half = 2 * round < settings.rounds;
    refinement.radius = first_half ? settings.wide_radius : settings.solve.robust_radius;
    refinement.resize();
    report.rms_after = refinement.pose(false);
  }
  return report;
}

}  // namespace understudy::solve
