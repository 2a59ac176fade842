#include "capture/calibrate/choose_frames.h"

#include <algorithm>
#include <cmath>

#include "capture/calibrate/parallel_for.h"
#include "capture/solve/solve_steps.h"
#include "capture/subject/clip_geometry.h"
#include "engine/math/exponential.h"

namespace understudy::calibrate {
namespace {

using math::RigidTransformd;

double medianRms(const std::vector<PosedFrame>& frames) {
  std::vector<double> values;
  for (const PosedFrame& frame : frames) values.push_back(frame.rms);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<RigidTransformd> layRest(const CalibrationProblem& problem, const PosedFrame& frame) {
  frame::LabelledSubject labelled;
  labelled.markers.resize(frame.seen.size());
  for (std::size_t m = 0; m < frame.seen.size(); ++m) {
    if (!frame.there[m]) continue;
    labelled.markers[m].position = glm::vec3(frame.seen[m]);
    labelled.markers[m].confidence = 1.0f;
  }
  return solve::layRestPose(problem.subject, problem.model, labelled);
}

// Takes another start where it ends nearer to the markers.
void tryFrom(const FrameSystem& system, const std::vector<RigidTransformd>& start, int iterations,
             PosedFrame& frame) {
  const std::vector<RigidTransformd> before = frame.parent_from_joint;
  const double rms = frame.rms;
  frame.parent_from_joint = start;
  system.fitPose(iterations, frame);
  if (!before.empty() && !(frame.rms < rms)) {
    frame.parent_from_joint = before;
    frame.rms = rms;
  }
}

// Turns of all joints, as one vector.
std::vector<double> shapeOf(const CalibrationProblem& problem, const PosedFrame& frame) {
  std::vector<double> shape;
  solve::forEachMovingJoint(problem.model, [&](std::size_t joint, std::size_t) {
    if (problem.model.joint_parent[joint] < 0) return;
    const glm::dvec3 turn =
        math::vectorFromRotation(glm::conjugate(problem.model.rest[joint].rotation) *
                                 frame.parent_from_joint[joint].rotation);
    for (int k = 0; k < 3; ++k) shape.push_back(turn[k]);
  });
  return shape;
}

}  // namespace

std::vector<PosedFrame> gatherFrames(const file::MarkerClip& clip,
                                     const std::vector<std::size_t>& column, std::size_t most) {
  std::vector<PosedFrame> frames;
  std::vector<std::size_t> counts;
  for (const std::size_t f : subject::spreadFrames(clip, most)) {
    PosedFrame posed{.frame = f};
    for (const std::size_t c : column) {
      const glm::vec3& place = clip.at(f, c);
      const bool seen = subject::isSeen(place);
      posed.seen.emplace_back(seen ? glm::dvec3(place) : glm::dvec3(0.0));
      posed.there.push_back(seen ? 1 : 0);
      posed.count += seen ? 1 : 0;
    }
    counts.push_back(posed.count);
    frames.push_back(std::move(posed));
  }
  if (frames.empty()) return frames;
  const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
  std::nth_element(counts.begin(), middle, counts.end());
  const std::size_t least = std::max<std::size_t>(3, *middle / 2);
  std::erase_if(frames, [&](const PosedFrame& frame) { return frame.count < least; });
  return frames;
}

void poseFrames(const CalibrationProblem& problem, const BodySizes& sizes,
                const std::vector<double>& marker_sigma, const FrameTrust& trust,
                std::size_t threads, std::vector<PosedFrame>& frames) {
  constexpr std::size_t kParts = 8;
  constexpr int kFromRest = 20, kFromNeighbour = 5, kAgain = 12;
  std::vector<FrameWorkspace> workspaces;
  for (std::size_t t = 0; t < std::max<std::size_t>(threads, 1); ++t) {
    workspaces.push_back(makeFrameWorkspace(problem));
  }
  parallelFor(kParts, threads, [&](std::size_t part, std::size_t thread) {
    const FrameSystem system{problem, sizes, marker_sigma, trust, workspaces[thread]};
    const std::size_t begin = part * frames.size() / kParts;
    const std::size_t end = (part + 1) * frames.size() / kParts;
    for (std::size_t f = begin; f < end; ++f) {
      frames[f].parent_from_joint.clear();
      if (f == begin) {
        tryFrom(system, layRest(problem, frames[f]), kFromRest, frames[f]);
      } else {
        tryFrom(system, frames[f - 1].parent_from_joint, kFromNeighbour, frames[f]);
      }
    }
  });
  if (frames.empty()) return;
  const double usual = medianRms(frames);
  parallelFor(kParts, threads, [&](std::size_t part, std::size_t thread) {
    const FrameSystem system{problem, sizes, marker_sigma, trust, workspaces[thread]};
    const std::size_t begin = part * frames.size() / kParts;
    const std::size_t end = (part + 1) * frames.size() / kParts;
    for (std::size_t f = end; f-- > begin;) {
      if (frames[f].rms < 1.3 * usual) continue;
      tryFrom(system, layRest(problem, frames[f]), kFromRest, frames[f]);
      if (f + 1 < end) tryFrom(system, frames[f + 1].parent_from_joint, kAgain, frames[f]);
    }
  });
}

void keepVaried(const CalibrationProblem& problem, std::size_t most,
                std::vector<PosedFrame>& frames) {
  // Frames may be usual because the performer stood still in most of them, as in the one that the
  // sizes come from: those of motion, centimetres off before the first step, must not be lost.
  constexpr double kTimesUsual = 2.5, kNeverFar = 0.04;
  if (frames.size() <= most) return;
  const double usual = medianRms(frames);
  const double far = std::max(kTimesUsual * usual, kNeverFar);
  std::erase_if(frames, [&](const PosedFrame& f) { return f.rms > far; });
  std::vector<std::vector<double>> shapes;
  for (const PosedFrame& frame : frames) shapes.push_back(shapeOf(problem, frame));
  std::vector<double> nearest(frames.size(), 1e300);
  std::vector<bool> taken(frames.size(), false);
  std::size_t next = 0;
  for (std::size_t n = 0; n < std::min(most, frames.size()); ++n) {
    taken[next] = true;
    std::size_t farthest = next;
    for (std::size_t f = 0; f < frames.size(); ++f) {
      double squared = 0.0;
      for (std::size_t k = 0; k < shapes[f].size(); ++k) {
        const double off = shapes[f][k] - shapes[next][k];
        squared += off * off;
      }
      nearest[f] = std::min(nearest[f], squared);
      if (!taken[f] && (taken[farthest] || nearest[f] > nearest[farthest])) farthest = f;
    }
    next = farthest;
  }
  std::size_t kept = 0;
  for (std::size_t f = 0; f < frames.size(); ++f) {
    if (!taken[f]) continue;
    if (kept != f) frames[kept] = std::move(frames[f]);
    ++kept;
  }
  frames.resize(kept);
}

std::size_t dropWorst(double share, std::vector<PosedFrame>& frames) {
  const auto drop = static_cast<std::size_t>(share * static_cast<double>(frames.size()));
  if (drop == 0) return 0;
  std::vector<double> values;
  for (const PosedFrame& frame : frames) values.push_back(frame.rms);
  std::sort(values.begin(), values.end());
  const double limit = values[frames.size() - drop];
  const std::size_t before = frames.size();
  std::erase_if(frames, [&](const PosedFrame& frame) { return !(frame.rms < limit); });
  return before - frames.size();
}

}  // namespace understudy::calibrate
