#include "capture/solve/recognise.h"

#include <cmath>

namespace understudy::solve {
namespace {

core::Result<void> outOfRange(const char* name, const char* range) {
  return core::makeError(std::string("recognise settings: ") + name + " must be " + range);
}

}  // namespace

core::Result<void> check(const RecogniseSettings& s) {
  const auto positive = [](double value) { return value > 0.0 && std::isfinite(value); };
  const auto share = [](double value) { return value > 0.0 && value <= 1.0; };
  if (!positive(s.tolerance) || s.tolerance > 0.1) return outOfRange("tolerance", "in 0..0.1");
  if (!share(s.smallest_share)) return outOfRange("smallest_share", "in 0..1");
  if (!share(s.lone_share)) return outOfRange("lone_share", "in 0..1");
  if (!share(s.sure_share)) return outOfRange("sure_share", "in 0..1");
  if (!positive(s.sure_rms)) return outOfRange("sure_rms", "> 0");
  if (!positive(s.largest_rms)) return outOfRange("largest_rms", "> 0");
  if (!positive(s.marker_sigma)) return outOfRange("marker_sigma", "> 0");
  if (!(s.margin >= 0.0)) return outOfRange("margin", ">= 0");
  if (s.hypotheses == 0) return outOfRange("hypotheses", "> 0");
  if (s.rivals == 0) return outOfRange("rivals", "> 0");
  return {};
}

void reserve(Placement& placement, const subject::Subject& subject) {
  placement.parent_from_joint.reserve(subject.skeleton.size());
  placement.point_of_marker.reserve(subject.markers.size());
}

RecogniseWorkspace makeRecogniseWorkspace(const subject::Subject& largest,
                                          std::size_t most_points) {
  RecogniseWorkspace w;
  w.near.reserve(most_points);
  w.world_from_joint.reserve(largest.skeleton.size());
  w.placed.reserve(largest.skeleton.size());
  w.doubted.reserve(largest.skeleton.size());
  w.pool.reserve(most_points);
  w.points.reserve(most_points);
  w.slack.reserve(largest.skeleton.size());
  w.pose.reserve(largest.skeleton.size());
  w.kept_pose.reserve(largest.skeleton.size());
  w.point_used.reserve(most_points);
  w.order.reserve(most_points);
  w.best_marker_of_point.reserve(most_points);
  w.best_distance.reserve(most_points);
  w.point_of_marker.reserve(largest.markers.size());
  w.labelled.markers.reserve(largest.markers.size());
  w.fixed.markers.reserve(largest.markers.size());
  reserve(w.trial, largest);
  return w;
}

}  // namespace understudy::solve
