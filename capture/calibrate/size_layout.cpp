#include "capture/calibrate/size_layout.h"

#include <cmath>

namespace understudy::calibrate {
namespace {

using solve::SolveModel;
using subject::Subject;

bool isSized(const SolveModel& model, std::size_t joint) {
  return model.joint_parent[joint] >= 0 && model.joint_freedoms[joint] == 3;
}

void number(const Subject& subject, const SolveModel& model,
            const std::vector<std::vector<std::int32_t>>& children, SizeLayout& layout) {
  // Depth first without recursion: a joint is left when its last child is.
  struct Visit {
    std::size_t joint, next_child;
  };
  const auto enter = [&](std::size_t joint) {
    if (isSized(model, joint)) {
      layout.joint_first[joint] = static_cast<std::int32_t>(layout.count);
      layout.count += 3;
    }
    layout.content_begin[joint] = static_cast<std::int32_t>(layout.count);
    for (std::size_t m = 0; m < subject.markers.size(); ++m) {
      if (static_cast<std::size_t>(subject.markers[m].joint) != joint) continue;
      layout.marker_first[m] = static_cast<std::int32_t>(layout.count);
      layout.count += 6;
    }
  };
  std::vector<Visit> stack;
  for (std::size_t root = 0; root < model.joints(); ++root) {
    if (model.joint_parent[root] >= 0) continue;
    enter(root);
    stack.push_back({root, 0});
    while (!stack.empty()) {
      Visit& visit = stack.back();
      if (visit.next_child < children[visit.joint].size()) {
        const auto child = static_cast<std::size_t>(children[visit.joint][visit.next_child++]);
        enter(child);
        stack.push_back({child, 0});
        continue;
      }
      layout.content_end[visit.joint] = static_cast<std::int32_t>(layout.count);
      stack.pop_back();
    }
  }
}

// Adds how the places of what hangs on a joint change with a turn or shift of the joint's frame;
// through joints that cannot turn, too.
struct GaugeCollector {
  const Subject& subject;
  const SolveModel& model;
  const SizeLayout& layout;
  const BodySizes& sizes;

  template <class Motion>
  GaugeDirection collect(std::size_t joint, const Motion& motion) const {
    GaugeDirection direction;
    double squares = 0.0;
    const auto add = [&](std::int32_t first, const glm::dmat3& turn, const glm::dvec3& place) {
      if (first < 0) return;
      const glm::dvec3 change = glm::transpose(turn) * motion(place);
      squares += glm::dot(change, change);
      for (int k = 0; k < 3; ++k) {
        direction.index.push_back(first + k);
        direction.value.push_back(change[k]);
      }
    };
    struct Rigid {
      std::size_t joint;
      glm::dmat3 turn;
      glm::dvec3 place;
    };
    std::vector<Rigid> rigid{{joint, glm::dmat3(1.0), glm::dvec3(0.0)}};
    for (std::size_t at = 0; at < rigid.size(); ++at) {
      const Rigid part = rigid[at];
      for (std::size_t m = 0; m < subject.markers.size(); ++m) {
        if (static_cast<std::size_t>(subject.markers[m].joint) != part.joint) continue;
        add(layout.marker_first[m], part.turn, part.place + part.turn * sizes.marker_offset[m]);
      }
      for (std::size_t child = 0; child < model.joints(); ++child) {
        if (model.joint_parent[child] != static_cast<std::int32_t>(part.joint)) continue;
        const glm::dvec3 place = part.place + part.turn * sizes.joint_place[child];
        add(layout.joint_first[child], part.turn, place);
        if (model.joint_freedoms[child] == 0) {
          rigid.push_back({child, part.turn * glm::mat3_cast(model.rest[child].rotation), place});
        }
      }
    }
    const double length = std::sqrt(squares);
    if (!(length > 1e-6)) return {};
    for (double& value : direction.value) value /= length;
    return direction;
  }
};

}  // namespace

BodySizes sizesOf(const Subject& subject) {
  BodySizes sizes;
  for (const math::RigidTransform& joint : subject.skeleton.parent_from_joint) {
    sizes.joint_place.emplace_back(joint.translation);
  }
  for (const subject::SubjectMarker& marker : subject.markers) {
    sizes.marker_offset.emplace_back(marker.offset_joint);
    sizes.marker_slide.emplace_back(0.0);
  }
  return sizes;
}

void setSizes(const BodySizes& sizes, Subject& subject) {
  for (std::size_t j = 0; j < subject.skeleton.size(); ++j) {
    subject.skeleton.parent_from_joint[j].translation = glm::vec3(sizes.joint_place[j]);
  }
  for (std::size_t m = 0; m < subject.markers.size(); ++m) {
    subject.markers[m].offset_joint = glm::vec3(sizes.marker_offset[m]);
  }
}

SizeLayout layOutSizes(const Subject& subject, const SolveModel& model) {
  const std::size_t joints = model.joints();
  SizeLayout layout;
  layout.joint_first.assign(joints, SizeLayout::kNone);
  layout.marker_first.assign(subject.markers.size(), SizeLayout::kNone);
  layout.content_begin.assign(joints, 0);
  layout.content_end.assign(joints, 0);
  layout.chain.resize(joints);
  layout.columns.resize(joints);
  std::vector<std::vector<std::int32_t>> children(joints);
  for (std::size_t j = 0; j < joints; ++j) {
    if (model.joint_parent[j] >= 0) {
      children[static_cast<std::size_t>(model.joint_parent[j])].push_back(
          static_cast<std::int32_t>(j));
    }
  }
  number(subject, model, children, layout);
  for (std::size_t j = 0; j < joints; ++j) {
    for (auto a = static_cast<std::int32_t>(j); a >= 0;
         a = model.joint_parent[static_cast<std::size_t>(a)]) {
      if (layout.joint_first[static_cast<std::size_t>(a)] >= 0) layout.chain[j].push_back(a);
    }
    if (model.joint_freedoms[j] == 0) continue;
    for (const std::int32_t a : layout.chain[j]) {
      for (std::int32_t k = 0; k < 3; ++k) {
        layout.columns[j].push_back(layout.joint_first[static_cast<std::size_t>(a)] + k);
      }
    }
    for (std::int32_t i = layout.content_begin[j]; i < layout.content_end[j]; ++i) {
      layout.columns[j].push_back(i);
    }
  }
  return layout;
}

std::vector<GaugeDirection> gaugeDirections(const Subject& subject, const SolveModel& model,
                                            const SizeLayout& layout, const BodySizes& sizes) {
  const GaugeCollector collector{subject, model, layout, sizes};
  std::vector<GaugeDirection> directions;
  const auto keep = [&](GaugeDirection direction) {
    if (!direction.index.empty()) directions.push_back(std::move(direction));
  };
  for (std::size_t j = 0; j < model.joints(); ++j) {
    if (model.joint_freedoms[j] == 0) continue;
    for (int k = 0; k < 3; ++k) {
      glm::dvec3 axis(0.0);
      axis[k] = 1.0;
      keep(collector.collect(j, [&](const glm::dvec3& place) { return glm::cross(axis, place); }));
      if (model.joint_freedoms[j] == 6) {
        keep(collector.collect(j, [&](const glm::dvec3&) { return axis; }));
      }
    }
  }
  return directions;
}

}  // namespace understudy::calibrate
