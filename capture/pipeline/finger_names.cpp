#include "capture/pipeline/finger_names.h"

#include <algorithm>

namespace understudy::pipeline {

FingerNames::FingerNames(std::span<const subject::Subject> subjects,
                         std::span<const solve::SolveModel> models)
    : subjects_(subjects.size()) {
  for (std::size_t s = 0; s < models.size(); ++s) {
    if (!models[s].hands.empty()) with_hands_.push_back(s);
    for (std::size_t h = 0; h < models[s].hands.size(); ++h)
      hands_.push_back(
          {.subject = s, .index = h, .joint = static_cast<std::size_t>(models[s].hands[h].joint)});
  }
  if (hands_.empty()) return;
  for (Hand& hand : hands_) {
    hand.shapes = solve::placeHandShapes(models[hand.subject].hands[hand.index]);
    const std::vector<subject::SubjectMarker>& markers = subjects[hand.subject].markers;
    for (std::size_t m = 0; m < models[hand.subject].body_markers; ++m) {
      if (markers[m].joint != static_cast<int>(hand.joint)) continue;
      if (hand.palm.size() == solve::kMostPalm) break;
      hand.palm_markers.push_back(markers[m]);
      hand.palm.push_back({.marker = static_cast<std::int32_t>(m)});
    }
  }
  labels_.unlabelled.reserve(frame::kMostUnlabelled);
  for (const solve::SolveModel& model : models)
    labels_.subjects.emplace_back().markers.resize(model.body_markers);
  for (const Hand& hand : hands_)
    labels_.subjects.emplace_back().markers.resize(
        models[hand.subject].hands[hand.index].markers.size());
  std::size_t most_joints = 0;
  for (const solve::SolveModel& model : models) most_joints = std::max(most_joints, model.joints());
  workspace_ = solve::makeFindFingersWorkspace(most_joints);
}

void FingerNames::foresee(std::size_t subject,
                          std::span<const math::RigidTransformd> world_from_joint) {
  for (Hand& hand : hands_) {
    if (hand.subject != subject) continue;
    hand.world_from_hand = world_from_joint[hand.joint];
    const math::RigidTransformd hand_from_world = math::inverse(hand.world_from_hand);
    for (std::size_t p = 0; p < hand.palm.size(); ++p)
      hand.palm[p].place_hand =
          hand_from_world * subject::markerPlace(hand.palm_markers[p], world_from_joint);
  }
}

void FingerNames::predict(std::span<const solve::SolveModel> models,
                          const solve::SolveSettings& settings, std::span<const double> seconds,
                          std::span<const solve::SolveState> states,
                          std::vector<frame::PredictedMarker>& markers) const {
  for (std::size_t i = 0; i < hands_.size(); ++i) {
    const Hand& hand = hands_[i];
    solve::PredictHand{.hand = models[hand.subject].hands[hand.index],
                       .hand_index = hand.index,
                       .slots = static_cast<std::uint32_t>(subjects_ + i),
                       .world_from_hand = hand.world_from_hand,
                       .settings = settings,
                       .seconds_ahead = seconds[hand.subject],
                       .state = states[hand.subject],
                       .markers = markers}
        .run();
  }
}

solve::FindFingers FingerNames::searchOf(std::size_t i, const solve::FindFingersSettings& settings,
                                         std::span<const solve::SolveModel> models,
                                         std::span<solve::SolveState> states) {
  const Hand& hand = hands_[i];
  return {.settings = settings,
          .model = models[hand.subject],
          .hand = models[hand.subject].hands[hand.index],
          .shapes = hand.shapes,
          .world_from_hand = hand.world_from_hand,
          .slots = labels_.subjects[subjects_ + i].markers,
          .body = labels_.subjects[hand.subject].markers,
          .palm = hand.palm,
          .unlabelled = labels_.unlabelled,
          .state = states[hand.subject],
          .hand_index = hand.index,
          .workspace = workspace_};
}

bool FingerNames::searchNames(const solve::FindFingersSettings& settings, std::uint64_t sequence,
                              std::span<const solve::SolveModel> models,
                              std::span<solve::SolveState> states) {
  for (std::size_t k = 0; k < hands_.size(); ++k) {
    const std::size_t i = (sequence + k) % hands_.size();
    Hand& hand = hands_[i];
    const solve::FindFingers search = searchOf(i, settings, models, states);
    solve::HandState& fingers = search.state.hands[hand.index];
    solve::doubtFingers(settings, search.slots, labels_.unlabelled, fingers);
    if (!search.state.tracked || sequence < hand.next_attempt) continue;
    hand.next_attempt = sequence + settings.retry;
    if (fingers.found ? search.revise() : search.run()) return true;
    if (!fingers.found) return true;
  }
  return false;
}

void FingerNames::find(const solve::FindFingersSettings& settings, std::uint64_t sequence,
                       std::span<const solve::SolveModel> models,
                       std::span<solve::SolveState> states) {
  if (searchNames(settings, sequence, models, states)) return;
  if (hands_.empty() || sequence % settings.exchange_every != 0) return;
  const std::size_t i = sequence / settings.exchange_every % hands_.size();
  const solve::FindFingers search = searchOf(i, settings, models, states);
  if (search.state.tracked && search.state.hands[hands_[i].index].found)
    search.exchange(hands_[i].exchange);
}

void FingerNames::merge(std::span<const solve::SolveModel> models,
                        frame::LabelledMarkers& whole) const {
  whole.stamp = labels_.stamp;
  for (std::size_t s = 0; s < subjects_; ++s) {
    const std::vector<frame::LabelledMarker>& body = labels_.subjects[s].markers;
    std::copy(body.begin(), body.end(), whole.subjects[s].markers.begin());
  }
  for (std::size_t i = 0; i < hands_.size(); ++i) {
    const Hand& hand = hands_[i];
    const solve::HandModel& model = models[hand.subject].hands[hand.index];
    const std::vector<frame::LabelledMarker>& fingers = labels_.subjects[subjects_ + i].markers;
    for (std::size_t m = 0; m < fingers.size(); ++m)
      whole.subjects[hand.subject].markers[static_cast<std::size_t>(model.markers[m])] = fingers[m];
  }
  const std::size_t most = std::min(labels_.unlabelled.size(), whole.unlabelled.capacity());
  whole.unlabelled.assign(labels_.unlabelled.begin(),
                          labels_.unlabelled.begin() + static_cast<std::ptrdiff_t>(most));
}

void FingerNames::forgetDates() {
  for (Hand& hand : hands_) hand.next_attempt = 0;
}

}  // namespace understudy::pipeline
