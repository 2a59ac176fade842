#include "capture/solve/lane_shape.h"

#include "capture/solve/hand_lanes.h"

namespace understudy::solve {
namespace {

std::vector<bool> findInformed(const LaneSubject& of) {
  std::vector<bool> informed(of.model->joints(), false);
  for (std::size_t m = 0; m < of.model->body_markers; ++m) {
    const subject::SubjectMarker& marker = of.subject->markers[m];
    informed[static_cast<std::size_t>(marker.joint)] = true;
    if (marker.also.joint >= 0) informed[static_cast<std::size_t>(marker.also.joint)] = true;
  }
  for (const HandModel& hand : of.model->hands)
    informed[static_cast<std::size_t>(hand.joint)] = true;
  for (std::size_t joint = informed.size(); joint-- > 1;) {
    const std::int32_t parent = of.model->joint_parent[joint];
    if (informed[joint] && parent >= 0) informed[static_cast<std::size_t>(parent)] = true;
  }
  informed[0] = true;
  return informed;
}

// Joints whose own turn can be told from that of the one above: markers on both.
std::vector<std::int32_t> findLearners(const ShapeLists& lists) {
  std::vector<std::int32_t> learns;
  const auto marked = [&](std::size_t j) {
    return lists.marker_begin[j + 1] > lists.marker_begin[j];
  };
  for (std::size_t j = 0; j < lists.joint.size(); ++j) {
    std::int32_t above = lists.parent[j];
    // Joints that do not turn are one with those above.
    while (above > 0 && lists.joint_freedoms[static_cast<std::size_t>(above)] == 0 &&
           !marked(static_cast<std::size_t>(above))) {
      above = lists.parent[static_cast<std::size_t>(above)];
    }
    learns.push_back(above >= 0 && marked(j) && marked(static_cast<std::size_t>(above)) ? 1 : 0);
  }
  return learns;
}

// Joints that others or fingers hang on.
std::vector<std::int32_t> findLeading(const SolveModel& model,
                                      const std::vector<std::int32_t>& place,
                                      const ShapeLists& lists) {
  std::vector<std::int32_t> leads(lists.joint.size(), 0);
  for (const std::int32_t parent : lists.parent) {
    if (parent >= 0) leads[static_cast<std::size_t>(parent)] = 1;
  }
  for (const HandModel& hand : model.hands)
    leads[static_cast<std::size_t>(place[static_cast<std::size_t>(hand.joint)])] = 1;
  return leads;
}

}  // namespace

ShapeLists listShape(const LaneSubject& of) {
  const SolveModel& model = *of.model;
  const std::vector<bool> informed = findInformed(of);
  ShapeLists lists;
  std::vector<std::int32_t> place(model.joints(), -1);
  for (std::size_t j = 0; j < model.joints(); ++j) {
    if (!informed[j]) continue;
    place[j] = static_cast<std::int32_t>(lists.joint.size());
    const std::int32_t parent = model.joint_parent[j];
    lists.joint.push_back(static_cast<std::int32_t>(j));
    lists.parent.push_back(parent < 0 ? -1 : place[static_cast<std::size_t>(parent)]);
    lists.joint_freedom.push_back(model.joint_freedom[j]);
    lists.joint_freedoms.push_back(model.joint_freedoms[j]);
  }
  for (const std::int32_t j : model.freedom_joint)
    lists.freedom_joint.push_back(place[static_cast<std::size_t>(j)]);
  lists.freedom_parent = model.freedom_parent;
  for (std::size_t m = 0; m < model.body_markers; ++m) {
    const subject::SubjectMarker& marker = of.subject->markers[m];
    const int also = marker.also.joint;
    lists.marker_joint.push_back(place[static_cast<std::size_t>(marker.joint)]);
    lists.marker_also.push_back(also < 0 ? -1 : place[static_cast<std::size_t>(also)]);
  }
  lists.marker_begin.push_back(0);
  for (std::size_t j = 0; j < lists.joint.size(); ++j) {
    for (std::size_t m = 0; m < lists.marker_joint.size(); ++m) {
      if (lists.marker_joint[m] == static_cast<std::int32_t>(j))
        lists.marker_order.push_back(static_cast<std::int32_t>(m));
    }
    lists.marker_begin.push_back(static_cast<std::int32_t>(lists.marker_order.size()));
  }
  lists.learns = findLearners(lists);
  const SolveState state = makeSolveState(*of.subject, model);
  for (const JointCoupling& coupling : state.couplings)
    lists.learns[static_cast<std::size_t>(place[coupling.joint])] = 0;
  for (const FootHold& foot : state.feet) {
    if (place[foot.joint] >= 0) lists.foot_joint.push_back(place[foot.joint]);
  }
  lists.neighbour_start = model.neighbour_start;
  lists.neighbours = model.neighbours;
  lists.hands = listHands(model, place);
  lists.leads = findLeading(model, place, lists);
  return lists;
}

void fillShape(const ShapeLists& lists, LaneGroup& group) {
  const std::pair<const std::vector<std::int32_t>*, const std::int32_t**> parts[] = {
      {&lists.parent, &group.shape.parent},
      {&lists.joint_freedom, &group.shape.joint_freedom},
      {&lists.joint_freedoms, &group.shape.joint_freedoms},
      {&lists.freedom_joint, &group.shape.freedom_joint},
      {&lists.freedom_parent, &group.shape.freedom_parent},
      {&lists.leads, &group.shape.leads},
      {&lists.marker_joint, &group.shape.marker_joint},
      {&lists.marker_also, &group.shape.marker_also},
      {&lists.marker_begin, &group.shape.marker_begin},
      {&lists.marker_order, &group.shape.marker_order},
      {&lists.foot_joint, &group.shape.foot_joint},
      {&lists.learns, &group.shape.learns},
      {&lists.neighbour_start, &group.shape.neighbour_start},
      {&lists.neighbours, &group.shape.neighbours}};
  std::size_t total = lists.hands.size();
  for (const auto& [list, pointer] : parts) total += list->size();
  group.indices.reserve(total);
  for (const auto& [list, pointer] : parts) {
    *pointer = group.indices.data() + group.indices.size();
    group.indices.insert(group.indices.end(), list->begin(), list->end());
  }
  const std::size_t hands = group.indices.size();
  group.indices.insert(group.indices.end(), lists.hands.begin(), lists.hands.end());
  fillHandShapes(std::span(group.indices).subspan(hands), group.shape);
  group.joint = lists.joint;
  group.shape.joints = lists.joint.size();
  group.shape.freedoms = lists.freedom_joint.size();
  group.shape.markers = lists.marker_joint.size();
  group.shape.feet = lists.foot_joint.size();
}

}  // namespace understudy::solve
