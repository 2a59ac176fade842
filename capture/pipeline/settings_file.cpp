#include "capture/pipeline/settings_file.h"

#include "engine/core/settings_file.h"

namespace understudy::pipeline {
namespace {

void readAssembly(core::SettingsTable table, sync::AssemblySettings& settings) {
  table.read("deadline_us", settings.deadline_us);
  table.read("silence_us", settings.silence_us);
  table.read("lost_after", settings.lost_after);
}

void readReconstruct(core::SettingsTable table, reconstruct::ReconstructSettings& settings) {
  table.read("centroid_sigma_px", settings.centroid_sigma_px);
  table.read("smallest_sigma_px", settings.smallest_sigma_px);
  table.read("largest_sigma_px", settings.largest_sigma_px);
  table.read("gate_sigmas", settings.gate_sigmas);
  table.read("smallest_gate_px", settings.smallest_gate_px);
  table.read("largest_gate_px", settings.largest_gate_px);
  table.read("largest_residual_px", settings.largest_residual_px);
  table.read("smallest_angle", settings.smallest_angle);
  table.read("epipolar_tolerance_px", settings.epipolar_tolerance_px);
  table.read("smallest_cold_rays", settings.smallest_cold_rays);
  table.read("two_ray_frames", settings.two_ray_frames);
  table.read("smallest_two_ray_angle", settings.smallest_two_ray_angle);
  table.read("cold_tests", settings.cold_tests);
  table.read("nearest", settings.nearest);
  table.read("farthest", settings.farthest);
}

void readLabel(core::SettingsTable table, label::LabelSettings& settings) {
  table.read("gate_sigmas", settings.gate_sigmas);
  table.read("smallest_gate", settings.smallest_gate);
  table.read("largest_gate", settings.largest_gate);
  table.read("doubted_jump", settings.doubted_jump);
  table.read("duplicate_radius", settings.duplicate_radius);
  table.read("double_radius", settings.doubles.radius);
  table.read("double_share", settings.doubles.share);
}

void readTracks(core::SettingsTable table, label::TrackSettings& settings) {
  table.read("acceleration_density", settings.acceleration_density);
  table.read("first_speed", settings.first_speed);
  table.read("smallest_sigma", settings.smallest_sigma);
  table.read("gate_sigmas", settings.gate_sigmas);
  table.read("smallest_gate", settings.smallest_gate);
  table.read("largest_gate", settings.largest_gate);
  table.read("fewest_seen", settings.fewest_seen);
  table.read("most_missed", settings.most_missed);
  table.read("subject_radius", settings.subject_radius);
  table.read("own_radius", settings.own_radius);
}

void readRecognise(core::SettingsTable table, solve::RecogniseSettings& settings) {
  table.read("tolerance", settings.tolerance, {1e-6, 1.0});
  table.read("smallest_share", settings.smallest_share, {0.0, 1.0});
  table.read("lone_share", settings.lone_share, {0.0, 1.0});
  table.read("sure_share", settings.sure_share, {0.0, 1.0});
  table.read("sure_rms", settings.sure_rms, {1e-6, 1.0});
  table.read("sure_hypotheses", settings.sure_hypotheses);
  table.read("largest_rms", settings.largest_rms, {1e-6, 1.0});
  table.read("tests", settings.tests);
  table.read("tests_beside", settings.tests_beside);
  table.read("hypotheses", settings.hypotheses, {1.0, 10000.0});
  table.read("rivals", settings.rivals, {1.0, 100.0});
  table.read("marker_sigma", settings.marker_sigma, {1e-6, 1.0});
  table.read("margin", settings.margin, {0.0, 1e6});
  table.read("patience", settings.patience);
}

void readProps(core::SettingsTable table, solve::PropSettings& settings) {
  table.read("tolerance", settings.tolerance);
  table.read("smallest_share", settings.smallest_share, {0.0, 1.0});
  table.read("largest_rms", settings.largest_rms);
  table.read("triangle_rms", settings.triangle_rms);
  table.read("triangle_points", settings.triangle_points);
  table.read("tests", settings.tests);
  table.read("every", settings.every);
  table.read("hidden_time", settings.hidden_time);
  table.read("few_time", settings.few_time);
}

void readSolve(core::SettingsTable table, solve::SolveSettings& settings) {
  table.read("marker_sigma", settings.marker_sigma);
  table.read("robust_radius", settings.robust_radius);
  table.read("angular_noise", settings.angular_noise);
  table.read("linear_noise", settings.linear_noise);
  table.read("least_turn_noise", settings.least_turn_noise);
  table.read("least_shift_noise", settings.least_shift_noise);
  table.read("misfit_time", settings.misfit_time);
  table.read("hidden_damping", settings.hidden_damping);
  table.read("hidden_turning", settings.hidden_turning);
  table.read("hidden_speed", settings.hidden_speed);
  table.read("rest_sigma", settings.rest_sigma);
  table.read("rest_time", settings.rest_time);
  table.read("largest_sigma", settings.largest_sigma);
  table.read("limit_sigma", settings.limit_sigma);
  table.read("habit_time", settings.habit_time);
  table.read("finger_radius", settings.finger_radius);
  table.read("finger_sigma", settings.finger_sigma);
  table.read("hold_sigma", settings.hold_sigma);
  table.read("hold_drift", settings.hold_drift);
  table.read("hold_reach", settings.hold_reach);
  table.read("bias_time", settings.bias_time);
  table.read("largest_bias", settings.largest_bias);
  table.read("lost_share", settings.lost_share);
  table.read("lost_time", settings.lost_time);
  table.read("iterations", settings.iterations);
}

void readForesight(core::SettingsTable table, solve::ForesightSettings& settings) {
  table.read("seconds", settings.seconds);
  table.read("memory", settings.memory);
  table.read("error_time", settings.error_time);
}

void readFingers(core::SettingsTable table, solve::FindFingersSettings& settings) {
  table.read("reach", settings.reach);
  table.read("gate", settings.gate);
  table.read("close_gate", settings.close_gate);
  table.read("sigma", settings.sigma);
  table.read("turn_sigma", settings.turn_sigma);
  table.read("smallest_share", settings.smallest_share);
  table.read("largest_rms", settings.largest_rms);
  table.read("shapes", settings.shapes, {1.0, 15.0});
  table.read("fits", settings.fits, {1.0, 100.0});
  table.read("retry", settings.retry);
  table.read("lost_time", settings.lost_time);
  table.read("doubted_misfit", settings.doubted_misfit);
  table.read("stray", settings.stray);
  table.read("palm_stray", settings.palm_stray);
  table.read("exchange_reach", settings.exchange_reach);
  table.read("exchange_margin", settings.exchange_margin);
  table.read("exchange_looks", settings.exchange_looks);
  table.read("exchange_every", settings.exchange_every);
  table.read("margin", settings.margin);
}

void readFollow(core::SettingsTable table, solve::FollowSettings& settings) {
  table.read("fewest_open", settings.fewest_open, {1.0, 1000.0});
  table.read("open_share", settings.open_share, {0.0, 1.0});
  table.read("reach", settings.reach, {1e-4, 1.0});
  table.read("better_share", settings.better_share, {0.0, 1.0});
}

void readPresence(core::SettingsTable table, PresenceSettings& settings) {
  table.read("hold_seconds", settings.hold_seconds);
  table.read("fade_seconds", settings.fade_seconds);
}

void readGuard(core::SettingsTable table, solve::SwapGuardSettings& settings) {
  table.read("doubted_jump", settings.doubted_jump);
  table.read("doubted_gap", settings.doubted_gap);
  table.read("sure_after", settings.sure_after);
  table.read("doubted_misfit", settings.doubted_misfit);
  table.read("sure_distance", settings.sure_distance);
  table.read("farthest_exchange", settings.farthest_exchange);
  table.read("clearly_better", settings.clearly_better);
  table.read("least_gain", settings.least_gain);
  table.read("decisive", settings.decisive);
  table.read("confirm", settings.confirm);
  table.read("subjects_a_frame", settings.subjects_a_frame);
}

void readKernels(core::SettingsTable& root, KernelChoice& kernels) {
  std::string name = "automatic";
  root.read("kernels", name);
  if (name == "automatic") {
    kernels = KernelChoice::automatic;
  } else if (name == "baseline") {
    kernels = KernelChoice::baseline;
  } else if (name == "v3") {
    kernels = KernelChoice::v3;
  } else {
    root.fail("kernels", "must be \"automatic\", \"baseline\" or \"v3\"");
  }
}

core::Result<PipelineSettings> readSettings(core::SettingsFile file, const std::string& name) {
  PipelineSettings settings;
  core::SettingsTable root = file.root();
  readAssembly(root.table("assembly"), settings.assembly);
  readReconstruct(root.table("reconstruct"), settings.reconstruct);
  readLabel(root.table("label"), settings.label);
  readTracks(root.table("tracks"), settings.tracks);
  readRecognise(root.table("recognise"), settings.recognise);
  readSolve(root.table("solve"), settings.solve);
  readForesight(root.table("foresight"), settings.foresight);
  readFollow(root.table("follow"), settings.follow);
  readPresence(root.table("presence"), settings.presence);
  readGuard(root.table("guard"), settings.guard);
  readProps(root.table("props"), settings.props);
  readFingers(root.table("fingers"), settings.fingers);
  readSolve(root.table("prop_solve"), settings.prop_solve);
  readKernels(root, settings.kernels);
  root.read("recognise_every", settings.recognise_every);
  root.read("recover_every", settings.recover_every);
  root.read("share_from", settings.share_from);
  if (auto finished = file.finish(); !finished) return finished.error();
  if (auto sound = check(settings); !sound) {
    return core::makeError(name + ": " + sound.error().message);
  }
  return settings;
}

}  // namespace

core::Result<PipelineSettings> parseSettings(std::string_view toml, const std::string& name) {
  auto file = core::SettingsFile::parse(toml, name);
  if (!file) return file.error();
  return readSettings(*std::move(file), name);
}

core::Result<PipelineSettings> loadSettings(const std::string& path) {
  auto file = core::SettingsFile::load(path);
  if (!file) return file.error();
  return readSettings(*std::move(file), path);
}

}  // namespace understudy::pipeline
