#include "capture/calibrate/place_doubt.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/solve_steps.h"

namespace understudy::calibrate {
namespace {

constexpr double kPart = 0.1;  // Of one standard deviation: there the model is linear.

// The sizes off by a part of one of the independent errors that their covariance is made of.
std::vector<double> errorOf(const PlaceDoubt& job, std::size_t number) {
  std::vector<double> error(job.factored.size, 0.0);
  error[number] = kPart * std::sqrt(job.scale);
  for (std::size_t i = number + 1; i-- > 0;) {
    error[i] /= job.factored.at(i, i);
    for (std::size_t k = 0; k < i; ++k) error[k] -= job.factored.at(i, k) * error[i];
  }
  return error;
}

BodySizes changed(const PlaceDoubt& job, const std::vector<double>& error) {
  BodySizes sizes = job.sizes;
  const auto add = [&](std::int32_t first, glm::dvec3& place) {
    for (int k = 0; first >= 0 && k < 3; ++k)
      place[k] += error[static_cast<std::size_t>(first + k)];
  };
  const SizeLayout& layout = job.problem.layout;
  for (std::size_t j = 0; j < sizes.joint_place.size(); ++j)
    add(layout.joint_first[j], sizes.joint_place[j]);
  for (std::size_t m = 0; m < sizes.marker_offset.size(); ++m)
    add(layout.marker_first[m], sizes.marker_offset[m]);
  return sizes;
}

// Some frames, evenly spread; the skin does not slide in them, as it does not for the solver.
std::vector<PosedFrame> someOf(const std::vector<PosedFrame>& frames) {
  constexpr std::size_t kFrames = 6;
  std::vector<PosedFrame> some;
  const std::size_t step = std::max<std::size_t>(1, frames.size() / kFrames);
  for (std::size_t f = 0; f < frames.size(); f += step) {
    some.push_back(frames[f]);
    some.back().bend.clear();
  }
  return some;
}

}  // namespace

std::vector<double> PlaceDoubt::run() const {
  const std::size_t joints = problem.model.joints();
  std::vector<PosedFrame> shown = someOf(frames);
  PoseElimination elimination(problem, 1);
  elimination.build(sizes, marker_sigma, trust, shown);
  std::vector<math::RigidTransformd> world(joints);
  // Where all joints of all frames are once their poses have made up for an error of the sizes.
  const auto placesWith = [&](const std::vector<double>& error, std::vector<glm::dvec3>& places) {
    std::vector<PosedFrame> moved = shown;
    const BodySizes off = changed(*this, error);
    elimination.movePoses(error, off, marker_sigma, trust, moved);
    places.clear();
    for (const PosedFrame& frame : moved) {
      solve::worldFromJoints(problem.model, frame.parent_from_joint, world);
      for (const math::RigidTransformd& joint : world) places.push_back(joint.translation);
    }
  };
  std::vector<glm::dvec3> usual, places;
  placesWith(std::vector<double>(factored.size, 0.0), usual);
  std::vector<double> sigma(joints, 0.0);
  for (std::size_t i = 0; i < factored.size; ++i) {
    placesWith(errorOf(*this, i), places);
    for (std::size_t p = 0; p < places.size(); ++p) {
      const glm::dvec3 off = (places[p] - usual[p]) / kPart;
      sigma[p % joints] += glm::dot(off, off);
    }
  }
  const double count = 3.0 * static_cast<double>(std::max<std::size_t>(shown.size(), 1));
  for (double& value : sigma) value = std::sqrt(value / count);
  return sigma;
}

}  // namespace understudy::calibrate
