#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <filesystem>

#include "capture/camera/rig_file.h"
#include "capture/pipeline/settings_file.h"
#include "capture/subject/subject_file.h"
#include "engine/core/page_memory.h"
#include "tools/stage/loops.h"
#include "tools/stage/run_report.h"

namespace {

using namespace understudy;

constexpr std::size_t kLedgerFrames = std::size_t{1} << 14;
constexpr std::size_t kRecordSlots = 512;

std::atomic<bool>* stop_flag = nullptr;

// Ctrl-C ends the run as closing the window does: pictures, recording and report are completed.
void onInterrupt(int) {
  if (stop_flag != nullptr) stop_flag->store(true, std::memory_order_relaxed);
}

void warn(const std::string& line) { fmt::print(stderr, "understudy-stage: {}\n", line); }

take::PacketLogHeader makeLogHeader(const stage::StageSource& source) {
  take::PacketLogHeader header;
  header.rig_toml = camera::formatRig(source.rig);
  for (const subject::Subject& subject : source.subjects)
    header.subjects_toml.push_back(subject::formatSubject(subject));
  header.metadata = {{"program", "understudy-stage"},
                     {"version", UNDERSTUDY_VERSION},
                     {"source", source.description}};
  return header;
}

// Compares frames with the truth while the capture runs.
class ScoringThread {
 public:
  ScoringThread(source::SimulatedFeed& feed, const source::SimulatedStage& stage,
                stage::RecordRing& records, scoring::StageScorer& scorer)
      : feed_(feed),
        truth_(stage.makeFrame()),
        records_(records),
        scorer_(scorer),
        thread_([this](std::stop_token stop) { run(stop); }) {}
  void finish() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run(std::stop_token stop) {
    while (true) {
      const bool last = stop.stop_requested();
      while (const scoring::CaptureRecord* record = records_.front()) {
        for (; next_ < record->sequence; ++next_) {
          if (const source::FeedFrame* frame = feed_.tryFrame(next_))
            scorer_.addMissing(truthOf(*frame));
        }
        if (const source::FeedFrame* frame = feed_.tryFrame(next_))
          scorer_.add(truthOf(*frame), *record);
        feed_.release(++next_);
        records_.pop();
      }
      if (last) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  // The feed keeps no centroids; labels and joints need none.
  const source::StageFrame& truthOf(const source::FeedFrame& frame) {
    truth_.stamp = frame.truth.stamp;
    truth_.performers = frame.truth.performers;
    return truth_;
  }

  source::SimulatedFeed& feed_;
  source::StageFrame truth_;
  stage::RecordRing& records_;
  scoring::StageScorer& scorer_;
  std::uint64_t next_ = 0;  // Frame to be scored.
  std::jthread thread_;
};

core::Result<pipeline::PipelineSettings> loadSettings(const stage::StageOptions& options) {
  pipeline::PipelineSettings settings;
  if (!options.simulation.settings.empty()) {
    auto loaded = pipeline::loadSettings(options.simulation.settings);
    if (!loaded) return loaded;
    settings = *std::move(loaded);
  }
  settings.threads = static_cast<std::uint32_t>(options.simulation.threads);
  // Below the capture thread, which must never wait for a processor that a helper has. Memory is
  // locked by that one for all.
  if (!options.lockstep) settings.crew.fifo_priority = core::RealtimeSettings{}.fifo_priority - 1;
  return settings;
}

// The whole run; every part lives until the report is written.
class Session {
 public:
  Session(stage::StageOptions options, const CLI::App& app, int argc, const char* const* argv)
      : options_(std::move(options)),
        changed_(simulation::changedFlags(app)),
        argc_(argc),
        argv_(argv) {}

  core::Result<void> run() {
    if (auto opened = open(); !opened) return opened;
    std::unique_ptr<app::Window> window;
    gpu::DeviceSettings device_settings;
    if (!options_.headless) {
      auto made = app::Window::create({.width = static_cast<int>(options_.width_px),
                                       .height = static_cast<int>(options_.height_px),
                                       .title = "Understudy stage"});
      if (!made)
        return core::makeError(made.error().message + "; use --headless where there is no display");
      window = std::move(*made);
      device_settings = window->deviceSettings();
    }
    device_settings.validation = options_.validation;
    device_settings.name = options_.device;
    auto device = gpu::Device::create(device_settings);
    if (!device) return device.error();
    device_ = std::move(*device);
    auto show = stage::Show::create(*device_, options_, *source_, cast_, *capture_);
    if (!show) return show.error();
    show_ = std::move(*show);
    if (auto followed = show_->followPoses(*device_, ring_memory_.bytes()); !followed)
      warn(followed.error().message + "; poses are taken when a frame is sent, not when it starts");
    if (auto pictures = openPictures(); !pictures) return pictures;
    const stage::LoopContext context{options_, *source_,        *capture_,    *show_,
                                     *device_, pictures_.get(), scorer_.get()};
    stop_flag = &capture_->stop;
    std::signal(SIGINT, onInterrupt);
    std::signal(SIGTERM, onInterrupt);
    core::Result<void> done;
    if (options_.lockstep) {
      core::flushDenormalsToZero();
      done = stage::runLockstep(context);
    } else {
      startCapture();
      done = window ? stage::runWindow(context, *window) : stage::runHeadless(context);
      stopCapture();
    }
    if (!done) return done;
    return finish();
  }

 private:
  core::Result<void> open() {
    auto settings = loadSettings(options_);
    if (!settings) return settings.error();
    auto source = stage::openStageSource(options_);
    if (!source) return source.error();
    source_ = std::move(*source);
    auto cast = stage::makeCast(options_, *source_);
    if (!cast) return cast.error();
    cast_ = std::move(*cast);
    warnings_ = source_->warnings;
    warnings_.insert(warnings_.end(), cast_.warnings.begin(), cast_.warnings.end());
    for (const std::string& line : warnings_) warn(line);
    auto path = pipeline::CapturePath::create(*settings, source_->rig, source_->subjects);
    if (!path) return path.error();
    path_ = std::move(*path);
    constexpr core::Duration kAhead = std::chrono::milliseconds(20);
    publisher_ = std::make_unique<pipeline::PosePublisher>(
        cast_.bindings, options_.predict_ms > 0.0 ? kAhead : core::Duration{});
    std::size_t joints = 0;
    for (const subject::Subject& subject : source_->subjects) joints += subject.skeleton.size();
    const anim::PoseRingCapacity capacity = publisher_->capacity(joints);
    ring_memory_ = core::PageMemory(anim::PoseRing::memoryBytes(capacity));
    ring_ = std::make_unique<anim::PoseRing>(ring_memory_.bytes(), capacity);
    capture_ = std::make_unique<stage::CaptureRun>(stage::CaptureLinks{.source = source_->packets(),
                                                                       .path = *path_,
                                                                       .publisher = *publisher_,
                                                                       .ring = *ring_,
                                                                       .log = log_,
                                                                       .news = news_});
    if (source_->take) {
      capture_->replay.emplace(*path_, source_->take->closings(), source_->take->packetsBefore());
      capture_->one_at_a_time = options_.lockstep;
      if (source_->take->closings().empty())
        return core::makeError(options_.play + ": holds no closed frame: nothing to replay");
    }
    if (source_->simulation && source_->frames > 0) capture_->last_wanted = source_->frames - 1;
    // Live cameras count from a number of their own.
    if (!options_.listen.empty() && options_.simulation.frames > 0)
      capture_->most_frames = options_.simulation.frames;
    if (auto recorder = openRecorder(); !recorder) return recorder;
    if (source_->simulation) {
      scorer_ = std::make_unique<scoring::StageScorer>(
          source_->subjects, source_->rig,
          scoring::ScorerSettings{.rate_hz = source_->rig.rate_hz,
                                  .noise_px = options_.simulation.stage.noise_px,
                                  .still = options_.simulation.stage.still});
      records_ =
          std::make_unique<stage::RecordRing>(kRecordSlots, scoring::makeRecord(source_->subjects));
      for (scoring::CaptureRecord& record : records_->slots())
        record = scoring::makeRecord(source_->subjects);
      capture_->records = records_.get();
    }
    capture_->prepare();
    return {};
  }

  core::Result<void> openRecorder() {
    if (options_.record.empty()) return {};
    if (std::error_code error; std::filesystem::exists(options_.record, error)) {
      return core::makeError(
          options_.record +
          ": is there already, and recordings are not overwritten; give another name");
    }
    auto recorder = take::PacketLogWriter::create(options_.record, makeLogHeader(*source_));
    if (!recorder) return recorder.error();
    recorder_ = std::move(*recorder);
    capture_->recorder = recorder_.get();
    return {};
  }

  core::Result<void> openPictures() {
    if (!options_.headless || (options_.out.empty() && options_.video.empty())) return {};
    auto pictures = stage::PictureWriter::create({.folder = options_.out,
                                                  .every = options_.png_every,
                                                  .exr = options_.exr,
                                                  .video = options_.video,
                                                  .sequence_hz = source_->rig.rate_hz,
                                                  .width_px = options_.width_px,
                                                  .height_px = options_.height_px});
    if (!pictures) return pictures.error();
    pictures_ = std::move(*pictures);
    return {};
  }

  void startCapture() {
    if (source_->feed) {
      source_->feed->waitForFrames(source_->feed->frames());
      scoring_ = std::make_unique<ScoringThread>(*source_->feed, source_->simulation->stage,
                                                 *records_, *scorer_);
    }
    // Of live cameras the seconds are counted here: they may be silent.
    if (!options_.listen.empty() && options_.simulation.seconds > 0.0)
      capture_->end_at =
          core::Clock::now() + std::chrono::duration_cast<core::Duration>(
                                   std::chrono::duration<double>(options_.simulation.seconds));
    std::atomic<bool> ready{false};
    thread_ = std::jthread([this, &ready] {
      capture_->realtime = core::setUpRealtimeThread({});
      ready.store(true, std::memory_order_release);
      ready.notify_one();
      capture_->run();
    });
    ready.wait(false, std::memory_order_acquire);
    if (source_->sender) source_->sender->start(core::Clock::now() + std::chrono::milliseconds(50));
  }

  void stopCapture() {
    capture_->stop.store(true, std::memory_order_relaxed);
    if (source_->network) source_->network->stop();
    if (thread_.joinable()) thread_.join();
    if (source_->sender) source_->sender->stop();
    if (source_->feed) source_->feed->stop();
    if (scoring_) scoring_->finish();
  }

  core::Result<void> finish() {
    show_->bookSpans(true);
    core::Result<void> pictures;
    if (pictures_) pictures = pictures_->finish();
    if (recorder_) {
      auto closed = recorder_->close();
      if (!closed) return closed.error();
      if (closed->overflowed > 0)
        warn(fmt::format("{}: {} records were lost: the disk was too slow", options_.record,
                         closed->overflowed));
    }
    stage::ReportInput input{.options = options_,
                             .source = *source_,
                             .capture = *capture_,
                             .show = show_->status(),
                             .warnings = warnings_,
                             .changed_flags = changed_,
                             .device = device_->name,
                             .validation_messages = device_->messageCount(),
                             .scores = {},
                             .unscored = records_ ? records_->leftOut() : 0};
    if (scorer_) input.scores = scorer_->score();
    if (auto written = writeReports(input); !written) return written;
    if (!pictures) return pictures;
    if (options_.validation && device_->messageCount() > 0) {
      return core::makeError("Vulkan validation: " + device_->messages().front());
    }
    return {};
  }

  core::Result<void> writeReports(const stage::ReportInput& input) {
    report::Json report = report::makeReport({.program = "understudy-stage",
                                              .argument_count = argc_,
                                              .arguments = argv_,
                                              .seed = options_.simulation.stage.seed,
                                              .gpu = device_->name});
    stage::fillReport(input, report);
    if (!options_.out.empty()) {
      std::error_code error;
      std::filesystem::create_directories(options_.out, error);
      if (auto written = report::writeReport(report, options_.out + "/report.json"); !written)
        return written;
    }
    if (!options_.json.empty()) {
      if (auto written = report::writeReport(report, options_.json); !written) return written;
    }
    if (options_.json != "-") fmt::print("{}", stage::makeTable(input));
    return {};
  }

  stage::StageOptions options_;
  std::vector<std::pair<std::string, std::string>> changed_;
  int argc_;
  const char* const* argv_;
  std::vector<std::string> warnings_;
  std::unique_ptr<stage::StageSource> source_;
  stage::Cast cast_;
  std::unique_ptr<pipeline::CapturePath> path_;
  std::unique_ptr<pipeline::PosePublisher> publisher_;
  core::PageMemory ring_memory_;
  std::unique_ptr<anim::PoseRing> ring_;
  core::LatencyLog log_{kLedgerFrames};
  core::WakeUp news_;
  std::unique_ptr<take::PacketLogWriter> recorder_;
  std::unique_ptr<scoring::StageScorer> scorer_;
  std::unique_ptr<stage::RecordRing> records_;
  std::unique_ptr<stage::CaptureRun> capture_;
  std::unique_ptr<gpu::Device> device_;
  std::unique_ptr<stage::Show> show_;
  std::unique_ptr<stage::PictureWriter> pictures_;
  std::unique_ptr<ScoringThread> scoring_;
  std::jthread thread_;
};

int run(int argc, char** argv) {
  stage::StageOptions options;
  CLI::App app("Understudy's stage: cameras to characters, live, replayed or simulated");
  app.set_version_flag("--version", UNDERSTUDY_VERSION);
  stage::addStageOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (auto sound = stage::check(options); !sound) {
    warn(sound.error().message);
    return 2;
  }
  Session session(std::move(options), app, argc, argv);
  const auto result = session.run();
  if (result) return 0;
  warn(result.error().message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& exception) {
    warn(exception.what());
    return 1;
  }
}
