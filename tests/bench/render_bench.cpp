// The shortest way from a pose to a picture: how old the pose is when the picture is finished, what
// sending a frame costs the processor, and a count of torn poses.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "engine/anim/kinematics.h"
#include "engine/anim/palette.h"
#include "engine/asset/character_file.h"
#include "engine/core/histogram.h"
#include "engine/core/page_memory.h"
#include "engine/core/thread_time.h"
#include "engine/render/renderer.h"
#include "tools/counters/counters.h"
#include "tools/report/report.h"

using namespace understudy;

namespace {

struct Options {
  std::string character, device, json_path{}, quality = "low";
  std::uint64_t frames = 300;
  std::uint32_t width = 1280, height = 720, producer_hz = 1000;
};

/// How a frame comes by its pose.
enum class Way : std::uint8_t {
  copied,  ///< The newest pose is copied when the frame is recorded.
  newest,  ///< The GPU takes the newest when it starts the frame.
  gated,   ///< The same, for frames that were sent before the pose came.
};

const char* nameOf(Way way) {
  constexpr const char* kNames[] = {"copied at record", "taken by the GPU", "gated"};
  return kNames[static_cast<std::size_t>(way)];
}

/// Performers that walk on the spot of a grid, posed anew a thousand times a second by a thread.
class Producer {
 public:
  Producer(const scene::Character& character, std::size_t actors)
      : character_(character),
        palettes_(actors, std::vector<glm::mat4>(character.skeleton.size())),
        capacity_{.subjects = static_cast<std::uint32_t>(actors),
                  .matrices = static_cast<std::uint32_t>(actors * character.skeleton.size())},
        pages_(anim::PoseRing::memoryBytes(capacity_)),
        ring_(pages_.bytes(), capacity_) {
    publish(1);
  }

  anim::PoseRing& ring() { return ring_; }
  std::span<std::byte> memory() const { return pages_.bytes(); }

  void publish(std::uint64_t sequence) {
    const float time = static_cast<float>(sequence % 100000) * 1e-3f;
    for (std::size_t i = 0; i < palettes_.size(); ++i) {
      std::vector<math::RigidTransform> local = character_.skeleton.parent_from_joint;
      local[0].translation += glm::vec3(static_cast<float>(i % 5) * 1.2f - 2.4f, 0.0f,
                                        -1.2f * static_cast<float>(i / 5));
      for (std::size_t j = 1; j < local.size(); ++j) {
        const float swing = 0.15f * std::sin(6.0f * time + static_cast<float>(j + i));
        local[j].rotation = glm::angleAxis(swing, glm::vec3(1.0f, 0.0f, 0.0f)) * local[j].rotation;
      }
      std::vector<math::RigidTransform> world(local.size());
      anim::worldFromJoints(character_.skeleton, local, world);
      anim::makePalette(world, character_.joint_from_bind, palettes_[i]);
    }
    subjects_.clear();
    for (const auto& palette : palettes_) subjects_.push_back({.world_from_bind = palette});
    ring_.publish({.sequence = sequence, .exposed = core::Clock::now()}, subjects_);
  }

  void start(std::uint32_t hz) {
    thread_ = std::jthread([this, hz](std::stop_token stop) {
      core::Time next = core::Clock::now();
      for (std::uint64_t sequence = 2; !stop.stop_requested(); ++sequence) {
        publish(sequence);
        next += std::chrono::nanoseconds(1'000'000'000 / hz);
        std::this_thread::sleep_until(next);
      }
    });
  }
  void stop() { thread_ = {}; }

 private:
  const scene::Character& character_;
  std::vector<std::vector<glm::mat4>> palettes_;
  std::vector<anim::PublishedSubject> subjects_;
  anim::PoseRingCapacity capacity_;
  core::PageMemory pages_;
  anim::PoseRing ring_;
  std::jthread thread_;
};

struct Outcome {
  core::Histogram age, period, cpu;  ///< Pose age at the frame's end; end to end; record and send.
  std::uint64_t allocations = 0;
};

class Bench {
 public:
  static core::Result<std::unique_ptr<Bench>> create(const Options& options, gpu::Device& device,
                                                     const scene::Character& character,
                                                     std::size_t actors, std::uint32_t in_flight) {
    std::unique_ptr<Bench> bench(new Bench(character, actors));
    const render::Quality quality =
        options.quality == "high" ? render::Quality::high : render::Quality::low;
    auto renderer = render::Renderer::create(device, {.width_px = options.width,
                                                      .height_px = options.height,
                                                      .quality = render::qualitySettings(quality),
                                                      .frames_in_flight = in_flight});
    if (!renderer) return renderer.error();
    bench->renderer_ = std::move(*renderer);
    auto model = bench->renderer_->addModel(character);
    if (!model) return model.error();
    if (auto set = bench->renderer_->setCast(std::vector(actors, *model)); !set) return set.error();
    auto memory = gpu::Buffer::import(
        device, bench->producer_.memory(),
        VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
    if (!memory) return memory.error();
    bench->memory_ = std::move(*memory);
    bench->renderer_->followPoses(&bench->memory_);
    bench->in_flight_ = in_flight;
    return bench;
  }

  Outcome run(const Options& options, Way way) {
    Outcome outcome;
    producer_.start(options.producer_hz);
    const std::uint64_t warm = 20;
    core::Time last{};
    for (std::uint64_t frame = 0; frame < options.frames + warm; ++frame) {
      const std::uint64_t allocations = counters::threadAllocations().value_or(0);
      const core::Duration cpu = core::threadTime();
      if (!renderer_->beginFrame()) break;
      if (frame >= in_flight_ + warm) book(outcome, last);
      send(way);
      if (frame >= warm) {
        outcome.cpu.record(core::threadTime() - cpu);
        outcome.allocations += counters::threadAllocations().value_or(0) - allocations;
      }
    }
    renderer_->wait();
    producer_.stop();
    return outcome;
  }

 private:
  Bench(const scene::Character& character, std::size_t actors)
      : producer_(character, actors), record_(producer_.ring().makeRecord()) {}

  void send(Way way) {
    if (way == Way::copied) {
      while (!producer_.ring().read(producer_.ring().newest(), record_)) {
      }
      spans_.clear();
      for (const shaders::PoseSubject& subject : record_.subjects) {
        spans_.push_back(std::span<const glm::mat4>(record_.world_from_bind)
                             .subspan(subject.first_matrix, subject.matrix_count));
      }
    }
    const render::FrameContent content{.newest = way != Way::copied,
                                       .sequence = record_.stamp.sequence,
                                       .exposed = record_.stamp.exposed,
                                       .view = {.eye = {0.0f, 1.6f, 5.0f}},
                                       .palettes = spans_};
    if (way == Way::gated) {
      renderer_->submit({.gated = true});
      renderer_->latch(content);
      renderer_->openGate();
      return;
    }
    renderer_->latch(content);
    renderer_->submit();
  }

  void book(Outcome& outcome, core::Time& last) {
    const auto& image = renderer_->retired();
    if (!image || image->publication == 0) return;
    outcome.age.record(image->gpu_finished - image->exposed);
    if (last != core::Time{}) outcome.period.record(image->gpu_finished - last);
    last = image->gpu_finished;
  }

  Producer producer_;
  gpu::Buffer memory_;
  std::unique_ptr<render::Renderer> renderer_;
  anim::PoseRecord record_;
  std::vector<std::span<const glm::mat4>> spans_;
  std::uint32_t in_flight_ = 1;
};

report::Json rowJson(Way way, std::size_t actors, std::uint32_t in_flight, const Outcome& o) {
  report::Json row;
  row["way"] = nameOf(way);
  row["actors"] = actors;
  row["frames_in_flight"] = in_flight;
  row["pose_age_us"] = report::timesJson(o.age.summary());
  row["period_us"] = report::timesJson(o.period.summary());
  row["cpu_us"] = report::timesJson(o.cpu.summary());
  row["allocations"] = o.allocations;
  return row;
}

core::Result<void> measure(const Options& options, gpu::Device& device,
                           const scene::Character& character, report::Json& json) {
  fmt::print(
      "{} x {} px, quality {}, poses at {} Hz; pose age: from the pose's stamp to the GPU's end of "
      "the frame\nthat shows it; cpu: thread time of beginning, latching and sending a frame\n\n"
      "way               actors in flight | period ms p50 | age ms p50    p99 | cpu us p50    p99 "
      "| allocations\n",
      options.width, options.height, options.quality, options.producer_hz);
  for (const std::size_t actors : {std::size_t{1}, std::size_t{20}}) {
    for (const std::uint32_t in_flight : {1u, 2u, 3u}) {
      if (actors > 1 && in_flight > 1) continue;
      auto bench = Bench::create(options, device, character, actors, in_flight);
      if (!bench) return bench.error();
      for (const Way way : {Way::copied, Way::newest, Way::gated}) {
        // A gate holds the next frame up: with several in flight nothing would be left of them.
        if (way == Way::gated && in_flight > 1) continue;
        const Outcome o = (*bench)->run(options, way);
        const auto ms = [](const core::Histogram& h, double percent) {
          return static_cast<double>(h.percentileNs(percent)) * 1e-6;
        };
        fmt::print("{:16} {:7} {:9} | {:13.2f} | {:10.2f} {:6.2f} | {:10.1f} {:6.1f} | {:11}\n",
                   nameOf(way), actors, in_flight, ms(o.period, 50), ms(o.age, 50), ms(o.age, 99),
                   ms(o.cpu, 50) * 1e3, ms(o.cpu, 99) * 1e3, o.allocations);
        std::fflush(stdout);
        json["rows"].push_back(rowJson(way, actors, in_flight, o));
      }
    }
  }
  return {};
}

}  // namespace

int main(int argument_count, char** arguments) {
  CLI::App app("From a pose to a picture: the pose's age, and what a frame costs the processor.",
               "understudy_bench_render");
  Options options;
  options.character = UNDERSTUDY_SOURCE_DIR "/assets/characters/mannequin.glb";
  app.add_option("--character", options.character, "the performers' character");
  app.add_option("--frames", options.frames, "frames of each row")->check(CLI::Range(10, 1000000));
  app.add_option("--width", options.width)->check(CLI::Range(16, 16384));
  app.add_option("--height", options.height)->check(CLI::Range(16, 16384));
  app.add_option("--quality", options.quality)->check(CLI::IsMember({"low", "high"}));
  app.add_option("--producer-hz", options.producer_hz)->check(CLI::Range(1, 100000));
  app.add_option("--device", options.device, "part of the graphics device's name");
  app.add_option("--json", options.json_path, "writes a report; - is standard output");
  CLI11_PARSE(app, argument_count, arguments);
  const auto fails = [](const core::Error& error) {
    fmt::print(stderr, "understudy_bench_render: {}\n", error.message);
    return 1;
  };
  auto character = asset::loadCharacter(options.character);
  if (!character) return fails(character.error());
  auto device = gpu::Device::create({.name = options.device});
  if (!device) return fails(device.error());
  report::Json json = report::makeReport({.program = "understudy_bench_render",
                                          .argument_count = argument_count,
                                          .arguments = arguments,
                                          .seed = 0,
                                          .gpu = (*device)->name});
  if (auto done = measure(options, **device, *character, json); !done) return fails(done.error());
  if (options.json_path.empty()) return 0;
  auto written = report::writeReport(json, options.json_path);
  return written ? 0 : fails(written.error());
}
