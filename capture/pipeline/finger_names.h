#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/find_fingers.h"
#include "capture/solve/predict_hand.h"

namespace understudy::pipeline {

/// The hands whose fingers carry markers. While a frame is named, each of them is an entry of its
/// own in LabelledMarkers::subjects, behind the subjects, which have their bodies' markers only: so
/// that whoever names bodies need not know of fingers. Then they are put together.
class FingerNames {
 public:
  FingerNames() = default;
  FingerNames(std::span<const subject::Subject> subjects,
              std::span<const solve::SolveModel> models);

  bool empty() const { return hands_.empty(); }
  /// Subjects that have such hands, once each.
  const std::vector<std::size_t>& subjects() const { return with_hands_; }
  /// Labels of a frame that is being named.
  frame::LabelledMarkers& labels() { return labels_; }

  /// Says where the joints of a subject are in the frame to come.
  void foresee(std::size_t subject, std::span<const math::RigidTransformd> world_from_joint);
  /// Appends the predictions of all hands; `seconds` ahead of each subject's state.
  void predict(std::span<const solve::SolveModel> models, const solve::SolveSettings& settings,
               std::span<const double> seconds, std::span<const solve::SolveState> states,
               std::vector<frame::PredictedMarker>& markers) const;
  /// Names fingers whose names are not known or do not fit; at most one hand is searched, and one
  /// looked at for markers that carry each other's names.
  void find(const solve::FindFingersSettings& settings, std::uint64_t sequence,
            std::span<const solve::SolveModel> models, std::span<solve::SolveState> states);
  /// Puts names of bodies and hands together, each subject's markers in their order.
  void merge(std::span<const solve::SolveModel> models, frame::LabelledMarkers& whole) const;
  /// Forgets all sequences, when the cameras count anew.
  void forgetDates();

 private:
  struct Hand {
    std::size_t subject = 0, index = 0;  ///< The latter of the model's hands.
    std::size_t joint = 0;               ///< Of the skeleton.
    std::uint64_t next_attempt = 0;
    solve::FingerExchange exchange;
    math::RigidTransformd world_from_hand;
    std::vector<glm::dvec3> shapes;                    ///< solve::placeHandShapes.
    std::vector<subject::SubjectMarker> palm_markers;  ///< Those on the hand itself.
    std::vector<solve::PalmMarker> palm;               ///< The same, in the frame to come.
  };
  solve::FindFingers searchOf(std::size_t hand, const solve::FindFingersSettings& settings,
                              std::span<const solve::SolveModel> models,
                              std::span<solve::SolveState> states);
  /// True if a hand was searched.
  bool searchNames(const solve::FindFingersSettings& settings, std::uint64_t sequence,
                   std::span<const solve::SolveModel> models, std::span<solve::SolveState> states);

  std::vector<Hand> hands_;
  std::size_t subjects_ = 0;
  std::vector<std::size_t> with_hands_;
  frame::LabelledMarkers labels_;
  solve::FindFingersWorkspace workspace_;
};

}  // namespace understudy::pipeline
