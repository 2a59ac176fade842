#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "capture/camera/rig.h"
#include "capture/pipeline/pose_publisher.h"
#include "capture/source/network_source.h"
#include "capture/source/packet_sender.h"
#include "capture/source/simulated_feed.h"
#include "capture/source/simulated_source.h"
#include "capture/source/take_source.h"
#include "engine/core/result.h"
#include "engine/scene/character.h"
#include "tools/simulation/simulation.h"
#include "tools/stage/options.h"

namespace understudy::stage {

/// What is captured, and by whom: the simulated stage over real UDP or in lockstep, cameras on the
/// network, or a take. Members that do not belong to the kind are empty.
struct StageSource {
  camera::Rig rig;  ///< As the pipeline knows it.
  std::vector<subject::Subject> subjects;
  std::vector<simulation::RetargetSource> retarget;  ///< One per subject.
  std::vector<std::string> warnings;
  std::string description;   ///< One line for people.
  std::uint64_t frames = 0;  ///< Wanted; 0 = without end.

  std::unique_ptr<simulation::Simulation> simulation;
  std::unique_ptr<source::SimulatedFeed> feed;
  std::unique_ptr<source::UdpSource> network;
  std::unique_ptr<source::PacketSender> sender;
  std::unique_ptr<source::SimulatedSource> lockstep;
  std::unique_ptr<source::TakeSource> take;

  /// Where packets come from.
  source::CentroidSource& packets() const;
};

/// Opens what the options ask for.
core::Result<std::unique_ptr<StageSource>> openStageSource(const StageOptions& options);

/// Frames that the simulated cameras have sent so far.
std::uint64_t framesSent(const StageSource& source);

/// The characters of the performers, and how they are bound. Performers whose skeleton is no
/// humanoid have none; the reason is in `warnings`.
struct Cast {
  std::vector<scene::Character> characters;  ///< Loaded files.
  std::vector<int> character_of;             ///< Per performer: index in `characters`, -1 = none.
  std::vector<pipeline::CharacterBinding> bindings;
  std::vector<std::string> warnings;
};

core::Result<Cast> makeCast(const StageOptions& options, const StageSource& source);

}  // namespace understudy::stage
