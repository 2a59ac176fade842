#include "capture/source/simulated_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "capture/camera/rig_file.h"
#include "capture/camera/ring_rig.h"
#include "capture/source/gap_model.h"
#include "capture/source/image_blobs.h"
#include "capture/source/performer.h"
#include "capture/source/range_of_motion.h"
#include "capture/source/simulated_props.h"

namespace understudy::source {
namespace {

constexpr float kCosineOfSoundAngle = 0.99619469809f;  // 5 degrees.
constexpr float kNearest = 0.2f;                       // Metres before a camera.
// A ray ends a little before the marker's middle, so that the skin under it does not hide it.
constexpr float kRayEnd = 0.010f;

/// What one performer or prop brings to the stage.
struct Actor {
  std::unique_ptr<Performer> performer;
  GapModel gaps;
  SimulatedProp* prop = nullptr;  ///< The performer, if it is a prop.
  glm::vec3 middle{0.0f};         ///< Of a sphere that holds all solids.
  float bound = 0;
};

/// A camera as the stage needs it.
struct Eye {
  camera::Camera camera;
  glm::dmat3 rotation{1.0};
  glm::dvec3 translation{0.0};
  glm::vec3 centre{0.0f};

  void set(const camera::Camera& from) {
    camera = from;
    rotation = glm::mat3_cast(from.camera_from_world.rotation);
    translation = from.camera_from_world.translation;
    centre = glm::vec3(camera::centreWorld(from));
  }
};

struct Sight {
  float x_px = 0, y_px = 0, scale_px = 0, depth = 0;
};

// Where the point is in the image; false if it is outside or behind.
bool look(const Eye& eye, const glm::vec3& point, Sight& sight) {
  const glm::dvec3 p = eye.rotation * glm::dvec3(point) + eye.translation;
  if (!(p.z > kNearest)) return false;
  const glm::dvec2 flat{p.x / p.z, p.y / p.z};
  // Far outside the image a lens polynomial folds back.
  const double edge = 0.75 * (eye.camera.width_px + eye.camera.height_px) / eye.camera.fx_px;
  if (!(std::abs(flat.x) < edge && std::abs(flat.y) < edge)) return false;
  const glm::dvec2 bent = math::distort(eye.camera.lens, flat);
  const double x = eye.camera.fx_px * bent.x + eye.camera.cx_px;
  const double y = eye.camera.fy_px * bent.y + eye.camera.cy_px;
  if (!(x >= 0.0 && x < eye.camera.width_px && y >= 0.0 && y < eye.camera.height_px)) return false;
  sight = {.x_px = static_cast<float>(x),
           .y_px = static_cast<float>(y),
           .scale_px = static_cast<float>(std::sqrt(eye.camera.fx_px * eye.camera.fy_px) / p.z),
           .depth = static_cast<float>(p.z)};
  return true;
}

// Places on a square grid round the middle.
glm::vec3 placeOf(std::size_t actor, std::size_t actors, double spacing) {
  const auto columns = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(actors))));
  const std::size_t rows = (actors + columns - 1) / columns;
  const std::size_t row = actor / columns;
  const std::size_t in_row = std::min(columns, actors - row * columns);
  const double x = static_cast<double>(actor % columns) - 0.5 * static_cast<double>(in_row - 1);
  const double z = static_cast<double>(row) - 0.5 * static_cast<double>(rows - 1);
  return {static_cast<float>(x * spacing), 0.0f, static_cast<float>(z * spacing)};
}

// Sizes of a performer's markers; empty where the set has one size for all.
std::vector<float> radiiOf(const subject::Subject& subject, const subject::MarkerSet& set) {
  std::vector<float> radii;
  if (std::all_of(set.markers.begin(), set.markers.end(),
                  [](const subject::MarkerPlace& place) { return place.radius == 0.0f; }))
    return radii;
  for (const subject::SubjectMarker& marker : subject.markers) {
    const auto place =
        std::find_if(set.markers.begin(), set.markers.end(),
                     [&](const subject::MarkerPlace& p) { return p.name == marker.name; });
    const bool own = place != set.markers.end() && place->radius > 0.0f;
    radii.push_back(own ? place->radius : set.marker_radius);
  }
  return radii;
}

// The point on the floor that all cameras look at most nearly: the stage's middle.
glm::vec3 middleOf(const camera::Rig& rig) {
  // Least squares of the distances to all optical axes.
  glm::dmat3 sum{0.0};
  glm::dvec3 right{0.0};
  for (const camera::Camera& camera : rig.cameras) {
    const glm::dvec3 centre = camera::centreWorld(camera);
    const glm::dvec3 axis = inverse(camera.camera_from_world).rotation * glm::dvec3(0, 0, 1);
    const glm::dmat3 across = glm::dmat3(1.0) - glm::outerProduct(axis, axis);
    sum += across;
    right += across * centre;
  }
  if (std::abs(glm::determinant(sum)) < 1e-6) return glm::vec3(0.0f);
  const glm::dvec3 middle = glm::inverse(sum) * right;
  return {static_cast<float>(middle.x), 0.0f, static_cast<float>(middle.z)};
}

}  // namespace

struct SimulatedStage::State {
  StageSettings settings;
  camera::Rig true_rig, known_rig;
  float marker_radius = 0.007f;
  subject::MarkerSet worn;  ///< The marker set.
  std::vector<Score> scores;
  std::vector<Actor> actors;
  std::vector<subject::Subject> subjects;
  std::vector<Eye> eyes;
  std::vector<ImageBlobs> images;
  std::vector<std::string> warnings;
  std::size_t markers = 0;  ///< Of all performers.
  std::uint64_t sequence = 0;
  StageStatistics statistics;
  /// Per marker of all performers: cameras that see it alone.
  std::vector<std::array<std::uint64_t, 4>> seen_by;

  /// Per marker of performers whose markers are not all alike.
  std::vector<std::vector<float>> radii;

  float radiusOf(std::size_t actor, std::size_t marker) const {
    return actor < radii.size() && marker < radii[actor].size() ? radii[actor][marker]
                                                                : marker_radius;
  }
  void cast(const subject::MarkerSet& marker_set);
  void castProps();
  void warnOfVolume();
  double seconds() const { return static_cast<double>(sequence) / true_rig.rate_hz; }
  void bump();
  void poseActors(StageFrame& frame);
  bool hiddenByBody(const glm::vec3& eye, const glm::vec3& marker) const;
  void photograph(std::size_t camera, StageFrame& frame);
  void judge(StageFrame& frame);
  bool soundAngle(const std::array<std::uint64_t, 4>& cameras, const glm::vec3& point) const;
};

void SimulatedStage::State::cast(const subject::MarkerSet& marker_set) {
  constexpr double kGoldenTurn = 2.39996322972865332;
  constexpr double kGoldenShare = 0.38196601125010515;
  const glm::vec3 middle = middleOf(true_rig);
  for (std::size_t i = 0; i < settings.actors; ++i) {
    const Score& score = scores[i % scores.size()];
    const double n = static_cast<double>(i);
    const Casting casting{
        .place = middle + placeOf(i, settings.actors, settings.spacing),
        .heading = static_cast<float>(std::fmod(n * kGoldenTurn, 6.283185307179586)),
        .start = std::fmod(n * kGoldenShare, 1.0) * score.seconds};
    std::unique_ptr<Performer> performer =
        makePerformer(score, casting, settings, marker_set, Random(settings.seed, 1000 + i));
    subject::Subject subject = performer->subject();
    subject.name = fmt::format("performer_{}", i + 1);
    const std::size_t count = subject.markers.size();
    radii.push_back(radiiOf(subject, marker_set));
    subjects.push_back(std::move(subject));
    actors.push_back({.performer = std::move(performer),
                      .gaps = GapModel(count, settings.gaps, Random(settings.seed, 2000 + i))});
    markers += count;
    if (settings.actors > 1 && 2.0f * score.reach > settings.spacing) {
      warnings.push_back(
          fmt::format("performer {} covers {:.1f} m of ground at {:.1f} m spacing: performers may "
                      "walk through each other; see --spacing",
                      i + 1, 2.0f * score.reach, settings.spacing));
    }
  }
}

void SimulatedStage::State::castProps() {
  const std::size_t performers = subjects.size();
  const double rows = std::ceil(std::sqrt(static_cast<double>(performers)));
  const PropSettings wanted{
      .count = settings.props,
      .middle = middleOf(true_rig),
      .reach = static_cast<float>(std::clamp(0.9 + 0.4 * settings.spacing * (rows - 1), 1.2, 2.2)),
      .still = settings.still,
      .seed = settings.seed};
  for (std::unique_ptr<SimulatedProp>& prop : makeProps(wanted, subjects, warnings)) {
    const std::size_t index = actors.size() - performers;
    subjects.push_back(prop->subject());
    const std::size_t count = prop->subject().markers.size();
    SimulatedProp* const raw = prop.get();
    actors.push_back({.performer = std::move(prop),
                      .gaps = GapModel(count, settings.gaps, Random(settings.seed, 6000 + index)),
                      .prop = raw});
    markers += count;
  }
}

// Says where a motion leaves the space that three cameras see.
void SimulatedStage::State::warnOfVolume() {
  constexpr int kProbes = 200;
  for (std::size_t i = 0; i < actors.size(); ++i) {
    if (actors[i].prop != nullptr) continue;
    PerformerTruth truth;
    truth.markers.resize(subjects[i].markers.size());
    truth.world_from_joint.resize(subjects[i].skeleton.size());
    const double length = scores[i % scores.size()].seconds;
    int outside = 0;
    for (int probe = 0; probe < kProbes; ++probe) {
      actors[i].performer->pose(length * probe / kProbes, truth);
      glm::vec3 sum{0.0f};
      float count = 0;
      for (const MarkerTruth& marker : truth.markers) {
        if (std::isnan(marker.position.x)) continue;
        sum += marker.position;
        count += 1;
      }
      if (count == 0) continue;
      Sight sight;
      const auto views = std::count_if(
          eyes.begin(), eyes.end(), [&](const Eye& eye) { return look(eye, sum / count, sight); });
      if (views < 3) ++outside;
    }
    if (outside > 0) {
      warnings.push_back(
          fmt::format("performer {} is outside the cameras' common volume for {} % of its motion",
                      i + 1, std::max(1, outside * 100 / kProbes)));
    }
  }
}

void SimulatedStage::State::bump() {
  for (const CameraBump& bump : settings.bumps) {
    const double frame = std::ceil(bump.second * true_rig.rate_hz - 1e-9);
    if (static_cast<double>(sequence) != frame) continue;
    Eye& eye = eyes[bump.camera];
    eye.set(camera::bumpCamera(eye.camera, bump.shift_px));
  }
}

void SimulatedStage::State::poseActors(StageFrame& frame) {
  const double now = seconds();
  for (std::size_t i = 0; i < actors.size(); ++i) {
    Actor& actor = actors[i];
    PerformerTruth& truth = frame.performers[i];
    if (actor.prop != nullptr && actor.prop->carrier() != SimulatedProp::kNobody) {
      actor.prop->follow(frame.performers[actor.prop->carrier()]);  // Posed before it.
    }
    actor.performer->pose(now, truth);
    actor.gaps.advance(now);
    for (std::size_t m = 0; m < truth.markers.size(); ++m) {
      MarkerTruth& marker = truth.markers[m];
      marker.views = marker.merged_views = 0;
      marker.dropped = actor.gaps.dropped(m) || std::isnan(marker.position.x);
    }
    const std::vector<PosedSolid>& solids = actor.performer->solids();
    glm::vec3 least{1e30f}, most{-1e30f};
    for (const PosedSolid& solid : solids) {
      least = glm::min(least, solid.middle - solid.bound);
      most = glm::max(most, solid.middle + solid.bound);
    }
    actor.middle = 0.5f * (least + most);
    actor.bound = solids.empty() ? 0.0f : 0.5f * glm::distance(least, most);
  }
}

bool SimulatedStage::State::hiddenByBody(const glm::vec3& eye, const glm::vec3& marker) const {
  const glm::vec3 ray = marker - eye;
  const float length = glm::length(ray);
  if (length < 0.1f) return false;
  const glm::vec3 target = marker - ray * (kRayEnd / length);
  const glm::vec3 direction = ray / length;
  for (const Actor& actor : actors) {
    if (!(actor.bound > 0.0f)) continue;
    const glm::vec3 to_middle = actor.middle - eye;
    const float share = std::clamp(glm::dot(to_middle, direction), 0.0f, length);
    const glm::vec3 miss = to_middle - direction * share;
    if (glm::dot(miss, miss) > actor.bound * actor.bound) continue;
    for (const PosedSolid& solid : actor.performer->solids()) {
      if (blocks(solid, eye, target)) return true;
    }
  }
  return false;
}

void SimulatedStage::State::photograph(std::size_t camera, StageFrame& frame) {
  const Eye& eye = eyes[camera];
  ImageBlobs& image = images[camera];
  image.discs.clear();
  for (std::size_t i = 0; i < actors.size(); ++i) {
    const PerformerTruth& truth = frame.performers[i];
    for (std::size_t m = 0; m < truth.markers.size(); ++m) {
      const MarkerTruth& marker = truth.markers[m];
      Sight sight;
      if (marker.dropped || !look(eye, marker.position, sight)) continue;
      ++statistics.marker_views;
      if (settings.body_occlusion && hiddenByBody(eye.centre, marker.position)) {
        ++statistics.hidden_by_body;
        continue;
      }
      image.discs.push_back({.x_px = sight.x_px,
                             .y_px = sight.y_px,
                             .radius_px = radiusOf(i, m) * sight.scale_px,
                             .depth = sight.depth,
                             .performer = static_cast<std::uint32_t>(i),
                             .marker = static_cast<std::uint32_t>(m)});
    }
  }
  image.measure(seconds(), frame.cameras[camera], frame.centroid_truth[camera]);
  for (const Disc& disc : image.discs) {
    MarkerTruth& marker = frame.performers[disc.performer].markers[disc.marker];
    const std::uint32_t sharers = image.sharers(disc);
    if (sharers == 0) {
      ++statistics.hidden_by_marker;
    } else if (sharers > 1) {
      ++statistics.merged;
      ++marker.merged_views;
    }
  }
  ++statistics.images;
  statistics.blobs += frame.centroid_truth[camera].size();
  std::size_t first = 0;
  for (const CentroidTruth& blob : frame.centroid_truth[camera]) {
    if (blob.performer < 0 || blob.merged) continue;
    first = 0;
    for (std::int32_t i = 0; i < blob.performer; ++i) {
      first += frame.performers[static_cast<std::size_t>(i)].markers.size();
    }
    auto& marker = frame.performers[static_cast<std::size_t>(blob.performer)]
                       .markers[static_cast<std::size_t>(blob.marker)];
    ++marker.views;
    seen_by[first + static_cast<std::size_t>(blob.marker)][camera / 64] |= std::uint64_t{1}
                                                                           << (camera % 64);
  }
}

bool SimulatedStage::State::soundAngle(const std::array<std::uint64_t, 4>& cameras,
                                       const glm::vec3& point) const {
  const auto seen = [&](std::size_t c) { return ((cameras[c / 64] >> (c % 64)) & 1u) != 0; };
  for (std::size_t a = 0; a < eyes.size(); ++a) {
    if (!seen(a)) continue;
    const glm::vec3 first = glm::normalize(eyes[a].centre - point);
    for (std::size_t b = a + 1; b < eyes.size(); ++b) {
      if (seen(b) &&
          glm::dot(first, glm::normalize(eyes[b].centre - point)) < kCosineOfSoundAngle) {
        return true;
      }
    }
  }
  return false;
}

void SimulatedStage::State::judge(StageFrame& frame) {
  std::size_t index = 0;
  for (PerformerTruth& truth : frame.performers) {
    for (MarkerTruth& marker : truth.markers) {
      marker.seen_3 = marker.views >= 3;
      marker.seen_2 = marker.views >= 2 && soundAngle(seen_by[index], marker.position);
      statistics.dropped += marker.dropped ? 1 : 0;
      statistics.unseen += !marker.dropped && !marker.seen_2 ? 1 : 0;
      ++index;
    }
  }
  statistics.marker_frames += markers;
  ++statistics.frames;
}

SimulatedStage::SimulatedStage(std::unique_ptr<State> state) : state_(std::move(state)) {}
SimulatedStage::SimulatedStage(SimulatedStage&&) noexcept = default;
SimulatedStage& SimulatedStage::operator=(SimulatedStage&&) noexcept = default;
SimulatedStage::~SimulatedStage() = default;

core::Result<SimulatedStage> SimulatedStage::create(const StageSettings& settings,
                                                    std::vector<PerformerMotion> motions,
                                                    const subject::MarkerSet& marker_set,
                                                    const camera::Rig& true_rig) {
  if (const core::Result<void> checked = source::check(settings); !checked) return checked.error();
  if (const core::Result<void> checked = camera::check(true_rig, "the stage's rig"); !checked) {
    return checked.error();
  }
  if (motions.empty()) return core::makeError("no motion: the stage needs at least one");
  for (const CameraBump& bump : settings.bumps) {
    if (bump.camera >= true_rig.cameras.size()) {
      return core::makeError(fmt::format("bump of camera {}: the rig has cameras 0 to {}",
                                         bump.camera, true_rig.cameras.size() - 1));
    }
  }
  auto state = std::make_unique<State>();
  state->settings = settings;
  state->true_rig = true_rig;
  state->known_rig = camera::perturbRig(true_rig, settings.rig_error_px, settings.seed);
  state->marker_radius = marker_set.marker_radius;
  state->worn = marker_set;
  for (std::size_t i = 0; i < motions.size(); ++i) {
    core::Result<Score> score = makeScore(std::move(motions[i]));
    if (!score) {
      return core::makeError(fmt::format("motion {}: {}", i + 1, score.error().message));
    }
    for (const std::string& warning : score->warnings) {
      state->warnings.push_back(fmt::format("motion {}: {}", i + 1, warning));
    }
    state->scores.push_back(*std::move(score));
  }
  state->cast(marker_set);
  state->castProps();
  if (state->markers == 0 || state->markers > 30000) {
    return core::makeError(
        fmt::format("{} markers on stage; from 1 to 30000 can be simulated", state->markers));
  }
  state->seen_by.resize(state->markers);
  for (std::size_t c = 0; c < true_rig.cameras.size(); ++c) {
    state->eyes.emplace_back().set(true_rig.cameras[c]);
    state->images.emplace_back(true_rig.cameras[c], state->settings, true_rig.rate_hz,
                               state->markers, Random(settings.seed, 3000 + c));
  }
  state->warnOfVolume();
  return SimulatedStage(std::move(state));
}

void SimulatedStage::simulate(StageFrame& frame) {
  State& state = *state_;
  state.bump();
  const auto nanoseconds = static_cast<std::int64_t>(std::llround(state.seconds() * 1e9));
  frame.stamp = {.sequence = state.sequence,
                 .exposed = core::Time(core::Duration(nanoseconds)),
                 .domain = core::ClockDomain::simulated};
  std::fill(state.seen_by.begin(), state.seen_by.end(), std::array<std::uint64_t, 4>{});
  state.poseActors(frame);
  for (std::size_t camera = 0; camera < state.eyes.size(); ++camera) {
    state.photograph(camera, frame);
  }
  state.judge(frame);
  ++state.sequence;
}

std::vector<MarkerView> SimulatedStage::views(const StageFrame& frame, std::size_t camera) const {
  const ImageBlobs& image = state_->images[camera];
  std::vector<MarkerView> views;
  for (std::size_t p = 0; p < frame.performers.size(); ++p) {
    for (std::size_t m = 0; m < frame.performers[p].markers.size(); ++m) {
      const MarkerTruth& marker = frame.performers[p].markers[m];
      Sight sight;
      if (std::isnan(marker.position.x) || !look(state_->eyes[camera], marker.position, sight)) {
        continue;
      }
      MarkerFate fate = marker.dropped ? MarkerFate::dropped : MarkerFate::hidden_by_body;
      for (const Disc& disc : image.discs) {
        if (disc.performer != p || disc.marker != m) continue;
        const std::uint32_t sharers = image.sharers(disc);
        fate = sharers == 0   ? MarkerFate::hidden_by_marker
               : sharers == 1 ? MarkerFate::alone
                              : MarkerFate::merged;
      }
      views.push_back({.performer = p,
                       .marker = m,
                       .x_px = sight.x_px,
                       .y_px = sight.y_px,
                       .radius_px = state_->radiusOf(p, m) * sight.scale_px,
                       .fate = fate});
    }
  }
  return views;
}

const std::vector<PosedSolid>& SimulatedStage::body(std::size_t performer) const {
  return state_->actors[performer].performer->solids();
}

StageFrame SimulatedStage::makeFrame() const {
  StageFrame frame;
  const std::size_t most = state_->images.front().mostBlobs();
  frame.cameras.resize(state_->eyes.size());
  frame.centroid_truth.resize(state_->eyes.size());
  for (std::size_t c = 0; c < frame.cameras.size(); ++c) {
    frame.cameras[c].camera = static_cast<std::uint32_t>(c);
    frame.cameras[c].centroids.reserve(most);
    frame.centroid_truth[c].reserve(most);
  }
  for (const subject::Subject& subject : state_->subjects) {
    frame.performers.push_back(
        {.markers = std::vector<MarkerTruth>(subject.markers.size()),
         .world_from_joint = std::vector<math::RigidTransform>(subject.skeleton.size())});
  }
  return frame;
}

file::MarkerClip SimulatedStage::rehearse(std::size_t performer, double seconds) const {
  constexpr double kRate = 60.0;
  constexpr double kNoise = 0.0003;  // Metres per axis, as 16 cameras leave it.
  const State& state = *state_;
  const Score& played = state.scores[performer % state.scores.size()];
  const auto& motion = std::get<ClipMotion>(played.motion);
  // The same body, markers and skin: only what it does is another thing.
  Score score{.motion = ClipMotion{.clip = makeRangeOfMotion(played.subject, seconds,
                                                             state.settings.seed + performer),
                                   .humanoid = motion.humanoid},
              .seconds = seconds,
              .subject = played.subject,
              .body = played.body,
              .standing = played.standing,
              .warnings = {}};
  StageSettings settings = state.settings;
  settings.still = false;
  const std::unique_ptr<Performer> dancer = makePerformer(
      score, {.fingers = 40.0}, settings, state.worn, Random(settings.seed, 1000 + performer));
  file::MarkerClip clip{.names = {}, .rate_hz = kRate};
  for (const subject::SubjectMarker& marker : dancer->subject().markers) {
    clip.names.push_back(marker.name);
  }
  clip.frames = static_cast<std::size_t>(seconds * kRate);
  GapModel gaps(clip.names.size(), settings.gaps, Random(settings.seed, 8000 + performer));
  Random noise(settings.seed, 9000 + performer);
  PerformerTruth truth;
  truth.markers.resize(clip.names.size());
  truth.world_from_joint.resize(dancer->subject().skeleton.size());
  for (std::size_t f = 0; f < clip.frames; ++f) {
    const double now = static_cast<double>(f) / kRate;
    dancer->pose(now, truth);
    gaps.advance(now);
    for (std::size_t m = 0; m < truth.markers.size(); ++m) {
      glm::vec3 place = truth.markers[m].position;
      for (int k = 0; k < 3; ++k) place[k] += static_cast<float>(kNoise * noise.normal());
      clip.positions.push_back(gaps.dropped(m) ? glm::vec3(std::numeric_limits<float>::quiet_NaN())
                                               : place);
    }
  }
  return clip;
}

const StageSettings& SimulatedStage::settings() const { return state_->settings; }
const camera::Rig& SimulatedStage::trueRig() const { return state_->true_rig; }
const camera::Rig& SimulatedStage::knownRig() const { return state_->known_rig; }
const std::vector<subject::Subject>& SimulatedStage::subjects() const { return state_->subjects; }
bool SimulatedStage::isMarkerFile(std::size_t performer) const {
  return state_->subjects[performer].skeleton.size() == 0;
}
const std::vector<std::string>& SimulatedStage::warnings() const { return state_->warnings; }

StageStatistics SimulatedStage::statistics() const {
  StageStatistics result = state_->statistics;
  for (const ImageBlobs& image : state_->images) result.false_blobs += image.falseBlobs();
  std::vector<float> lengths;
  for (const Actor& actor : state_->actors) {
    result.gaps += actor.gaps.gaps();
    lengths.insert(lengths.end(), actor.gaps.lengths().begin(), actor.gaps.lengths().end());
  }
  if (!lengths.empty()) {
    std::sort(lengths.begin(), lengths.end());
    const auto at = [&](double q) {
      return static_cast<double>(
          lengths[static_cast<std::size_t>(q * static_cast<double>(lengths.size() - 1))]);
    };
    result.gap_seconds_p50 = at(0.5);
    result.gap_seconds_p90 = at(0.9);
    result.gap_seconds_p99 = at(0.99);
  }
  return result;
}

}  // namespace understudy::source
