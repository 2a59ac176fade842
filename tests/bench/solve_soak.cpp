#include "tests/bench/solve_soak.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "capture/solve/solve_lanes.h"
#include "capture/solve/solve_steps.h"
#include "capture/source/random.h"

namespace understudy::bench {
namespace {

constexpr double kDiverged = 0.25;  // Metres.

// What is hidden of one performer, and for how many frames yet.
struct Gaps {
  std::vector<int> marker;       // Per marker.
  std::vector<int> limb;         // Per joint: it and what hangs on it.
  std::vector<glm::vec3> wrong;  // Per marker: how far off it is reported.
  std::vector<int> wrong_frames;
  int all = 0;
  std::vector<int> seen_well;  // Per joint: frames since less than half of its markers were seen.
};

struct Tally {
  std::uint64_t frames = 0, diverged = 0, lost = 0, blind = 0;
  double worst_mm = 0.0;
};

int gapLength(source::Random& random) {
  const double u = random.uniform();
  return 1 + static_cast<int>(u * u * u * 480.0);
}

void openGaps(const subject::Subject& subject, source::Random& random, Gaps& gaps) {
  for (std::size_t m = 0; m < gaps.marker.size(); ++m) {
    gaps.marker[m] = std::max(gaps.marker[m] - 1, 0);
    gaps.wrong_frames[m] = std::max(gaps.wrong_frames[m] - 1, 0);
    if (random.uniform() < 0.003) gaps.marker[m] = gapLength(random);
    if (random.uniform() < 0.0003) {
      gaps.wrong_frames[m] = 1 + static_cast<int>(8.0 * random.uniform());
      for (int k = 0; k < 3; ++k)
        gaps.wrong[m][k] = static_cast<float>(0.12 * (random.uniform() - 0.5));
    }
  }
  for (int& limb : gaps.limb) limb = std::max(limb - 1, 0);
  if (random.uniform() < 0.004) {
    const std::size_t joint = static_cast<std::size_t>(
        random.uniform() * static_cast<double>(subject.skeleton.size()) * 0.999);
    gaps.limb[joint] = gapLength(random);
  }
  gaps.all = std::max(gaps.all - 1, 0);
  if (random.uniform() < 0.0004) gaps.all = 1 + gapLength(random) / 4;
}

void hide(const subject::Subject& subject, const Gaps& gaps, frame::LabelledSubject& labels) {
  for (std::size_t m = 0; m < labels.markers.size(); ++m) {
    bool hidden = gaps.marker[m] > 0 || gaps.all > 0;
    for (int j = subject.markers[m].joint; j > 0 && !hidden;
         j = subject.skeleton.parents[static_cast<std::size_t>(j)]) {
      hidden = gaps.limb[static_cast<std::size_t>(j)] > 0;
    }
    if (hidden) labels.markers[m].confidence = 0.0f;
    if (gaps.wrong_frames[m] > 0) labels.markers[m].position += gaps.wrong[m];
  }
}

// Returns how many markers are seen, and counts for each joint how long it has been seen well: it
// and all above it that have markers.
std::size_t countSeen(const subject::Subject& subject, const frame::LabelledSubject& labels,
                      Gaps& gaps) {
  std::vector<int> seen(subject.skeleton.size(), 0), all(subject.skeleton.size(), 0);
  std::size_t count = 0;
  for (std::size_t m = 0; m < labels.markers.size(); ++m) {
    const std::size_t joint = static_cast<std::size_t>(subject.markers[m].joint);
    const bool shown = labels.markers[m].confidence > 0.0f;
    seen[joint] += shown;
    count += shown;
    ++all[joint];
  }
  for (std::size_t j = 0; j < seen.size(); ++j) {
    gaps.seen_well[j] = 2 * seen[j] >= all[j] ? gaps.seen_well[j] + 1 : 0;
    const int parent = subject.skeleton.parents[j];
    if (parent < 0) continue;
    gaps.seen_well[j] =
        std::min(gaps.seen_well[j], gaps.seen_well[static_cast<std::size_t>(parent)]);
  }
  return count;
}

// Of joints that have been seen well for so long; infinite if any is nowhere.
double worstError(const solve::SolveModel& model, const solve::SolveState& state,
                  const source::PerformerTruth& truth, const Gaps& gaps, int settled) {
  std::vector<math::RigidTransformd> world(model.joints());
  solve::worldFromJoints(model, state.parent_from_joint, world);
  double worst = 0.0;
  for (std::size_t j = 0; j < world.size(); ++j) {
    const double off =
        glm::distance(world[j].translation, glm::dvec3(truth.world_from_joint[j].translation));
    if (!std::isfinite(off)) return std::numeric_limits<double>::infinity();
    if (gaps.seen_well[j] > settled) worst = std::max(worst, off);
  }
  return worst;
}

}  // namespace

bool soak(const SolveRecording& recording, double minutes, std::uint64_t seed) {
  const std::size_t actors = recording.subjects.size();
  const solve::SolveSettings settings;
  std::vector<solve::SolveModel> models;
  std::vector<solve::SolveState> states;
  std::vector<frame::SkeletonPose> poses;
  std::vector<Gaps> gaps(actors);
  for (std::size_t a = 0; a < actors; ++a) {
    const subject::Subject& subject = recording.subjects[a];
    models.push_back(solve::makeSolveModel(subject));
    states.push_back(solve::makeSolveState(subject, models.back()));
    poses.push_back(frame::makeSkeletonPose(subject.skeleton.size()));
    gaps[a].marker.assign(subject.markers.size(), 0);
    gaps[a].wrong.assign(subject.markers.size(), glm::vec3(0.0f));
    gaps[a].wrong_frames.assign(subject.markers.size(), 0);
    gaps[a].limb.assign(subject.skeleton.size(), 0);
    gaps[a].seen_well.assign(subject.skeleton.size(), 0);
  }
  std::vector<solve::LaneSubject> subjects;
  for (std::size_t a = 0; a < actors; ++a)
    subjects.push_back({&recording.subjects[a], &models[a], &settings});
  std::vector<solve::LaneGroup> groups = solve::makeLaneGroups(subjects);
  source::Random random(seed, 77);
  Tally tally;
  const std::uint64_t frames = static_cast<std::uint64_t>(minutes * 60.0 * recording.rate_hz);
  const std::size_t length = recording.labels.size();
  for (std::uint64_t sequence = 1; sequence <= frames; ++sequence) {
    // To and fro, so that nobody jumps.
    const std::size_t phase = static_cast<std::size_t>(sequence % (2 * (length - 1)));
    const std::size_t f = phase < length ? phase : 2 * (length - 1) - phase;
    std::vector<frame::LabelledSubject> labels = recording.labels[f];
    for (std::size_t a = 0; a < actors; ++a) {
      const subject::Subject& subject = recording.subjects[a];
      if (!states[a].tracked) {
        tally.lost += sequence > 1;
        solve::startTracking(models[a], sequence - 1,
                             solverPose(models[a], recording.truth[f][a].world_from_joint),
                             states[a]);
        gaps[a].all = 0;
      }
      openGaps(subject, random, gaps[a]);
      hide(subject, gaps[a], labels[a]);
      tally.blind += countSeen(subject, labels[a], gaps[a]) == 0;
    }
    solve::SolveSubjects{.subjects = subjects,
                         .kernels = solve::v3LaneKernels(),
                         .labels = labels,
                         .stamp = {.sequence = sequence},
                         .rate_hz = recording.rate_hz,
                         .groups = groups,
                         .states = states,
                         .poses = poses}
        .run();
    for (std::size_t a = 0; a < actors; ++a) {
      ++tally.frames;
      const double worst = worstError(models[a], states[a], recording.truth[f][a], gaps[a],
                                      static_cast<int>(recording.rate_hz));
      tally.worst_mm = std::max(tally.worst_mm, 1000.0 * worst);
      tally.diverged += !(worst <= kDiverged);
    }
  }
  fmt::print(
      "soak: {:.2f} hours of performers, {} frames, {} of them without any marker; diverged {}, "
      "lost "
      "{}; worst joint a second after it was seen again {:.0f} mm\n",
      static_cast<double>(tally.frames) / recording.rate_hz / 3600.0, tally.frames, tally.blind,
      tally.diverged, tally.lost, tally.worst_mm);
  return tally.diverged == 0;
}

}  // namespace understudy::bench
