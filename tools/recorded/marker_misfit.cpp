#include "tools/recorded/marker_misfit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "capture/subject/clip_geometry.h"
#include "tools/scoring/held_out.h"

namespace understudy::recorded {
namespace {

// Gathers distances per marker.
struct Gather {
  scoring::SpreadMeter all;
  std::vector<double> squares, count;

  explicit Gather(std::size_t markers) : squares(markers, 0.0), count(markers, 0.0) {}
  void add(std::size_t marker, double metres) {
    all.add(1000.0 * metres);
    squares[marker] += metres * metres;
    count[marker] += 1.0;
  }
  MarkerMisfit misfit(std::vector<std::string> names) const {
    MarkerMisfit misfit{.mm = all.spread(), .names = std::move(names)};
    misfit.count = count;
    for (std::size_t m = 0; m < squares.size(); ++m) {
      misfit.rms_mm.push_back(1000.0 * std::sqrt(scoring::ratio(squares[m], count[m])));
    }
    return misfit;
  }
};

bool counts(const SampleMask& left_out, std::size_t at) {
  return at >= left_out.size() || left_out[at] == 0;
}

std::vector<std::string> namesOf(const subject::Subject& subject) {
  std::vector<std::string> names;
  for (const subject::SubjectMarker& marker : subject.markers) names.push_back(marker.name);
  return names;
}

// Calls with frame, marker of the subject, column of the clip and distance.
template <class Function>
void forEachSample(const subject::Subject& subject, const RecordedMotion& motion,
                   const file::MarkerClip& clip, const std::vector<std::size_t>& which,
                   const Function& call) {
  const std::vector<int> column = findColumns(subject, clip);
  for (std::size_t f = 0; f < motion.world_from_joint.size(); ++f) {
    const auto& world = motion.world_from_joint[f];
    if (world.empty()) continue;
    for (const std::size_t m : which) {
      if (column[m] < 0) continue;
      const auto c = static_cast<std::size_t>(column[m]);
      const glm::vec3& seen = clip.at(f, c);
      if (!subject::isSeen(seen)) continue;
      const glm::dvec3 model =
          subject::markerPlace<math::RigidTransformd>(subject.markers[m], world);
      call(f, m, c, glm::distance(model, glm::dvec3(seen)));
    }
  }
}

void gather(const subject::Subject& subject, const RecordedMotion& motion,
            const file::MarkerClip& clip, const std::vector<std::size_t>& which,
            const SampleMask& left_out, Gather& sums) {
  forEachSample(subject, motion, clip, which,
                [&](std::size_t f, std::size_t m, std::size_t c, double distance) {
                  if (counts(left_out, f * clip.names.size() + c)) sums.add(m, distance);
                });
}

std::vector<std::size_t> allOf(const subject::Subject& subject) {
  std::vector<std::size_t> all(subject.markers.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

// Where one marker lies in the frame of one joint: mean and spread.
struct Seat {
  glm::dvec3 offset{0.0};
  double squares = 1e300;  // Mean of squared distances from it.
};

Seat findSeat(const RecordedMotion& motion, const file::MarkerClip& clip, std::size_t marker,
              std::size_t joint, const math::RigidTransformd& theirs_from_world,
              const SampleMask& left_out, std::size_t step) {
  glm::dvec3 sum(0.0), first(0.0);
  double squares = 0.0, count = 0.0;
  for (std::size_t f = 0; f < clip.frames; f += step) {
    const auto& world = motion.world_from_joint[f];
    const glm::vec3& seen = clip.at(f, marker);
    if (world.empty() || !subject::isSeen(seen)) continue;
    if (!counts(left_out, f * clip.names.size() + marker)) continue;
    const glm::dvec3 local = math::inverse(world[joint]) * (theirs_from_world * glm::dvec3(seen));
    if (count == 0.0) first = local;
    sum += local - first;
    squares += glm::dot(local - first, local - first);
    count += 1.0;
  }
  if (count == 0.0) return {};
  const glm::dvec3 mean = sum / count;
  return {.offset = first + mean, .squares = squares / count - glm::dot(mean, mean)};
}

}  // namespace

double MarkerMisfit::rmsOf(const std::vector<std::string>& which) const {
  double squares = 0.0, samples = 0.0;
  for (std::size_t m = 0; m < names.size(); ++m) {
    if (!(count[m] > 0.0) || std::find(which.begin(), which.end(), names[m]) == which.end()) {
      continue;
    }
    squares += rms_mm[m] * rms_mm[m] * count[m];
    samples += count[m];
  }
  return std::sqrt(scoring::ratio(squares, samples));
}

MarkerMisfit measureMisfit(const subject::Subject& subject, const RecordedMotion& motion,
                           const file::MarkerClip& clip, const SampleMask& left_out) {
  Gather sums(subject.markers.size());
  gather(subject, motion, clip, allOf(subject), left_out, sums);
  return sums.misfit(namesOf(subject));
}

MarkerMisfit measureHeldOut(const subject::Subject& subject, const file::MarkerClip& clip,
                            const SolveRecordingSettings& settings, const SampleMask& left_out) {
  constexpr std::uint64_t kFolds = 10;
  Gather sums(subject.markers.size());
  for (std::uint64_t fold = 0; fold < kFolds; ++fold) {
    const std::vector<std::size_t> held_out = scoring::chooseHeldOut(subject, fold);
    if (held_out.empty()) continue;
    const subject::Subject rest = scoring::withoutMarkers(subject, held_out);
    gather(subject, solveRecording(rest, clip, settings), clip, held_out, left_out, sums);
  }
  return sums.misfit(namesOf(subject));
}

std::vector<std::string> measuredWithout(const subject::Subject& subject) {
  constexpr int kOthers = 2;
  std::vector<int> carries(subject.skeleton.size(), 0);
  for (const subject::SubjectMarker& marker : subject.markers) {
    ++carries[static_cast<std::size_t>(marker.joint)];
  }
  std::vector<std::string> names;
  for (const subject::SubjectMarker& marker : subject.markers) {
    if (carries[static_cast<std::size_t>(marker.joint)] > kOthers) names.push_back(marker.name);
  }
  return names;
}

SampleMask findStrays(const subject::Subject& subject, const RecordedMotion& motion,
                      const file::MarkerClip& clip, double far) {
  SampleMask strays(clip.frames * clip.names.size(), 0);
  forEachSample(subject, motion, clip, allOf(subject),
                [&](std::size_t f, std::size_t, std::size_t c, double distance) {
                  if (distance > far) strays[f * clip.names.size() + c] = 1;
                });
  return strays;
}

MarkerMisfit measureBestMisfit(const RecordedMotion& motion, const file::MarkerClip& clip,
                               const SampleMask& left_out) {
  constexpr int kRounds = 40;
  constexpr std::size_t kSamples = 400;
  const std::size_t markers = clip.names.size();
  const std::size_t frames = std::min(clip.frames, motion.world_from_joint.size());
  const std::size_t step = std::max<std::size_t>(1, frames / kSamples);
  math::RigidTransformd theirs_from_world;
  std::vector<Seat> seats(markers);
  std::vector<std::size_t> joint_of(markers, 0);
  for (int round = 0; round < kRounds; ++round) {
    // The shift and turn of all, then each marker's seat, in turns.
    for (std::size_t m = 0; m < markers; ++m) {
      seats[m] = {};
      for (std::size_t j = 0; j < motion.joints; ++j) {
        const Seat seat = findSeat(motion, clip, m, j, theirs_from_world, left_out, step);
        if (!(seat.squares < seats[m].squares)) continue;
        seats[m] = seat;
        joint_of[m] = j;
      }
    }
    std::vector<glm::dvec3> from, to;
    for (std::size_t f = 0; f < frames; f += step) {
      const auto& world = motion.world_from_joint[f];
      for (std::size_t m = 0; m < markers && !world.empty(); ++m) {
        if (!subject::isSeen(clip.at(f, m)) || seats[m].squares >= 1e300) continue;
        if (!counts(left_out, f * markers + m)) continue;
        from.emplace_back(clip.at(f, m));
        to.push_back(world[joint_of[m]] * seats[m].offset);
      }
    }
    if (from.empty()) break;
    theirs_from_world = subject::fitRigid(from, to);
  }
  Gather sums(markers);
  for (std::size_t f = 0; f < frames; ++f) {
    const auto& world = motion.world_from_joint[f];
    for (std::size_t m = 0; m < markers && !world.empty(); ++m) {
      if (!subject::isSeen(clip.at(f, m)) || seats[m].squares >= 1e300) continue;
      if (!counts(left_out, f * markers + m)) continue;
      sums.add(m, glm::distance(theirs_from_world * glm::dvec3(clip.at(f, m)),
                                world[joint_of[m]] * seats[m].offset));
    }
  }
  return sums.misfit(clip.names);
}

}  // namespace understudy::recorded
