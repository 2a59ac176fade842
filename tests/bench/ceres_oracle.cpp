#include "tests/bench/ceres_oracle.h"

#include <ceres/ceres.h>
#include <ceres/rotation.h>

#include <cmath>

namespace understudy::bench {
namespace {

// A joint's numbers of one frame: a rotation vector on top of `at`, and for roots a shift.
struct JointState {
  PlainTransform at{};
  std::array<double, 6> step{};
};
using FrameState = std::vector<JointState>;

struct Body {
  const std::vector<PlainJoint>& joints;
  const std::vector<PlainMarker>& markers;

  // The joints from the root down to this one.
  std::vector<std::size_t> chainTo(int joint) const {
    std::vector<std::size_t> chain;
    for (; joint >= 0; joint = joints[static_cast<std::size_t>(joint)].parent) {
      chain.insert(chain.begin(), static_cast<std::size_t>(joint));
    }
    return chain;
  }
};

// parent_from_joint with its step; quaternions here are w, x, y, z as Ceres has them.
template <class T>
void localTransform(const PlainTransform& at, const T* step, int freedoms, T* rotation, T* shift) {
  const T base[4] = {T(at[3]), T(at[0]), T(at[1]), T(at[2])};
  for (int k = 0; k < 3; ++k) shift[k] = T(at[static_cast<std::size_t>(4 + k)]);
  if (freedoms == 0) {
    for (int k = 0; k < 4; ++k) rotation[k] = base[k];
    return;
  }
  T turn[4];
  ceres::AngleAxisToQuaternion(step, turn);
  ceres::QuaternionProduct(base, turn, rotation);
  for (int k = 0; freedoms == 6 && k < 3; ++k) shift[k] += step[3 + k];
}

// Distance of one marker from the model, over sigma.
struct MarkerCost {
  std::vector<PlainTransform> at;  // Along the chain.
  std::vector<int> freedoms;
  std::array<double, 3> offset, seen;
  double sigma;

  template <class T>
  bool operator()(T const* const* steps, T* residual) const {
    T place[3] = {T(offset[0]), T(offset[1]), T(offset[2])};
    std::size_t block = 0;
    for (const int freedom : freedoms) block += freedom > 0 ? 1 : 0;
    for (std::size_t k = at.size(); k-- > 0;) {
      const T* step = nullptr;
      if (freedoms[k] > 0) step = steps[--block];
      T rotation[4], shift[3], turned[3];
      localTransform(at[k], step, freedoms[k], rotation, shift);
      ceres::UnitQuaternionRotatePoint(rotation, place, turned);
      for (int a = 0; a < 3; ++a) place[a] = turned[a] + shift[a];
    }
    for (std::size_t a = 0; a < 3; ++a) residual[a] = (place[a] - T(seen[a])) / T(sigma);
    return true;
  }
};

// A joint's turn away from rest, over sigma: says something where markers say nothing.
struct RestCost {
  PlainTransform at, rest;
  int freedoms;
  double sigma;

  template <class T>
  bool operator()(T const* const* steps, T* residual) const {
    T rotation[4], shift[3], off[4];
    localTransform(at, steps[0], freedoms, rotation, shift);
    const T back[4] = {T(rest[3]), T(-rest[0]), T(-rest[1]), T(-rest[2])};
    ceres::QuaternionProduct(back, rotation, off);
    ceres::QuaternionToAngleAxis(off, residual);
    for (int a = 0; a < 3; ++a) residual[a] /= T(sigma);
    return true;
  }
};

// The change of a joint's speed over three frames, over sigma.
struct SmoothCost {
  std::array<PlainTransform, 3> at;
  int freedoms;
  double turn_sigma, shift_sigma;

  template <class T>
  bool operator()(T const* const* steps, T* residual) const {
    T rotation[3][4], shift[3][3];
    for (std::size_t k = 0; k < 3; ++k) {
      localTransform(at[k], steps[k], freedoms, rotation[k], shift[k]);
    }
    T speed[2][3];
    for (int k = 0; k < 2; ++k) {
      const T back[4] = {rotation[k][0], -rotation[k][1], -rotation[k][2], -rotation[k][3]};
      T between[4];
      ceres::QuaternionProduct(back, rotation[k + 1], between);
      ceres::QuaternionToAngleAxis(between, speed[k]);
    }
    for (int a = 0; a < 3; ++a) residual[a] = (speed[1][a] - speed[0][a]) / T(turn_sigma);
    for (int a = 0; freedoms == 6 && a < 3; ++a) {
      residual[3 + a] = (shift[2][a] - T(2.0) * shift[1][a] + shift[0][a]) / T(shift_sigma);
    }
    return true;
  }
};

void addMarkers(const Body& body, const OracleFrame& frame, double sigma, FrameState& state,
                ceres::Problem& problem) {
  for (std::size_t m = 0; m < body.markers.size(); ++m) {
    if (std::isnan(frame[m][0])) continue;
    MarkerCost cost{{}, {}, body.markers[m].offset, frame[m], sigma};
    std::vector<double*> blocks;
    std::vector<int> sizes;
    for (const std::size_t joint : body.chainTo(body.markers[m].joint)) {
      const int freedoms = body.joints[joint].freedoms;
      cost.at.push_back(state[joint].at);
      cost.freedoms.push_back(freedoms);
      if (freedoms == 0) continue;
      blocks.push_back(state[joint].step.data());
      sizes.push_back(freedoms);
    }
    auto* function = new ceres::DynamicAutoDiffCostFunction<MarkerCost, 6>(new MarkerCost(cost));
    for (const int size : sizes) function->AddParameterBlock(size);
    function->SetNumResiduals(3);
    problem.AddResidualBlock(function, nullptr, blocks);
  }
}

void addRest(const Body& body, double sigma, FrameState& state, ceres::Problem& problem) {
  for (std::size_t j = 0; j < body.joints.size(); ++j) {
    const PlainJoint& joint = body.joints[j];
    if (joint.freedoms != 3) continue;
    auto* function = new ceres::DynamicAutoDiffCostFunction<RestCost, 6>(
        new RestCost{state[j].at, joint.rest, joint.freedoms, sigma});
    function->AddParameterBlock(joint.freedoms);
    function->SetNumResiduals(3);
    problem.AddResidualBlock(function, nullptr, state[j].step.data());
  }
}

void addSmoothness(const Body& body, const OracleSettings& settings, FrameState* frames,
                   ceres::Problem& problem) {
  const double step = 1.0 / settings.rate_hz;
  for (std::size_t j = 0; j < body.joints.size(); ++j) {
    const int freedoms = body.joints[j].freedoms;
    if (freedoms == 0) continue;
    auto* cost = new SmoothCost{{frames[0][j].at, frames[1][j].at, frames[2][j].at},
                                freedoms,
                                settings.turn_sigma * step * step,
                                settings.shift_sigma * step * step};
    auto* function = new ceres::DynamicAutoDiffCostFunction<SmoothCost, 6>(cost);
    std::vector<double*> blocks;
    for (int k = 0; k < 3; ++k) {
      function->AddParameterBlock(freedoms);
      blocks.push_back(frames[k][j].step.data());
    }
    function->SetNumResiduals(freedoms);
    problem.AddResidualBlock(function, nullptr, blocks);
  }
}

ceres::Solver::Options optionsOf(int iterations, int threads) {
  ceres::Solver::Options options;
  options.max_num_iterations = iterations;
  options.num_threads = threads;
  options.linear_solver_type = ceres::SPARSE_NORMAL_CHOLESKY;
  options.function_tolerance = 1e-9;
  options.logging_type = ceres::SILENT;
  return options;
}

// Puts the steps into the poses.
void applySteps(const Body& body, FrameState& state) {
  for (std::size_t j = 0; j < state.size(); ++j) {
    double rotation[4], shift[3];
    localTransform(state[j].at, state[j].step.data(), body.joints[j].freedoms, rotation, shift);
    state[j].at = {rotation[1], rotation[2], rotation[3], rotation[0],
                   shift[0],    shift[1],    shift[2]};
    state[j].step.fill(0.0);
  }
}

FrameState fitFrame(const Body& body, const OracleFrame& frame, const OracleSettings& settings,
                    FrameState state) {
  constexpr int kIterations = 30;
  ceres::Problem problem;
  addMarkers(body, frame, settings.marker_sigma, state, problem);
  addRest(body, settings.rest_sigma, state, problem);
  ceres::Solver::Summary summary;
  ceres::Solve(optionsOf(kIterations, 1), &problem, &summary);
  applySteps(body, state);
  return state;
}

}  // namespace

std::vector<std::vector<PlainTransform>> solveOffline(const std::vector<PlainJoint>& joints,
                                                      const std::vector<PlainMarker>& markers,
                                                      const std::vector<OracleFrame>& frames,
                                                      const OracleSettings& settings) {
  const Body body{joints, markers};
  FrameState state(joints.size());
  for (std::size_t j = 0; j < joints.size(); ++j) state[j].at = joints[j].start;
  std::vector<FrameState> states;
  for (const OracleFrame& frame : frames) {
    state = fitFrame(body, frame, settings, std::move(state));
    states.push_back(state);
  }
  if (settings.turn_sigma > 0.0) {
    ceres::Problem problem;
    for (std::size_t f = 0; f < frames.size(); ++f) {
      addMarkers(body, frames[f], settings.marker_sigma, states[f], problem);
      addRest(body, settings.rest_sigma, states[f], problem);
      if (f >= 2) addSmoothness(body, settings, &states[f - 2], problem);
    }
    ceres::Solver::Summary summary;
    ceres::Solve(optionsOf(settings.iterations, settings.threads), &problem, &summary);
    for (FrameState& each : states) applySteps(body, each);
  }
  std::vector<std::vector<PlainTransform>> poses;
  for (const FrameState& each : states) {
    std::vector<PlainTransform>& pose = poses.emplace_back();
    for (const JointState& joint : each) pose.push_back(joint.at);
  }
  return poses;
}

}  // namespace understudy::bench
