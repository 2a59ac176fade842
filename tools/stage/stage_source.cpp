#include "tools/stage/stage_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "capture/camera/rig_file.h"
#include "capture/subject/pattern_check.h"
#include "capture/subject/prop.h"
#include "capture/subject/subject_file.h"
#include "engine/anim/humanoid.h"
#include "engine/asset/character_file.h"

namespace understudy::stage {
namespace {

constexpr double kDefaultSeconds = 10.0;  // Of a headless run.
constexpr std::uint64_t kFramesAhead =
    2600;  // Simulated before the cameras start: the demo's whole run.

// The parts that the file itself names come first, then what the joint names tell.
anim::HumanoidMap characterMap(const scene::Character& character) {
  anim::HumanoidMap map = anim::recogniseHumanoid(character.skeleton);
  bool named = false;
  anim::HumanoidMap by_file = map;
  by_file.joint.fill(-1);
  for (std::size_t j = 0; j < character.humanoid_names.size(); ++j) {
    const anim::HumanoidJoint part = anim::humanoidJoint(character.humanoid_names[j]);
    if (part == anim::HumanoidJoint::count) continue;
    by_file.joint[static_cast<std::size_t>(part)] = static_cast<int>(j);
    named = true;
  }
  return named && anim::isHumanoid(by_file) ? by_file : map;
}

core::Result<void> loadSubjects(const StageOptions& options, StageSource& source) {
  for (const std::string& file : options.subjects) {
    auto subject = subject::loadSubject(file);
    if (!subject) return subject.error();
    source.subjects.push_back(std::move(*subject));
  }
  return {};
}

// What the simulation moves is compared with what the solver says, joint by joint and marker by
// marker.
core::Result<void> checkFit(const std::string& file, const subject::Subject& given,
                            const subject::Subject& simulated) {
  const bool joints =
      simulated.skeleton.size() == 0 || given.skeleton.parents == simulated.skeleton.parents;
  bool markers = given.markers.size() == simulated.markers.size();
  for (std::size_t m = 0; markers && m < given.markers.size(); ++m) {
    markers = given.markers[m].name == simulated.markers[m].name;
  }
  if (joints && markers) return {};
  return core::makeError(fmt::format(
      "{}: its {} are not those of the simulated {}; calibrate it from the same --motion and "
      "--markerset (understudy-calibrate subject)",
      file, joints ? "markers" : "joints", simulated.name));
}

core::Result<void> openSimulation(const StageOptions& options, StageSource& source) {
  auto simulation = simulation::makeSimulation(options.simulation);
  if (!simulation) return simulation.error();
  source.simulation = std::make_unique<simulation::Simulation>(std::move(*simulation));
  source::SimulatedStage& stage = source.simulation->stage;
  source.rig = stage.knownRig();
  source.warnings = source.simulation->warnings;
  source.subjects = source.simulation->subjects;
  source.retarget = source.simulation->retarget;
  if (!options.subjects.empty()) {
    source.subjects.clear();
    if (auto loaded = loadSubjects(options, source); !loaded) return loaded;
    const std::vector<subject::Subject>& simulated = stage.subjects();
    if (source.subjects.size() != simulated.size()) {
      return core::makeError(
          fmt::format("{} --subject files for {} simulated performers and props; give one each",
                      source.subjects.size(), simulated.size()));
    }
    for (std::size_t s = 0; s < simulated.size(); ++s) {
      auto fits = checkFit(options.subjects[s], source.subjects[s], simulated[s]);
      if (!fits) return fits;
    }
  }
  const bool endless =
      !options.headless && options.simulation.frames == 0 && options.simulation.seconds <= 0.0;
  source.frames = endless ? 0 : options.simulation.frameCount(kDefaultSeconds);
  source.description = fmt::format("simulated stage: {} cameras at {:.6g} Hz, {} performer{}",
                                   source.rig.cameras.size(), source.rig.rate_hz,
                                   source.subjects.size(), source.subjects.size() == 1 ? "" : "s");
  const std::uint64_t frames = endless ? ~std::uint64_t{0} >> 8 : source.frames;
  if (options.lockstep) {
    source.lockstep = std::make_unique<source::SimulatedSource>(stage, frames);
    return {};
  }
  auto network = source::UdpSource::create({.listen = {}});
  if (!network) return network.error();
  source.network = std::move(*network);
  source.feed = std::make_unique<source::SimulatedFeed>(
      stage, frames, static_cast<std::size_t>(std::min(frames, kFramesAhead)));
  auto sender = source::PacketSender::create(*source.feed, source.rig.cameras.size(),
                                             source.network->endpoint(), false);
  if (!sender) return sender.error();
  source.sender = std::move(*sender);
  source.description += " over UDP on " + source::format(source.network->endpoint());
  return {};
}

core::Result<void> openNetwork(const StageOptions& options, StageSource& source) {
  auto rig = camera::loadRig(options.simulation.rig);
  if (!rig) return rig.error();
  source.rig = std::move(*rig);
  if (auto loaded = loadSubjects(options, source); !loaded) return loaded;
  auto endpoint = source::parseEndpoint(options.listen);
  if (!endpoint) return endpoint.error();
  auto network = source::UdpSource::create({.listen = *endpoint});
  if (!network) return network.error();
  source.network = std::move(*network);
  const bool endless = options.simulation.frames == 0 && options.simulation.seconds <= 0.0;
  source.frames = endless ? 0 : options.simulation.frameCount(kDefaultSeconds);
  source.description = fmt::format("{} cameras on {}", source.rig.cameras.size(),
                                   source::format(source.network->endpoint()));
  return {};
}

core::Result<void> openTake(const StageOptions& options, StageSource& source) {
  auto take = source::TakeSource::open(
      options.play, options.lockstep ? source::ReplayPace::fast : source::ReplayPace::recorded);
  if (!take) return take.error();
  source.take = std::move(*take);
  const take::PacketLogHeader& header = source.take->header();
  auto rig = camera::parseRig(header.rig_toml, options.play + ": rig.toml");
  if (!rig) return rig.error();
  source.rig = std::move(*rig);
  for (std::size_t i = 0; i < header.subjects_toml.size(); ++i) {
    auto subject = subject::parseSubject(header.subjects_toml[i],
                                         options.play + fmt::format(": subject {}", i));
    if (!subject) return subject.error();
    source.subjects.push_back(std::move(*subject));
  }
  if (!options.subjects.empty()) {
    source.subjects.clear();
    if (auto loaded = loadSubjects(options, source); !loaded) return loaded;
  }
  // Frames whose closings were lost with a damaged piece are lived through, too.
  const std::vector<take::FrameClosing>& closings = source.take->closings();
  if (!closings.empty()) {
    source.frames = std::max<std::uint64_t>(
        closings.size(), closings.back().sequence - closings.front().sequence + 1);
  }
  source.description = "take " + options.play;
  if (const take::LogEnd& end = source.take->end(); !end.damage.empty())
    source.warnings.push_back(end.damage + "; the rest is played");
  if (const std::uint64_t lost = source.take->end().overflowed; lost > 0)
    source.warnings.push_back(
        fmt::format("{}: {} packets were lost when it was recorded", options.play, lost));
  return {};
}

}  // namespace

source::CentroidSource& StageSource::packets() const {
  if (take) return *take;
  if (lockstep) return *lockstep;
  return *network;
}

std::uint64_t framesSent(const StageSource& source) {
  return source.sender ? source.sender->framesSent() : 0;
}

core::Result<std::unique_ptr<StageSource>> openStageSource(const StageOptions& options) {
  auto source = std::make_unique<StageSource>();
  const auto opened = !options.play.empty()     ? openTake(options, *source)
                      : !options.listen.empty() ? openNetwork(options, *source)
                                                : openSimulation(options, *source);
  if (!opened) return opened.error();
  source->retarget.resize(source->subjects.size());
  for (const std::string& line : subject::confusionWarnings(source->subjects)) {
    source->warnings.push_back(line);
  }
  return source;
}

core::Result<Cast> makeCast(const StageOptions& options, const StageSource& source) {
  Cast cast;
  std::vector<std::string> files = options.characters;
  if (files.empty()) {
    auto mannequin = simulation::findAsset("characters/mannequin.glb");
    if (!mannequin) return mannequin.error();
    files.push_back(mannequin->string());
  }
  std::vector<anim::HumanoidMap> maps;
  for (const std::string& file : files) {
    auto character = asset::loadCharacter(file);
    if (!character) return character.error();
    for (const std::string& warning : character->warnings)
      cast.warnings.push_back(file + ": " + warning);
    maps.push_back(characterMap(*character));
    std::vector<std::string> missing;
    if (!anim::isHumanoid(maps.back(), &missing)) {
      std::string list;
      for (const std::string& name : missing) list += (list.empty() ? "" : ", ") + name;
      return core::makeError(
          file + ": is no humanoid with joint names that are known; missing: " + list +
          "; rename the joints as in VRM, Mixamo or understudy-retarget inspect");
    }
    cast.characters.push_back(std::move(*character));
  }
  for (std::size_t s = 0; s < source.subjects.size(); ++s) {
    const subject::Subject& subject = source.subjects[s];
    pipeline::CharacterBinding binding;
    const std::size_t which = s % cast.characters.size();
    const anim::Skeleton& standing = source.retarget[s].standing.size() == subject.skeleton.size()
                                         ? source.retarget[s].standing
                                         : subject.skeleton;
    auto retargeter =
        anim::isHumanoid(subject.humanoid)
            ? anim::Retargeter::make(standing, subject.humanoid, cast.characters[which].skeleton,
                                     maps[which],
                                     {.source_ankle_height = source.retarget[s].ankle_height})
            : core::makeError("its skeleton is no humanoid");
    cast.character_of.push_back(retargeter ? static_cast<int>(which) : -1);
    if (retargeter) {
      binding.retargeter = std::move(*retargeter);
      binding.skeleton = cast.characters[which].skeleton;
      binding.joint_from_bind = cast.characters[which].joint_from_bind;
    } else if (!subject::isProp(subject)) {
      cast.warnings.push_back("performer " + subject.name +
                              " gets no character: " + retargeter.error().message);
    }
    cast.bindings.push_back(std::move(binding));
  }
  return cast;
}

}  // namespace understudy::stage
