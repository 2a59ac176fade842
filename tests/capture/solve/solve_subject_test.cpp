#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cstring>
#include <random>

#include "capture/solve/solve_lanes.h"
#include "engine/math/exponential.h"

using namespace understudy;

namespace {

// A small body: a free root, a chain of three, a side branch of two; markers about every joint.
subject::Subject makeBody() {
  subject::Subject body;
  body.name = "body";
  const int parents[] = {-1, 0, 1, 2, 1, 4};
  for (int j = 0; j < 6; ++j) {
    body.skeleton.names.push_back("joint" + std::to_string(j));
    body.skeleton.parents.push_back(parents[j]);
    body.skeleton.parent_from_joint.push_back(
        {glm::quat(1, 0, 0, 0),
         j == 0 ? glm::vec3(0.0f, 1.0f, 0.0f) : glm::vec3(0.05f, 0.25f, 0.1f * float(j - 3))});
    body.joints.push_back(
        {j == 0 ? subject::JointMotion::free : subject::JointMotion::ball, 3.15f});
    for (int m = 0; m < 4; ++m) {
      body.markers.push_back({"m" + std::to_string(j) + std::to_string(m), j,
                              glm::vec3(0.08f * float(m % 2) - 0.03f, 0.1f + 0.02f * float(m),
                                        0.07f * float(m / 2) - 0.02f)});
    }
  }
  return body;
}

std::vector<math::RigidTransformd> worldOf(const solve::SolveModel& model,
                                           const std::vector<math::RigidTransformd>& local) {
  std::vector<math::RigidTransformd> world(local.size());
  for (std::size_t j = 0; j < local.size(); ++j) {
    world[j] =
        model.joint_parent[j] < 0 ? local[j] : world[std::size_t(model.joint_parent[j])] * local[j];
  }
  return world;
}

std::vector<math::RigidTransformd> randomPose(const solve::SolveModel& model, std::mt19937& random,
                                              double spread) {
  std::normal_distribution<double> noise(0.0, spread);
  std::vector<math::RigidTransformd> pose = model.rest;
  for (std::size_t j = 0; j < pose.size(); ++j) {
    pose[j].rotation = glm::normalize(
        pose[j].rotation * math::rotationFromVector({noise(random), noise(random), noise(random)}));
  }
  pose[0].translation += glm::dvec3(noise(random), noise(random), noise(random));
  return pose;
}

frame::LabelledSubject look(const subject::Subject& body, const solve::SolveModel& model,
                            const std::vector<math::RigidTransformd>& pose) {
  const auto world = worldOf(model, pose);
  frame::LabelledSubject labelled;
  labelled.tracked = true;
  for (const subject::SubjectMarker& marker : body.markers) {
    labelled.markers.push_back(
        {glm::vec3(solve::markerPosition(marker, world)), glm::mat3(1e-8f), 1.0f});
  }
  return labelled;
}

struct Fixture {
  subject::Subject body = makeBody();
  solve::SolveModel model = solve::makeSolveModel(body);
  solve::SolveSettings settings;
  solve::SolveState state = solve::makeSolveState(body, model);
  solve::SolveWorkspace workspace = solve::makeSolveWorkspace(model, body);
  frame::SkeletonPose pose = frame::makeSkeletonPose(model.joints());
  solve::LaneSubject subject{&body, &model, &settings};
  std::vector<solve::LaneGroup> groups = solve::makeLaneGroups(std::span(&subject, 1));

  void solveFrame(const frame::LabelledSubject& labelled, std::uint64_t sequence) {
    solve::SolveSubjects{.subjects = std::span(&subject, 1),
                         .kernels = solve::baselineLaneKernels(),
                         .labels = std::span(&labelled, 1),
                         .stamp = {.sequence = sequence},
                         .rate_hz = 240.0,
                         .groups = groups,
                         .states = std::span(&state, 1),
                         .poses = std::span(&pose, 1)}
        .run();
  }

  double largestError(const std::vector<math::RigidTransformd>& truth) const {
    const auto expected = worldOf(model, truth), found = worldOf(model, state.parent_from_joint);
    double largest = 0.0;
    for (std::size_t j = 0; j < expected.size(); ++j) {
      largest = std::max(largest, glm::distance(expected[j].translation, found[j].translation));
    }
    return largest;
  }
};

}  // namespace

TEST_SUITE("solve/solve_subject") {
  TEST_CASE("a moved pose is found again from its markers alone") {
    Fixture f;
    std::mt19937 random(3);
    for (int trial = 0; trial < 20; ++trial) {
      const auto truth = randomPose(f.model, random, 0.4);
      auto pose = f.model.rest;
      const double rms = solve::fitPose(f.body, f.model, f.settings, solve::baselineTreeKernels(),
                                        look(f.body, f.model, truth), 25, f.workspace, pose);
      f.state.parent_from_joint = pose;
      CHECK(rms < 0.004);  // The weak pull to the rest pose remains.
      CHECK(f.largestError(truth) < 0.01);
    }
  }

  TEST_CASE("the sparse factorisation solves the same system as a dense one") {
    Fixture f;
    std::mt19937 random(5);
    std::normal_distribution<double> noise;
    const std::size_t n = f.model.freedoms();
    // Random axes and markers; the dense system is built from the definition, marker by marker.
    for (double& value : f.workspace.axes) value = noise(random);
    std::fill(f.workspace.moments.begin(), f.workspace.moments.end(), 0.0);
    std::fill(f.workspace.forces.begin(), f.workspace.forces.end(), 0.0);
    std::vector<solve::MarkerTerm> terms(40);
    Eigen::MatrixXd dense = Eigen::MatrixXd::Zero(Eigen::Index(n), Eigen::Index(n));
    Eigen::VectorXd gradient = Eigen::VectorXd::Zero(Eigen::Index(n));
    for (solve::MarkerTerm& term : terms) {
      Eigen::Matrix3d root;
      Eigen::Vector3d position, residual;
      for (int i = 0; i < 3; ++i) {
        term.position[i] = position[i] = noise(random);
        term.residual[i] = residual[i] = noise(random);
        for (int k = 0; k < 3; ++k) root(i, k) = noise(random);
      }
      const Eigen::Matrix3d w = root * root.transpose();
      const double packed[6] = {w(0, 0), w(0, 1), w(0, 2), w(1, 1), w(1, 2), w(2, 2)};
      std::copy(packed, packed + 6, term.information);
      term.joint = int(random() % 6);
      Eigen::MatrixXd jacobian = Eigen::MatrixXd::Zero(3, Eigen::Index(n));
      for (std::size_t i = 0; i < n; ++i) {
        for (int j = term.joint; j >= 0; j = f.model.joint_parent[std::size_t(j)]) {
          if (j != f.model.freedom_joint[i]) continue;
          const double* a = &f.workspace.axes[6 * i];
          jacobian.col(Eigen::Index(i)) =
              Eigen::Vector3d(a[3], a[4], a[5]) + Eigen::Vector3d(a[0], a[1], a[2]).cross(position);
        }
      }
      dense += jacobian.transpose() * w * jacobian;
      gradient += jacobian.transpose() * w * residual;
    }
    dense.diagonal().array() += 0.7;
    const Eigen::VectorXd expected = dense.ldlt().solve(gradient);
    std::vector<double> first_solution;
    for (const solve::TreeKernels* kernels :
         {&solve::baselineTreeKernels(), &solve::v3TreeKernels()}) {
      if (kernels == &solve::v3TreeKernels() && !__builtin_cpu_supports("avx2")) continue;
      std::fill(f.workspace.moments.begin(), f.workspace.moments.end(), 0.0);
      std::fill(f.workspace.forces.begin(), f.workspace.forces.end(), 0.0);
      const solve::TreeSystem system{.joints = f.model.joints(),
                                     .freedoms = n,
                                     .joint_parent = f.model.joint_parent.data(),
                                     .freedom_joint = f.model.freedom_joint.data(),
                                     .freedom_parent = f.model.freedom_parent.data(),
                                     .depth = f.model.depth.data(),
                                     .row = f.model.row.data(),
                                     .matrix = f.workspace.matrix.data(),
                                     .gradient = f.workspace.gradient.data(),
                                     .axes = f.workspace.axes.data(),
                                     .moments = f.workspace.moments.data(),
                                     .forces = f.workspace.forces.data()};
      kernels->addMarkers(system, terms.data(), terms.size());
      kernels->project(system);
      for (std::size_t i = 0; i < n; ++i) {
        f.workspace.matrix[std::size_t(f.model.row[i] + f.model.depth[i])] += 0.7;
      }
      kernels->factorAndSolve(system);
      for (std::size_t i = 0; i < n; ++i) {
        CHECK(f.workspace.gradient[i] == doctest::Approx(expected[Eigen::Index(i)]).epsilon(1e-8));
      }
      if (first_solution.empty()) first_solution = f.workspace.gradient;
      CHECK(std::memcmp(first_solution.data(), f.workspace.gradient.data(), n * sizeof(double)) ==
            0);
    }
  }

  TEST_CASE(
      "a body that turns is followed, and a limb without markers neither flies off nor freezes the "
      "rest") {
    Fixture f;
    solve::startTracking(f.model, 0, f.model.rest, f.state);
    auto truth = f.model.rest;
    double largest = 0.0;
    for (std::uint64_t frame = 1; frame < 720; ++frame) {
      const double t = double(frame) / 240.0;
      truth[2].rotation = f.model.rest[2].rotation *
                          math::rotationFromVector({0.8 * std::sin(6.0 * t), 0.0, 0.3 * t});
      truth[4].rotation =
          f.model.rest[4].rotation * math::rotationFromVector({0.0, std::sin(4.0 * t), 0.0});
      truth[0].translation =
          f.model.rest[0].translation + glm::dvec3(1.5 * t, 0.0, 0.2 * std::sin(9.0 * t));
      frame::LabelledSubject labelled = look(f.body, f.model, truth);
      const bool hidden = frame > 300 && frame < 420;
      for (std::size_t m = 0; m < labelled.markers.size() && hidden; ++m) {
        if (f.body.markers[m].joint >= 4) labelled.markers[m].confidence = 0.0f;
      }
      f.solveFrame(labelled, frame);
      const bool settled = frame > 60 && !hidden && (frame < 300 || frame > 440);
      if (settled) largest = std::max(largest, f.largestError(truth));
      CHECK(f.largestError(truth) < 0.6);
      if (hidden && frame > 310) CHECK(f.pose.predicted[5] == 1);
      if (!hidden && frame > 440) CHECK(f.pose.predicted[5] == 0);
    }
    CHECK(largest < 0.004);
    CHECK(f.state.tracked);
  }

  TEST_CASE("a single mislabelled marker barely moves the pose") {
    Fixture f;
    solve::startTracking(f.model, 0, f.model.rest, f.state);
    frame::LabelledSubject labelled = look(f.body, f.model, f.model.rest);
    labelled.markers[9].position += glm::vec3(0.3f, 0.0f, 0.0f);
    for (std::uint64_t frame = 1; frame < 50; ++frame) f.solveFrame(labelled, frame);
    CHECK(f.largestError(f.model.rest) < 0.001);
  }

  TEST_CASE("a subject that nobody sees is given up after the stated time, and says so") {
    Fixture f;
    solve::startTracking(f.model, 0, f.model.rest, f.state);
    frame::LabelledSubject nothing;
    nothing.markers.resize(f.body.markers.size());
    for (std::uint64_t frame = 1; frame < 115; ++frame) f.solveFrame(nothing, frame);
    CHECK(f.pose.tracked);
    for (std::uint64_t frame = 115; frame < 130; ++frame) f.solveFrame(nothing, frame);
    CHECK_FALSE(f.pose.tracked);
    for (const math::RigidTransform& joint : f.pose.parent_from_joint)
      CHECK(std::isfinite(joint.translation.x));
  }

  TEST_CASE("settings out of range are refused by name") {
    solve::SolveSettings settings;
    CHECK(solve::check(settings));
    settings.marker_sigma = -1.0;
    const auto refused = solve::check(settings);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("marker_sigma") != std::string::npos);
  }
}
