#pragma once

#include <cstdint>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/source/simulated_stage.h"
#include "capture/subject/subject.h"
#include "tools/scoring/spread.h"

namespace understudy::scoring {

/// What counts as a planted foot.
struct FootScoreSettings {
  double rate_hz = 240;
  double still_speed = 0.03;       ///< The true ball of the foot is slower, m/s ...
  double shortest_contact = 0.15;  ///< ... for so long, seconds.
};

/// How far the balls of the feet (the toes' joints) of solved poses slide while the performer's are
/// planted: the change of their error since the contact began, its largest length in each contact.
/// What the true foot itself creeps is no slide.
class FootScore {
 public:
  FootScore(const subject::Subject& subject, const FootScoreSettings& settings);

  /// Takes one frame; poses that are not tracked end a contact.
  void add(const source::PerformerTruth& truth, const frame::SkeletonPose& pose);
  /// Ends the contacts that are still open.
  void finish();

  SpreadMeter slide_mm;    ///< Per contact.
  std::uint64_t over = 0;  ///< Contacts that slid more than 2 mm.

 private:
  struct Foot {
    std::size_t joint = 0;
    glm::dvec3 truth_before{0.0}, error_at_first{0.0};
    bool has_before = false;
    double seconds = 0.0, slide = 0.0;
  };
  void end(Foot& foot);

  subject::Subject subject_;
  FootScoreSettings settings_;
  std::vector<Foot> feet_;
  std::vector<math::RigidTransform> world_;
};

}  // namespace understudy::scoring
