#include "capture/solve/recorded_names.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "capture/solve/solve_steps.h"
#include "capture/subject/clip_geometry.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

// One marker's way through the recording, unbroken.
struct Path {
  std::size_t marker = 0, first = 0, last = 0;
  std::size_t really = 0;
  std::size_t count = 0;          // Frames that were looked at.
  std::vector<double> squares{};  // Distances to each marker's place, summed.

  double rmsTo(std::size_t other) const {
    return std::sqrt(squares[other] / static_cast<double>(std::max<std::size_t>(count, 1)));
  }
};

struct NameCheck {
  const file::MarkerClip& clip;
  const NameCheckSettings& settings;
  const subject::Subject& subject;
  SolveModel model;
  SolveWorkspace workspace;
  std::vector<Path> paths{};
  std::vector<std::int32_t> path_of{};  // Frames x markers, -1 where missing.

  void splitPaths();
  bool jumps(std::size_t first, std::size_t frame, std::size_t marker) const;
  void measure();
  bool fitFrame(std::size_t frame, std::vector<RigidTransformd>& pose);
  bool rename();
  bool isTaken(const Path& path, std::size_t name) const;
  Path& pathAt(std::size_t frame, std::size_t marker) {
    return paths[static_cast<std::size_t>(path_of[frame * clip.names.size() + marker])];
  }
};

// True if the marker is not where the last two places of its path, which began at `first`, lead.
bool NameCheck::jumps(std::size_t first, std::size_t frame, std::size_t marker) const {
  const glm::vec3& now = clip.at(frame, marker);
  const glm::vec3& before = clip.at(frame - 1, marker);
  glm::vec3 step(0.0f);
  if (frame >= first + 2) {
    step = before - clip.at(frame - 2, marker);
  }
  return static_cast<double>(glm::distance(now, before + step)) > settings.jump;
}

void NameCheck::splitPaths() {
  const std::size_t markers = clip.names.size();
  path_of.assign(clip.frames * markers, -1);
  for (std::size_t m = 0; m < markers; ++m) {
    bool open = false;
    for (std::size_t f = 0; f < clip.frames; ++f) {
      const bool seen = subject::isSeen(clip.at(f, m));
      if (seen && (!open || jumps(paths.back().first, f, m))) {
        paths.push_back({.marker = m, .first = f, .last = f, .really = m});
      }
      if (seen) {
        paths.back().last = f;
        path_of[f * markers + m] = static_cast<std::int32_t>(paths.size() - 1);
      }
      open = seen;
    }
  }
}

// Fits the pose to the markers of one frame under the names that they are held to have; markers
// far off have no say. Updates `pose`, which is where the fit starts.
bool NameCheck::fitFrame(std::size_t frame, std::vector<RigidTransformd>& pose) {
  constexpr double kFar = 0.06;
  const std::size_t markers = clip.names.size();
  frame::LabelledSubject labelled;
  labelled.markers.resize(markers);
  std::size_t seen = 0;
  for (std::size_t m = 0; m < markers; ++m) {
    if (path_of[frame * markers + m] < 0) continue;
    frame::LabelledMarker& slot = labelled.markers[pathAt(frame, m).really];
    if (slot.confidence > 0.0f) continue;
    slot = {clip.at(frame, m), glm::mat3(0.0f), 1.0f};
    ++seen;
  }
  if (3 * seen < markers) return false;
  fitPose(subject, model, settings.solve, baselineTreeKernels(), labelled, 6, workspace, pose);
  for (std::size_t m = 0; m < markers; ++m) {
    frame::LabelledMarker& slot = labelled.markers[m];
    if (!(slot.confidence > 0.0f)) continue;
    const glm::dvec3 off =
        glm::dvec3(slot.position) - markerPosition(subject.markers[m], workspace.world_from_joint);
    if (glm::dot(off, off) > kFar * kFar) slot.confidence = 0.0f;
  }
  fitPose(subject, model, settings.solve, baselineTreeKernels(), labelled, 3, workspace, pose);
  return true;
}

// Poses of all frames that are looked at, and how far each path keeps from every marker's place.
void NameCheck::measure() {
  const std::size_t markers = clip.names.size();
  for (Path& path : paths) {
    path.count = 0;
    path.squares.assign(markers, 0.0);
  }
  std::vector<RigidTransformd> pose = model.rest;
  bool started = false;
  std::vector<glm::dvec3> places(markers);
  for (const std::size_t f : subject::spreadFrames(clip, settings.frames)) {
    if (!started) {
      frame::LabelledSubject labelled;
      labelled.markers.resize(markers);
      for (std::size_t m = 0; m < markers; ++m) {
        if (path_of[f * markers + m] >= 0) {
          labelled.markers[pathAt(f, m).really] = {clip.at(f, m), glm::mat3(0.0f), 1.0f};
        }
      }
      pose = layRestPose(subject, model, labelled);
      fitPose(subject, model, settings.solve, baselineTreeKernels(), labelled, 20, workspace, pose);
    }
    started = fitFrame(f, pose);
    if (!started) continue;
    for (std::size_t m = 0; m < markers; ++m) {
      places[m] = markerPosition(subject.markers[m], workspace.world_from_joint);
    }
    for (std::size_t m = 0; m < markers; ++m) {
      if (path_of[f * markers + m] < 0) continue;
      Path& path = pathAt(f, m);
      ++path.count;
      for (std::size_t k = 0; k < markers; ++k) {
        const glm::dvec3 off = glm::dvec3(clip.at(f, m)) - places[k];
        path.squares[k] += glm::dot(off, off);
      }
    }
  }
}

// True if during most of the path another one holds the name and fits it.
bool NameCheck::isTaken(const Path& path, std::size_t name) const {
  const std::size_t markers = clip.names.size();
  std::size_t taken = 0;
  for (std::size_t f = path.first; f <= path.last; ++f) {
    for (std::size_t m = 0; m < markers; ++m) {
      const std::int32_t other = path_of[f * markers + m];
      if (other < 0 || m == path.marker) continue;
      const Path& holder = paths[static_cast<std::size_t>(other)];
      if (holder.really != name || holder.count == 0) continue;
      taken += holder.rmsTo(name) < settings.stray;
    }
  }
  return 2 * taken > path.last - path.first + 1;
}

// Gives paths the names of the places that they keep to; false if all have theirs.
bool NameCheck::rename() {
  bool changed = false;
  for (Path& path : paths) {
    if (path.count < settings.fewest || path.rmsTo(path.really) < settings.stray) continue;
    const auto nearest = std::min_element(path.squares.begin(), path.squares.end());
    const auto name = static_cast<std::size_t>(nearest - path.squares.begin());
    if (name == path.really || path.rmsTo(name) > settings.home) continue;
    if (path.rmsTo(name) > settings.clear_share * path.rmsTo(path.really)) continue;
    if (isTaken(path, name)) continue;
    path.really = name;
    changed = true;
  }
  return changed;
}

}  // namespace

RecordedNames checkRecordedNames(const file::MarkerClip& clip, const NameCheckSettings& settings,
                                 const subject::Subject& subject) {
  assert(clip.names.size() == subject.markers.size());
  const std::size_t markers = clip.names.size();
  const SolveModel model = makeSolveModel(subject);
  NameCheck check{.clip = clip,
                  .settings = settings,
                  .subject = subject,
                  .model = model,
                  .workspace = makeSolveWorkspace(model, subject)};
  check.splitPaths();
  for (int round = 0; round < settings.rounds; ++round) {
    check.measure();
    if (!check.rename()) break;
  }
  RecordedNames names;
  names.really.resize(clip.frames * markers);
  for (std::size_t f = 0; f < clip.frames; ++f) {
    for (std::size_t m = 0; m < markers; ++m) {
      const bool seen = check.path_of[f * markers + m] >= 0;
      names.really[f * markers + m] =
          static_cast<std::uint16_t>(seen ? check.pathAt(f, m).really : m);
    }
  }
  for (const Path& path : check.paths) {
    if (path.really == path.marker) continue;
    NameChange* last = names.changes.empty() ? nullptr : &names.changes.back();
    if (last && last->marker == path.marker && last->really == path.really &&
        path.first <= last->last_frame + 1) {
      last->last_frame = path.last;
    } else {
      names.changes.push_back({path.first, path.last, path.marker, path.really});
    }
  }
  std::stable_sort(
      names.changes.begin(), names.changes.end(),
      [](const NameChange& a, const NameChange& b) { return a.first_frame < b.first_frame; });
  return names;
}

file::MarkerClip renameMarkers(const file::MarkerClip& clip, const RecordedNames& names) {
  const std::size_t markers = clip.names.size();
  assert(names.really.size() == clip.frames * markers);
  file::MarkerClip renamed = clip;
  const glm::vec3 missing(std::numeric_limits<float>::quiet_NaN(), 0.0f, 0.0f);
  std::fill(renamed.positions.begin(), renamed.positions.end(), missing);
  for (std::size_t f = 0; f < clip.frames; ++f) {
    for (const bool own : {false, true}) {
      for (std::size_t m = 0; m < markers; ++m) {
        const std::size_t really = names.really[f * markers + m];
        if ((really == m) != own || !subject::isSeen(clip.at(f, m))) continue;
        renamed.positions[f * markers + really] = clip.at(f, m);
      }
    }
  }
  return renamed;
}

}  // namespace understudy::solve
