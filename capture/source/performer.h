#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capture/source/body.h"
#include "capture/source/gap_model.h"
#include "capture/source/random.h"
#include "capture/source/simulated_stage.h"
#include "capture/subject/marker_set.h"

namespace understudy::source {

/// Time in a motion of this length for a time that runs on: past the end it plays backwards, past
/// the beginning forwards again.
double pingPong(double seconds, double length);

/// Where and when a performer plays a motion.
struct Casting {
  glm::vec3 place{0.0f};  ///< Middle of the motion on the floor.
  float heading = 0;      ///< Turn about +Y, radians.
  double start = 0;       ///< Seconds into the motion.
  double fingers = 0;     ///< Seconds that the fingers' own motion is ahead of that.
};

/// A motion as it is shared by the performers who play it.
struct Score {
  PerformerMotion motion;
  double seconds = 0;        ///< From first to last frame.
  glm::vec3 origin{0.0f};    ///< The point of the motion's space that comes to a performer's place.
  float reach = 0;           ///< Half the diameter of the ground that the motion covers.
  subject::Subject subject;  ///< Skeleton, joint models and humanoid; no markers yet for clips.
  Body body;                 ///< Clips only.
  std::vector<math::RigidTransform>
      standing;  ///< World from joint in the pose the body was measured in.
  std::vector<std::string> warnings;
};

/// Prepares a motion; the error says what is wrong with it.
core::Result<Score> makeScore(PerformerMotion motion);

/// Somebody, or something, that moves and carries markers.
class Performer {
 public:
  virtual ~Performer() = default;

  /// Fills positions and joints at this time; `dropped` and views are left alone.
  virtual void pose(double seconds, PerformerTruth& truth) = 0;
  const subject::Subject& subject() const { return subject_; }
  /// The body after `pose`, for occlusion; empty where nothing is known of it.
  const std::vector<PosedSolid>& solids() const { return solids_; }

 protected:
  subject::Subject subject_;
  std::vector<PosedSolid> solids_;
};

/// Casts a performer. `score` must outlive it.
std::unique_ptr<Performer> makePerformer(const Score& score, const Casting& casting,
                                         const StageSettings& settings,
                                         const subject::MarkerSet& marker_set, Random random);

}  // namespace understudy::source
