#include "capture/subject/pattern_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/subject/clip_geometry.h"
#include "capture/subject/prop.h"

namespace understudy::subject {
namespace {

constexpr std::size_t kMost = kMostPropMarkers;
constexpr double kThinnest = 0.010;  // Flatter triangles place nothing, metres.

/// Markers that move as one.
struct Pattern {
  std::size_t subject = 0;
  int joint = 0;
  std::vector<glm::dvec3> points;
  std::vector<std::size_t> markers;  // Of the subject.

  std::size_t size() const { return points.size(); }
  double apart(std::size_t a, std::size_t b) const { return glm::distance(points[a], points[b]); }
};

/// A turn of one pattern that covers part of another.
struct Cover {
  std::size_t matched = 0;
  double rms = 0;
  std::array<int, kMost> partner{};  // Per point of the first: point of the second, -1 for none.
};

Pattern patternOf(std::span<const Subject> subjects, std::size_t subject, int joint) {
  Pattern pattern{.subject = subject, .joint = joint};
  const std::vector<SubjectMarker>& markers = subjects[subject].markers;
  for (std::size_t m = 0; m < markers.size() && pattern.size() < kMost; ++m) {
    if (markers[m].joint != joint) continue;
    pattern.points.emplace_back(markers[m].offset_joint);
    pattern.markers.push_back(m);
  }
  return pattern;
}

// So many coinciding markers are too many.
std::size_t tooMany(const Pattern& a, const Pattern& b) {
  return std::max<std::size_t>(3, std::min<std::size_t>(4, std::min(a.size(), b.size()) - 1));
}

double heightOf(const Pattern& p, std::size_t a, std::size_t b, std::size_t c) {
  const glm::dvec3 ab = p.points[b] - p.points[a], ac = p.points[c] - p.points[a];
  const double longest = std::max({glm::length(ab), glm::length(ac), p.apart(b, c)});
  return glm::length(glm::cross(ab, ac)) / std::max(longest, 1e-9);
}

// One-to-one pairs of points within reach of each other, the nearest first.
void pairUp(const Pattern& a, const Pattern& b, const math::RigidTransformd& b_from_a, double reach,
            Cover& cover) {
  struct Pair {
    double distance;
    std::size_t from, to;
  };
  std::array<Pair, kMost * kMost> pairs;
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const glm::dvec3 moved = b_from_a * a.points[i];
    for (std::size_t k = 0; k < b.size(); ++k) {
      const double distance = glm::distance(moved, b.points[k]);
      if (distance < reach) pairs[count++] = {distance, i, k};
    }
  }
  std::sort(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(count),
            [](const Pair& x, const Pair& y) { return x.distance < y.distance; });
  cover.partner.fill(-1);
  cover.matched = 0;
  std::array<bool, kMost> taken{};
  double squares = 0.0;
  for (std::size_t p = 0; p < count; ++p) {
    if (cover.partner[pairs[p].from] >= 0 || taken[pairs[p].to]) continue;
    cover.partner[pairs[p].from] = static_cast<int>(pairs[p].to);
    taken[pairs[p].to] = true;
    squares += pairs[p].distance * pairs[p].distance;
    ++cover.matched;
  }
  cover.rms = std::sqrt(squares / static_cast<double>(std::max<std::size_t>(cover.matched, 1)));
}

math::RigidTransformd fitPairs(const Pattern& a, const Pattern& b, const Cover& cover) {
  std::array<glm::dvec3, kMost> from, to;
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (cover.partner[i] < 0) continue;
    from[count] = a.points[i];
    to[count++] = b.points[static_cast<std::size_t>(cover.partner[i])];
  }
  return fitRigid({from.data(), count}, {to.data(), count});
}

// The cover that grows from three pairs.
Cover grow(const Pattern& a, const Pattern& b, Cover cover, double tolerance) {
  for (int pass = 0; pass < 3; ++pass) {
    pairUp(a, b, fitPairs(a, b, cover), 2.0 * tolerance, cover);
    if (cover.matched < 3) break;
  }
  return cover;
}

bool isIdentity(const Cover& cover, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (cover.partner[i] >= 0 && cover.partner[i] != static_cast<int>(i)) return false;
  }
  return true;
}

// Calls `visit` with three point numbers of b for each turn of three points of a that fits b.
template <class Visit>
void forEachFittingTriple(const Pattern& a, const Pattern& b, double tolerance,
                          const Visit& visit) {
  const double slack = 2.0 * tolerance;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = i + 1; j < a.size(); ++j) {
      for (std::size_t p = 0; p < b.size(); ++p) {
        for (std::size_t q = 0; q < b.size(); ++q) {
          if (p == q || std::abs(a.apart(i, j) - b.apart(p, q)) > slack) continue;
          for (std::size_t k = j + 1; k < a.size(); ++k) {
            if (heightOf(a, i, j, k) < kThinnest) continue;
            for (std::size_t r = 0; r < b.size(); ++r) {
              if (r == p || r == q || std::abs(a.apart(i, k) - b.apart(p, r)) > slack ||
                  std::abs(a.apart(j, k) - b.apart(q, r)) > slack) {
                continue;
              }
              if (!visit(std::array{i, j, k}, std::array{p, q, r})) return;
            }
          }
        }
      }
    }
  }
}

// The cover with the most pairs that are too many; none matched where there is no such.
Cover largestCover(const Pattern& a, const Pattern& b, bool itself, double tolerance) {
  Cover best;
  const std::size_t needed = tooMany(a, b), most = std::min(a.size(), b.size());
  forEachFittingTriple(
      a, b, tolerance,
      [&](const std::array<std::size_t, 3>& from, const std::array<std::size_t, 3>& to) {
        if (itself && from == to) return true;
        Cover start;
        start.partner.fill(-1);
        for (std::size_t t = 0; t < 3; ++t) start.partner[from[t]] = static_cast<int>(to[t]);
        const Cover cover = grow(a, b, start, tolerance);
        if (cover.matched < needed || cover.rms > tolerance) return true;
        if (itself && isIdentity(cover, a.size())) return true;
        if (cover.matched > best.matched ||
            (cover.matched == best.matched && cover.rms < best.rms)) {
          best = cover;
        }
        return best.matched < most;
      });
  return best;
}

// Moves markers of the first pattern one after the other, each by the step that leaves the smallest
// cover, until none is left.
std::vector<MarkerMove> findRemedy(Pattern a, const Pattern& b, bool itself, Cover cover,
                                   double tolerance) {
  std::vector<MarkerMove> moves;
  std::vector<bool> moved(a.size(), false);
  while (cover.matched > 0 && moves.size() < a.size()) {
    Cover least = cover;
    std::size_t mover = a.size();
    glm::dvec3 target(0.0);
    double length = 0.0;
    for (std::size_t i = 0; i < a.size() && least.matched > 0; ++i) {
      if (moved[i] || cover.partner[i] < 0) continue;
      for (int direction = 0; direction < 6 && least.matched > 0; ++direction) {
        Pattern trial = a;
        const double step = 4.0 * tolerance;
        trial.points[i][direction / 2] += direction % 2 == 0 ? step : -step;
        const Cover left = largestCover(trial, itself ? trial : b, itself, tolerance);
        if (left.matched >= least.matched) continue;
        least = left;
        mover = i;
        target = trial.points[i];
        length = step;
      }
    }
    if (mover == a.size()) return {};
    a.points[mover] = target;
    moved[mover] = true;
    moves.push_back({a.markers[mover], length});
    cover = least;
  }
  return cover.matched == 0 ? moves : std::vector<MarkerMove>{};
}

// What a prop can be confused with: itself, later props, segments of performers.
std::vector<Pattern> rivalsOf(std::span<const Subject> subjects, std::size_t prop, bool all_props) {
  std::vector<Pattern> rivals;
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    if (isProp(subjects[s])) {
      if (s >= prop || all_props) rivals.push_back(patternOf(subjects, s, 0));
      continue;
    }
    for (std::size_t joint = 0; joint < subjects[s].skeleton.size(); ++joint) {
      rivals.push_back(patternOf(subjects, s, static_cast<int>(joint)));
    }
  }
  std::erase_if(rivals, [](const Pattern& p) { return p.size() < kFewestPropMarkers; });
  return rivals;
}

std::string quotedMarkers(const Subject& subject, const std::vector<MarkerMove>& moves) {
  std::string text;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    text += i == 0 ? "" : i + 1 == moves.size() ? " and " : ", ";
    text += "'" + subject.markers[moves[i].marker].name + "'";
  }
  return text;
}

}  // namespace

std::vector<PatternConfusion> findConfusions(std::span<const Subject> subjects,
                                             const PatternCheckSettings& settings) {
  std::vector<PatternConfusion> found;
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    if (!isProp(subjects[s])) continue;
    const Pattern prop = patternOf(subjects, s, 0);
    if (prop.size() < kFewestPropMarkers) continue;
    for (const Pattern& rival : rivalsOf(subjects, s, false)) {
      const bool itself = rival.subject == s;
      const Cover cover = largestCover(prop, rival, itself, settings.tolerance);
      if (cover.matched == 0) continue;
      found.push_back({.first = s,
                       .second = rival.subject,
                       .second_joint = rival.joint,
                       .matched = cover.matched,
                       .of = std::min(prop.size(), rival.size()),
                       .rms = cover.rms,
                       .remedy = findRemedy(prop, rival, itself, cover, settings.tolerance)});
    }
  }
  return found;
}

bool canBeConfused(std::span<const Subject> subjects, std::size_t which,
                   const PatternCheckSettings& settings) {
  const Pattern prop = patternOf(subjects, which, 0);
  if (!isProp(subjects[which]) || prop.size() < kFewestPropMarkers) return false;
  const std::vector<Pattern> rivals = rivalsOf(subjects, which, true);
  return std::any_of(rivals.begin(), rivals.end(), [&](const Pattern& rival) {
    return largestCover(prop, rival, rival.subject == which, settings.tolerance).matched > 0;
  });
}

std::string describe(std::span<const Subject> subjects, const PatternConfusion& confusion) {
  const Subject &first = subjects[confusion.first], &second = subjects[confusion.second];
  std::string who;
  if (confusion.first == confusion.second) {
    who = fmt::format("prop '{}' looks the same when turned", first.name);
  } else if (isProp(second)) {
    who = fmt::format("props '{}' and '{}' can be confused", first.name, second.name);
  } else {
    who = fmt::format("prop '{}' can be confused with segment '{}' of '{}'", first.name,
                      second.skeleton.names[static_cast<std::size_t>(confusion.second_joint)],
                      second.name);
  }
  const std::string remedy =
      confusion.remedy.empty()
          ? fmt::format("give '{}' another pattern", first.name)
          : fmt::format("move marker{} {} by {:.0f} mm{}", confusion.remedy.size() == 1 ? "" : "s",
                        quotedMarkers(first, confusion.remedy),
                        1000.0 * confusion.remedy.front().distance,
                        confusion.remedy.size() == 1 ? "" : " each");
  return fmt::format("{}: {} of {} markers coincide within {:.1f} mm: {}", who, confusion.matched,
                     confusion.of, 1000.0 * confusion.rms, remedy);
}

std::vector<std::string> confusionWarnings(std::span<const Subject> subjects) {
  std::vector<std::string> lines;
  for (const PatternConfusion& confusion : findConfusions(subjects, {})) {
    lines.push_back("warning: " + describe(subjects, confusion));
  }
  return lines;
}

}  // namespace understudy::subject
