#pragma once

#include <cstddef>
#include <vector>

#include "tests/support/stage.h"
#include "tools/scoring/stage_scorer.h"

namespace understudy::test {

/// What a flawless capture path would say of a frame.
inline scoring::CaptureRecord perfectRecord(const source::StageFrame& frame,
                                            const std::vector<subject::Subject>& subjects) {
  scoring::CaptureRecord record = scoring::makeRecord(subjects);
  record.sequence = frame.stamp.sequence;
  for (std::size_t p = 0; p < subjects.size(); ++p) {
    record.labels.subjects[p].tracked = true;
    for (std::size_t m = 0; m < subjects[p].markers.size(); ++m) {
      const source::MarkerTruth& truth = frame.performers[p].markers[m];
      record.labels.subjects[p].markers[m] = {truth.position, glm::mat3(1e-8f), 1.0f};
      record.cloud.markers.push_back({.position = truth.position, .covariance = glm::mat3(1e-8f)});
    }
    frame::SkeletonPose& pose = record.poses[p];
    pose.tracked = true;
    const anim::Skeleton& skeleton = subjects[p].skeleton;
    for (std::size_t j = 0; j < skeleton.size(); ++j) {
      const math::RigidTransform& world = frame.performers[p].world_from_joint[j];
      pose.parent_from_joint[j] =
          skeleton.parents[j] < 0
              ? world
              : math::inverse(
                    frame.performers[p].world_from_joint[std::size_t(skeleton.parents[j])]) *
                    world;
    }
  }
  return record;
}

/// A stage without any error, and the scorer of what a capture path says of it.
struct ScorerFixture {
  source::SimulatedStage stage;
  scoring::StageScorer scorer;
  source::StageFrame frame = stage.makeFrame();

  explicit ScorerFixture(const source::StageSettings& settings = perfectSettings())
      : stage(figureStage(settings)),
        scorer(stage.subjects(), stage.knownRig(),
               {.noise_px = 0.1, .still = settings.still, .warm_up_frames = 0}) {}

  const std::vector<subject::Subject>& subjects() const { return stage.subjects(); }
  std::size_t markers() const { return subjects()[0].markers.size(); }

  /// Scores `frames` frames; `spoil(record, frame index)` may plant errors.
  template <class Spoil>
  scoring::StageScore run(int frames, Spoil spoil) {
    for (int f = 0; f < frames; ++f) {
      stage.simulate(frame);
      scoring::CaptureRecord record = perfectRecord(frame, subjects());
      spoil(record, f);
      scorer.add(frame, record);
    }
    return scorer.score();
  }
};

}  // namespace understudy::test
