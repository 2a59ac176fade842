#include <fmt/format.h>

#include <cmath>

#include "capture/source/simulated_stage.h"

namespace understudy::source {
namespace {

constexpr std::size_t kMostProps = 64;

struct Bound {
  const char* name;
  double value, least, most;
};

}  // namespace

core::Result<void> check(const StageSettings& settings) {
  if (settings.actors < 1 || settings.actors > 64) {
    return core::makeError(fmt::format("actors must be from 1 to 64, not {}", settings.actors));
  }
  if (settings.props > kMostProps) {
    return core::makeError(
        fmt::format("props must be from 0 to {}, not {}", kMostProps, settings.props));
  }
  for (const Bound& bound :
       {Bound{"spacing", settings.spacing, 0.0, 100.0},
        Bound{"noise-px", settings.noise_px, 0, 100},
        Bound{"false-blobs", settings.false_blobs, 0.0, 5.0}, Bound{"gaps", settings.gaps, 0, 1000},
        Bound{"soft-tissue", settings.soft_tissue_mm, 0.0, 100.0},
        Bound{"placement", settings.placement_mm, 0.0, 100.0},
        Bound{"rig-error", settings.rig_error_px, 0.0, 100.0},
        Bound{"arrival-window-us", settings.arrival_window_us, 0.0, 1e6},
        Bound{"packet-loss", settings.packet_loss, 0.0, 1.0},
        Bound{"clock-drift-ppm", settings.clock_drift_ppm, 0.0, 1e4}}) {
    if (!(bound.value >= bound.least && bound.value <= bound.most)) {
      return core::makeError(fmt::format("{} must be from {} to {}, not {}", bound.name,
                                         bound.least, bound.most, bound.value));
    }
  }
  for (const CameraBump& bump : settings.bumps) {
    if (!(bump.second >= 0.0 && bump.second < 1e6) || !(std::abs(bump.shift_px) <= 1000.0)) {
      return core::makeError(
          "a bump must be at a second from 0 and move the image by at most 1000 px");
    }
  }
  return {};
}

}  // namespace understudy::source
