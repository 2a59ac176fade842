#include "tools/stage/picture_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/asset/exr_file.h"
#include "engine/asset/picture_file.h"

extern char** environ;

namespace understudy::stage {
namespace {

constexpr std::size_t kMostPending = 6;

}  // namespace

core::Result<std::unique_ptr<PictureWriter>> PictureWriter::create(
    const PictureSettings& settings) {
  std::unique_ptr<PictureWriter> writer(new PictureWriter(settings));
  if (!settings.folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(settings.folder, error);
    if (error)
      return core::makeError(settings.folder + ": cannot make the folder: " + error.message());
  }
  if (!settings.video.empty()) {
    if (auto started = writer->startVideo(); !started) return started.error();
  }
  writer->thread_ = std::thread([raw = writer.get()] { raw->work(); });
  return writer;
}

// Starts ffmpeg without a shell, so that no file name can be taken for a command.
core::Result<void> PictureWriter::startVideo() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return core::makeError("cannot make a pipe to ffmpeg: " + std::string(std::strerror(errno)));
  signal(SIGPIPE, SIG_IGN);  // A dead ffmpeg is told by write().
  const std::string size = fmt::format("{}x{}", settings_.width_px, settings_.height_px);
  const std::string rate = fmt::format("{}", settings_.video_hz);
  const std::string file = "file:" + settings_.video;
  const char* arguments[] = {
      "ffmpeg",     "-y",         "-loglevel", "error",
      "-f",         "rawvideo",   "-pix_fmt",  "rgba",
      "-s",         size.c_str(), "-r",        rate.c_str(),
      "-i",         "-",          "-vf",       "pad=ceil(iw/2)*2:ceil(ih/2)*2",
      "-c:v",       "libx264",    "-preset",   "veryfast",
      "-crf",       "20",         "-threads",  "1",
      "-pix_fmt",   "yuv420p",    "-movflags", "+faststart",
      file.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
  pid_t process = -1;
  const int failed =
      posix_spawnp(&process, "ffmpeg", &actions, nullptr, const_cast<char**>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[0]);
  if (failed != 0) {
    ::close(ends[1]);
    return core::makeError("--video: cannot start ffmpeg (" + std::string(std::strerror(failed)) +
                           "): install the package ffmpeg or leave --video out");
  }
  video_pipe_ = ends[1];
  video_process_ = process;
  return {};
}

PictureWriter::~PictureWriter() {
  if (thread_.joinable()) (void)finish();
}

std::uint64_t PictureWriter::videoFrame(std::uint64_t sequence) const {
  const std::uint64_t since = sequence > video_first_ ? sequence - video_first_ : 0;
  return static_cast<std::uint64_t>(static_cast<double>(since) * settings_.video_hz /
                                    settings_.sequence_hz);
}

bool PictureWriter::wants(std::uint64_t picture, std::uint64_t sequence) const {
  if (!settings_.folder.empty() && picture % settings_.every == 0) return true;
  if (video_pipe_ < 0) return false;
  // In step with the sequence a video frame is due when its number changes.
  return sequence == 0 ||
         static_cast<std::uint64_t>(static_cast<double>(sequence) * settings_.video_hz /
                                    settings_.sequence_hz) !=
             static_cast<std::uint64_t>(static_cast<double>(sequence - 1) * settings_.video_hz /
                                        settings_.sequence_hz) ||
         settings_.sequence_hz < settings_.video_hz || !video_started_;
}

void PictureWriter::add(std::uint64_t picture, const render::RenderedImage& image) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.size() < kMostPending; });
  Job job;
  if (!spare_.empty()) {
    job = std::move(spare_.back());
    spare_.pop_back();
  }
  job.picture = picture;
  job.sequence = image.sequence;
  job.rgba.assign(image.rgba.begin(), image.rgba.end());
  job.linear.assign(image.linear.begin(), image.linear.end());
  jobs_.push_back(std::move(job));
  changed_.notify_all();
}

void PictureWriter::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closing_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    changed_.notify_all();
    write(job);
    lock.lock();
    spare_.push_back(std::move(job));
  }
}

void PictureWriter::write(const Job& job) {
  if (!settings_.folder.empty() && job.picture % settings_.every == 0) {
    const std::string path = settings_.folder + fmt::format("/frame_{:06}.png", job.picture);
    const auto saved = asset::savePicture(path, job.rgba, settings_.width_px, settings_.height_px);
    saved ? void(++pngs_) : fail(saved.error().message);
    if (settings_.exr && !job.linear.empty()) {
      const auto exr =
          asset::saveExr(settings_.folder + fmt::format("/frame_{:06}.exr", job.picture),
                         job.linear, settings_.width_px, settings_.height_px);
      if (!exr) fail(exr.error().message);
    }
  }
  if (video_pipe_ >= 0) writeVideo(job);
}

void PictureWriter::writeVideo(const Job& job) {
  if (!video_started_) {
    video_started_ = true;
    video_first_ = job.sequence;
  }
  while (video_written_ <= videoFrame(job.sequence)) {
    std::size_t done = 0;
    while (done < job.rgba.size()) {
      const ssize_t written = ::write(video_pipe_, job.rgba.data() + done, job.rgba.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        fail(settings_.video + ": ffmpeg takes no more pictures: " + std::strerror(errno));
        ::close(video_pipe_);
        video_pipe_ = -1;
        return;
      }
      done += static_cast<std::size_t>(written);
    }
    ++video_written_;
  }
}

void PictureWriter::fail(std::string message) {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = std::move(message);
}

core::Result<void> PictureWriter::finish() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (video_pipe_ >= 0) ::close(video_pipe_);
  video_pipe_ = -1;
  if (video_process_ > 0) {
    int status = 0;
    waitpid(video_process_, &status, 0);
    video_process_ = -1;
    if (status != 0) fail(settings_.video + ": ffmpeg failed");
  }
  if (!failure_.empty()) return core::makeError(failure_);
  return {};
}

}  // namespace understudy::stage
