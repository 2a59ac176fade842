#pragma once

#include "capture/solve/find_fingers.h"

// The search of FindFingers.

namespace understudy::solve {

inline constexpr std::size_t kMostNear = 24;        ///< Nameless markers about a hand.
inline constexpr std::size_t kMostLeads = 4;        ///< Other ways in which the hand may lie.
inline constexpr std::size_t kHandShapeCount = 15;  ///< Shapes that a search begins with.

/// Explains what is about a hand by the names of its markers. Everything large is in the workspace.
struct HandSearch {
  const FindFingers& job;
  FindFingersWorkspace& w = job.workspace;
  math::RigidTransformd usual = job.world_from_hand;  ///< As the present lead has it.
  math::RigidTransformd hand = usual;                 ///< As the present shape has it.

  /// Markers on fingers, and with those on the hand itself.
  std::size_t fingers() const { return job.hand.markers.size(); }
  std::size_t rows() const { return fingers() + job.palm.size(); }
  /// The nearest ones to the hand, and what is called its own.
  void gather();
  /// Where the markers are by the present shape.
  void place();
  /// A lower bound of what assigning a shape costs: each marker takes the nearest point.
  double roughCost(const math::RigidTransformd& world_from_hand, std::size_t shape) const;
  /// Ways in which the hand may lie: as foreseen, and as pairs of points say that are as far from
  /// the wrist and from each other as two markers of the hand.
  void findLeads();
  /// Assigns the points to the shape of w.coordinate; returns the cost in squared gates.
  double assign(double gate);
  /// Markers on fingers that were assigned.
  std::size_t matched() const;
  /// FitHand to what was assigned.
  double fit(int iterations);
  /// Takes hand and coordinates from a lead and a shape to begin with.
  void layShape(std::size_t lead, std::size_t shape);
  /// Sizes the workspace.
  void prepare();
  /// Fits the shape of w.coordinate a little and notes what came of it.
  void tryShape();
  /// Puts the best explanation of what is about the hand into w.best; its cost, 1e300 for none.
  double run(bool from_state);
  /// Fits the best trials to the end.
  double settleTrials(std::size_t fewest);
  /// Of the names that the hand has.
  double presentCost();
  /// Of the fit, in squared sigmas; `squares` is what it returned.
  double costOf(double squares) const;
  /// Assigns and fits in turn; the cost of the result, 1e300 where it explains too little.
  double settle(std::size_t fewest);
};

}  // namespace understudy::solve
