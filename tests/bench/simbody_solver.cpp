#include "tests/bench/simbody_solver.h"

#include <Simbody.h>

#include <exception>
#include <string>

namespace understudy::bench {
namespace {

SimTK::Transform transformOf(const PlainTransform& t) {
  return {SimTK::Rotation(SimTK::Quaternion(t[3], t[0], t[1], t[2])),
          SimTK::Vec3(t[4], t[5], t[6])};
}

SimTK::MobilizedBody& matterGround(SimTK::SimbodyMatterSubsystem& matter) {
  return matter.Ground();
}

}  // namespace

struct SimbodySolver::Parts {
  SimTK::MultibodySystem system;
  SimTK::SimbodyMatterSubsystem matter{system};
  std::vector<SimTK::MobilizedBodyIndex> bodies;  // Per joint; those that cannot move are welded.
  std::vector<int> parents;
  SimTK::Markers* markers = nullptr;  // The assembler's.
  std::unique_ptr<SimTK::Assembler> assembler;
  SimTK::State state;
  SimTK::Array_<SimTK::Vec3> observations;

  SimTK::MobilizedBody& body(std::size_t joint) { return matter.updMobilizedBody(bodies[joint]); }
};

SimbodySolver::SimbodySolver(const std::vector<PlainJoint>& joints,
                             const std::vector<PlainMarker>& markers, double accuracy)
    : parts_(std::make_unique<Parts>()) {
  Parts& p = *parts_;
  const SimTK::Body::Rigid body(SimTK::MassProperties(1.0, SimTK::Vec3(0), SimTK::Inertia(1.0)));
  for (const PlainJoint& joint : joints) {
    SimTK::MobilizedBody& inboard =
        joint.parent < 0 ? matterGround(p.matter) : p.body(static_cast<std::size_t>(joint.parent));
    const SimTK::Transform rest = transformOf(joint.rest);
    p.parents.push_back(joint.parent);
    if (joint.freedoms == 6) {
      p.bodies.push_back(SimTK::MobilizedBody::Free(inboard, rest, body, SimTK::Transform())
                             .getMobilizedBodyIndex());
    } else if (joint.freedoms == 3) {
      p.bodies.push_back(SimTK::MobilizedBody::Ball(inboard, rest, body, SimTK::Transform())
                             .getMobilizedBodyIndex());
    } else {
      p.bodies.push_back(SimTK::MobilizedBody::Weld(inboard, rest, body, SimTK::Transform())
                             .getMobilizedBodyIndex());
    }
  }
  p.system.realizeTopology();
  p.state = p.system.getDefaultState();
  p.system.realizeModel(p.state);
  for (std::size_t j = 0; j < joints.size(); ++j) {
    if (joints[j].freedoms == 0) continue;
    p.body(j).setQToFitTransform(p.state,
                                 ~transformOf(joints[j].rest) * transformOf(joints[j].start));
  }
  p.assembler = std::make_unique<SimTK::Assembler>(p.system);
  p.assembler->setAccuracy(accuracy);
  p.markers = new SimTK::Markers();
  p.assembler->adoptAssemblyGoal(p.markers);
  SimTK::Array_<SimTK::String> order;
  for (std::size_t m = 0; m < markers.size(); ++m) {
    const std::string name = std::to_string(m);
    const std::array<double, 3>& offset = markers[m].offset;
    p.markers->addMarker(name, p.body(static_cast<std::size_t>(markers[m].joint)),
                         SimTK::Vec3(offset[0], offset[1], offset[2]));
    order.push_back(name);
  }
  p.markers->defineObservationOrder(order);
  p.observations.resize(static_cast<unsigned>(markers.size()), SimTK::Vec3(SimTK::NaN));
  p.assembler->initialize(p.state);
}

SimbodySolver::~SimbodySolver() = default;

bool SimbodySolver::solve(const std::vector<std::array<double, 3>>& positions) {
  Parts& p = *parts_;
  for (std::size_t m = 0; m < positions.size(); ++m) {
    p.observations[static_cast<unsigned>(m)] =
        SimTK::Vec3(positions[m][0], positions[m][1], positions[m][2]);
  }
  p.markers->moveAllObservations(p.observations);
  try {
    p.assembler->track();
  } catch (const std::exception&) {
    return false;
  }
  p.assembler->updateFromInternalState(p.state);
  return true;
}

std::vector<PlainTransform> SimbodySolver::pose() const {
  Parts& p = *parts_;
  p.system.realize(p.state, SimTK::Stage::Position);
  std::vector<PlainTransform> pose;
  for (std::size_t j = 0; j < p.bodies.size(); ++j) {
    const SimTK::Transform& world = p.body(j).getBodyTransform(p.state);
    SimTK::Transform local = world;
    if (p.parents[j] >= 0)
      local = ~p.body(static_cast<std::size_t>(p.parents[j])).getBodyTransform(p.state) * world;
    const SimTK::Quaternion q = local.R().convertRotationToQuaternion();
    pose.push_back({q[1], q[2], q[3], q[0], local.p()[0], local.p()[1], local.p()[2]});
  }
  return pose;
}

}  // namespace understudy::bench
