#include "tools/stage/show.h"

#include <algorithm>
#include <cmath>

#include "capture/subject/prop.h"
#include "engine/anim/kinematics.h"
#include "engine/asset/environment_file.h"
#include "tools/stage/prop_overlay.h"

namespace understudy::stage {
namespace {

constexpr std::uint64_t kSpanChunk = 2048;  // Frames booked at once; the log remembers many more.

render::Quality qualityOf(const StageOptions& options, const gpu::Device& device) {
  if (options.quality == "low") return render::Quality::low;
  if (options.quality == "medium") return render::Quality::medium;
  if (options.quality == "high") return render::Quality::high;
  return options.lockstep || !device.features.software ? render::Quality::high
                                                       : render::Quality::low;
}

math::RigidTransform toTransform(const shaders::PoseJoint& joint) {
  return {
      math::quaternionXyzw(joint.rotation.x, joint.rotation.y, joint.rotation.z, joint.rotation.w),
      glm::vec3(joint.translation)};
}

}  // namespace

Show::Show(const StageOptions& options, const StageSource& source, const Cast& cast,
           CaptureRun& capture)
    : source_(source),
      cast_(cast),
      capture_(capture),
      predict_(std::chrono::duration_cast<core::Duration>(
          std::chrono::duration<double, std::milli>(options.predict_ms))),
      lockstep_(options.lockstep),
      record_(capture.ring.makeRecord()) {
  palettes_.resize(source.subjects.size());
  presence_.resize(source.subjects.size());
  std::size_t joints = 0;
  for (const subject::Subject& subject : source.subjects)
    joints = std::max(joints, subject.skeleton.size());
  local_.resize(joints);
  world_.resize(joints);
  overlay_.spheres.reserve(16384);
  overlay_.lines.reserve(16384);
}

core::Result<std::unique_ptr<Show>> Show::create(gpu::Device& device, const StageOptions& options,
                                                 const StageSource& source, const Cast& cast,
                                                 CaptureRun& capture) {
  std::unique_ptr<Show> show(new Show(options, source, cast, capture));
  render::RenderSettings settings;
  settings.width_px = options.width_px;
  settings.height_px = options.height_px;
  settings.quality = render::qualitySettings(qualityOf(options, device));
  settings.max_performers =
      std::max<std::uint32_t>(1, static_cast<std::uint32_t>(source.subjects.size()));
  settings.view_transform = *render::viewTransform(options.view);
  settings.exposure_ev = static_cast<float>(options.exposure_ev);
  settings.linear_readback = options.exr;
  auto renderer = render::Renderer::create(device, settings);
  if (!renderer) return renderer.error();
  show->renderer_ = std::move(*renderer);
  const auto folder = simulation::findAsset("environments");
  auto environment = asset::openEnvironment(options.environment, folder ? *folder : "");
  if (!environment) return environment.error();
  if (auto set = show->renderer_->setEnvironment(*environment); !set) return set.error();
  std::vector<render::ModelId> models;
  for (const scene::Character& character : cast.characters) {
    auto model = show->renderer_->addModel(character);
    if (!model) return model.error();
    models.push_back(*model);
  }
  // Performers without a character still have a place in the cast; their palette stays empty.
  std::vector<render::ModelId> members;
  for (int which : cast.character_of)
    members.push_back(models[static_cast<std::size_t>(std::max(which, 0))]);
  if (auto set = show->renderer_->setCast(members); !set) return set.error();
  return show;
}

core::Result<void> Show::followPoses(gpu::Device& device, std::span<std::byte> memory) {
  auto buffer = gpu::Buffer::import(
      device, memory,
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
  if (!buffer) return buffer.error();
  pose_memory_ = std::move(*buffer);
  gpu_latches_ = true;
  renderer_->followPoses(&pose_memory_);
  return {};
}

// When the picture will be seen, on the clock of the newest pose's exposure.
core::Time Show::seenAt() const {
  if (predict_ <= core::Duration{} || latched_number_ == 0) return {};
  const auto arrived = capture_.log.at(record_.stamp.sequence, core::Instant::received_last);
  const core::Duration age =
      arrived && !lockstep_ ? core::Clock::now() - *arrived : core::Duration{};
  return record_.stamp.exposed + age + predict_;
}

std::uint32_t Show::fresh() const {
  const std::uint32_t newest = capture_.ring.newest();
  return newest != status_.shown_number ? newest : 0;
}

bool Show::latch(const scene::View& view, const panels::OverlayToggles& toggles) {
  // The newest pose at this very moment; read again should the writer overtake the copy.
  bool have = false;
  for (int attempt = 0; attempt < 4 && !have; ++attempt) {
    latched_number_ = capture_.ring.newest();
    have = latched_number_ > 0 && capture_.ring.read(latched_number_, record_);
  }
  std::fill(palettes_.begin(), palettes_.end(), std::span<const glm::mat4>());
  if (have) {
    for (std::size_t s = 0; s < record_.subjects.size() && s < palettes_.size(); ++s) {
      const shaders::PoseSubject& subject = record_.subjects[s];
      palettes_[s] = std::span<const glm::mat4>(record_.world_from_bind)
                         .subspan(subject.first_matrix, subject.matrix_count);
      presence_[s] = subject.presence;
    }
    followPerformers();
  } else {
    latched_number_ = 0;
  }
  fillOverlay(toggles);
  renderer_->latch({.newest = gpu_latches_,
                    .seen = seenAt(),
                    .sequence = have ? record_.stamp.sequence : 0,
                    .view = view,
                    .palettes = palettes_,
                    .presence = presence_,
                    .overlay = &overlay_});
  return have;
}

void Show::fillOverlay(const panels::OverlayToggles& toggles) {
  overlay_.clear();
  if (toggles.frusta) {
    for (const camera::Camera& camera : source_.rig.cameras) {
      const math::RigidTransformd world = inverse(camera.camera_from_world);
      render::addFrustum(
          overlay_, {.world_from_camera = {glm::quat(world.rotation), glm::vec3(world.translation)},
                     .half_extent = {0.5f * static_cast<float>(camera.width_px / camera.fx_px),
                                     0.5f * static_cast<float>(camera.height_px / camera.fy_px)}});
    }
  }
  if (toggles.markers || toggles.rays) {
    capture_.markers_out.update();
    for (const MarkerView::Point& point : capture_.markers_out.current().points) {
      if (toggles.markers) {
        render::addMarker(
            overlay_, point.position,
            point.labelled ? render::overlay_color::kMarker : render::overlay_color::kUnlabelled);
      }
      if (!toggles.rays || !point.labelled) continue;
      for (std::size_t c = 0; c < source_.rig.cameras.size(); ++c) {
        render::addRay(overlay_, glm::vec3(camera::centreWorld(source_.rig.cameras[c])),
                       point.position);
      }
    }
  }
  if (latched_number_ == 0) return;
  for (std::size_t s = 0; s < record_.subjects.size() && s < source_.subjects.size(); ++s) {
    const float presence = record_.subjects[s].presence;
    if (!(presence > 0.0f)) continue;
    const bool held = record_.subjects[s].tracked == 0;
    if (held && !subject::isProp(source_.subjects[s])) addHeldSign(s, presence);
    const bool without_character = cast_.character_of[s] < 0;
    if (!toggles.skeleton && !without_character) continue;
    const anim::Skeleton& skeleton = source_.subjects[s].skeleton;
    const std::uint32_t first = record_.subjects[s].first_joint;
    for (std::size_t j = 0; j < skeleton.size(); ++j)
      local_[j] = toTransform(record_.joints[first + j]);
    const std::span<math::RigidTransform> world(world_.data(), skeleton.size());
    anim::worldFromJoints(skeleton, std::span(local_.data(), skeleton.size()), world);
    if (subject::isProp(source_.subjects[s])) {
      addProp(overlay_, source_.subjects[s], world[0]);
      continue;
    }
    const glm::vec4 color = held ? render::overlay_color::kHeld : render::overlay_color::kSkeleton;
    render::addSkeleton(overlay_, skeleton, world, glm::vec4(glm::vec3(color), color.w * presence));
  }
}

// The hips, where they are known: roots may stand still while the hips move.
glm::vec3 Show::hipsOf(std::size_t subject) const {
  const anim::Skeleton& skeleton = source_.subjects[subject].skeleton;
  const int hips = source_.subjects[subject].humanoid[anim::HumanoidJoint::hips];
  const std::uint32_t first = record_.subjects[subject].first_joint;
  math::RigidTransform world;
  for (int j = std::max(hips, 0); j >= 0; j = skeleton.parents[static_cast<std::size_t>(j)])
    world = toTransform(record_.joints[first + static_cast<std::uint32_t>(j)]) * world;
  return world.translation;
}

// Nobody must take a held pose for a performance: amber rings on the floor under it.
void Show::addHeldSign(std::size_t subject, float presence) {
  const glm::vec3 hips = hipsOf(subject);
  const glm::vec4 color(glm::vec3(render::overlay_color::kHeld), presence);
  for (float radius : {0.46f, 0.50f}) {
    render::addRing(overlay_, {hips.x, 0.012f, hips.z}, radius, {.color = color, .width_px = 2.5f});
  }
}

void Show::followPerformers() {
  glm::vec3 low(1e9f), high(-1e9f);
  std::size_t count = 0;
  for (std::size_t s = 0; s < record_.subjects.size(); ++s) {
    if (!record_.subjects[s].tracked || record_.subjects[s].joint_count == 0) continue;
    if (subject::isProp(source_.subjects[s])) continue;
    const glm::vec3 hips = hipsOf(s);
    low = glm::min(low, hips);
    high = glm::max(high, hips);
    ++count;
  }
  if (count == 0) return;
  performers_known_ = true;
  performers_middle_ = 0.5f * (low + high);
  performers_middle_.y = 0.0f;
  performers_spread_ = std::max(high.x - low.x, high.z - low.z);
}

scene::View Show::followView() {
  if (performers_known_) {
    // A calm operator: half a second behind, however many pictures there are.
    constexpr float kCalmSeconds = 0.5f;
    const std::uint64_t passed =
        record_.stamp.sequence - std::min(followed_sequence_, record_.stamp.sequence);
    const float seconds = static_cast<float>(static_cast<double>(passed) / source_.rig.rate_hz);
    const float share = middle_known_ ? seconds / (seconds + kCalmSeconds) : 1.0f;
    followed_sequence_ = record_.stamp.sequence;
    middle_ += share * (performers_middle_ - middle_);
    spread_ += share * (performers_spread_ - spread_);
    middle_known_ = true;
  }
  const float back = 4.1f + 1.15f * spread_;
  return {.eye = middle_ + glm::vec3(0.36f * back, 1.25f + 0.10f * spread_, 0.93f * back),
          .target = middle_ + glm::vec3(0.0f, 0.93f, 0.0f),
          .vertical_fov = 0.56f};
}

void Show::book(const render::RenderedImage& image, core::Duration cpu) {
  ++status_.pictures;
  const bool warm = status_.shown_sequence > capture_.status.first_sequence + kWarmUpFrames;
  if (warm) {
    status_.render_cpu.record(cpu);
    if (image.gpu.total_us > 0.0)
      status_.render_gpu.record(static_cast<std::int64_t>(image.gpu.total_us * 1e3));
  }
  const std::uint32_t number = gpu_latches_ ? image.publication : latched_number_;
  if (number == 0 || number == status_.shown_number) return;
  status_.superseded += number - status_.shown_number - 1;
  ++status_.rendered;
  status_.shown_number = number;
  status_.shown_sequence = image.sequence;
  capture_.log.mark(image.sequence, core::Instant::latched, image.latched);
  capture_.log.mark(image.sequence, core::Instant::submitted, image.submitted);
  capture_.log.mark(image.sequence, core::Instant::gpu_finished, image.gpu_finished);
}

void Show::bookSpans(bool all) {
  if (status_.rendered == 0) return;
  const std::uint64_t first = capture_.status.first_sequence + kWarmUpFrames;
  spans_done_ = std::max(spans_done_, first);
  // A frame's span is known when an image of it or a newer one is finished.
  const std::uint64_t end = all ? capture_.status.last_sequence + 1 : status_.shown_sequence;
  while (spans_done_ < end && (all || end - spans_done_ >= kSpanChunk)) {
    const std::uint64_t last = std::min(spans_done_ + kSpanChunk, end) - 1;
    const core::SpanB span = core::makeSpanB(capture_.log, spans_done_, last);
    status_.span_b.merge(span.all);
    status_.span_b_shown.merge(span.shown);
    status_.unfinished += span.unfinished;
    spans_done_ = last + 1;
  }
}

}  // namespace understudy::stage
