#include "tools/score/run_pool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

extern char** environ;  // NOLINT: POSIX.

namespace understudy::score {
namespace {

namespace fs = std::filesystem;

// A folder of our own that goes with us.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "understudy_score_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path = name;
  }
  ~Folder() {
    std::error_code error;
    if (!path.empty()) fs::remove_all(path, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

std::string lastLine(const fs::path& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

// Starts the program; its standard output goes nowhere. 0 or an error number.
int start(const std::vector<std::string>& arguments, const fs::path& errors, pid_t& process) {
  std::vector<std::string> words{"understudy-score"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int failed =
      posix_spawn(&process, "/proc/self/exe", &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

RunResult runOne(std::vector<std::string> arguments, const fs::path& stem) {
  const fs::path json = stem.string() + ".json", errors = stem.string() + ".txt";
  arguments.insert(arguments.end(), {"--json", json.string()});
  pid_t process = 0;
  if (const int failed = start(arguments, errors, process); failed != 0) {
    return {.failure = fmt::format("could not be started ({})", std::strerror(failed))};
  }
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    return {.failure = fmt::format("ended by signal {} ({})", WTERMSIG(status),
                                   strsignal(WTERMSIG(status)))};
  }
  if (WEXITSTATUS(status) != 0) {
    const std::string line = lastLine(errors);
    return {.failure = line.empty() ? fmt::format("exit code {}", WEXITSTATUS(status)) : line};
  }
  std::ifstream file(json);
  RunResult result{.ok = true, .report = report::Json::parse(file, nullptr, false)};
  if (result.report.is_discarded()) return {.failure = "wrote no report"};
  return result;
}

}  // namespace

std::vector<RunResult> runAll(const std::vector<std::vector<std::string>>& arguments,
                              std::size_t jobs, const std::function<void(std::size_t)>& progress) {
  std::vector<RunResult> results(arguments.size());
  const Folder folder;
  if (folder.path.empty()) {
    for (RunResult& result : results) result.failure = "no folder for temporary files";
    return results;
  }
  std::mutex mutex;
  std::size_t next = 0, done = 0;
  const auto work = [&] {
    for (;;) {
      std::size_t index = 0;
      {
        const std::lock_guard lock(mutex);
        if (next == arguments.size()) return;
        index = next++;
      }
      results[index] = runOne(arguments[index], folder.path / fmt::format("{}", index));
      const std::lock_guard lock(mutex);
      progress(++done);
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t j = 0; j < std::min(jobs, arguments.size()); ++j) threads.emplace_back(work);
  threads.clear();  // Waits.
  return results;
}

}  // namespace understudy::score
