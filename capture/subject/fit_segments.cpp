#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "capture/subject/fit_body.h"

namespace understudy::subject {
namespace {

using Group = std::vector<std::size_t>;  // Markers, ascending.

// A pair of markers and how loosely they hang together.
struct Link {
  float looseness;
  std::size_t a, b;

  bool operator<(const Link& other) const {
    if (looseness != other.looseness) return looseness < other.looseness;
    return a != other.a ? a < other.a : b < other.b;
  }
};

// Far pairs of a stiff body say less than near ones.
float looseness(const DistanceTable& table, std::size_t a, std::size_t b) {
  return table.deviationOf(a, b) + 0.05f * table.meanOf(a, b);
}

std::vector<Link> sortedLinks(const DistanceTable& table) {
  std::vector<Link> links;
  for (std::size_t a = 0; a < table.markers; ++a) {
    for (std::size_t b = a + 1; b < table.markers; ++b) {
      links.push_back({looseness(table, a, b), a, b});
    }
  }
  std::sort(links.begin(), links.end());
  return links;
}

bool moveAsOne(const FitInput& input, const Group& first, const Group& second) {
  for (const std::size_t a : first) {
    for (const std::size_t b : second) {
      if (static_cast<double>(input.table.deviationOf(a, b)) > input.settings.rigid) return false;
      if (static_cast<double>(input.table.meanOf(a, b)) > input.settings.widest) return false;
    }
  }
  return true;
}

// Complete-link clustering (Sorensen, 1948), tightest pairs first.
std::vector<Group> groupMarkers(const FitInput& input, const std::vector<Link>& links) {
  const std::size_t n = input.table.markers;
  std::vector<Group> groups(n);
  std::vector<std::size_t> group_of(n);
  for (std::size_t m = 0; m < n; ++m) {
    groups[m] = {m};
    group_of[m] = m;
  }
  for (const Link& link : links) {
    const std::size_t a = group_of[link.a], b = group_of[link.b];
    if (a == b || !moveAsOne(input, groups[a], groups[b])) continue;
    Group& kept = groups[std::min(a, b)];
    Group& joined = groups[std::max(a, b)];
    for (const std::size_t m : joined) group_of[m] = std::min(a, b);
    kept.insert(kept.end(), joined.begin(), joined.end());
    std::sort(kept.begin(), kept.end());
    joined.clear();
  }
  std::erase_if(groups, [](const Group& group) { return group.empty(); });
  return groups;
}

// Twice the area of the widest triangle: how well the group shows how it is turned.
double spreadOf(const Group& group, const std::vector<glm::dvec3>& places) {
  double widest = 0.0;
  const std::size_t count = std::min<std::size_t>(group.size(), 16);
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = a + 1; b < count; ++b) {
      for (std::size_t c = b + 1; c < count; ++c) {
        const glm::dvec3 &p = places[group[a]], &q = places[group[b]], &r = places[group[c]];
        widest = std::max(widest, glm::length(glm::cross(q - p, r - p)));
      }
    }
  }
  return widest;
}

// A group in the tree: what it hangs on, and by which markers.
struct Branch {
  std::size_t group = 0;
  int parent = anim::kNoParent;  // Index of the branch.
  Link link{};
};

// Minimum spanning tree (Prim, 1957) from the group that shows best how it is turned.
std::vector<Branch> growTree(const std::vector<Group>& groups, const std::vector<Link>& links,
                             const std::vector<glm::dvec3>& places, std::size_t markers) {
  std::vector<std::size_t> group_of(markers);
  std::size_t root = 0;
  double best = -1.0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::size_t m : groups[g]) group_of[m] = g;
    const double merit = spreadOf(groups[g], places) * static_cast<double>(groups[g].size());
    if (merit > best) {
      best = merit;
      root = g;
    }
  }
  std::vector<int> branch_of(groups.size(), -1);
  std::vector<Branch> tree{{root, anim::kNoParent, {}}};
  branch_of[root] = 0;
  while (tree.size() < groups.size()) {
    const auto next = std::find_if(links.begin(), links.end(), [&](const Link& link) {
      return (branch_of[group_of[link.a]] >= 0) != (branch_of[group_of[link.b]] >= 0);
    });
    const bool a_inside = branch_of[group_of[next->a]] >= 0;
    const std::size_t inside = a_inside ? next->a : next->b, outside = a_inside ? next->b : next->a;
    branch_of[group_of[outside]] = static_cast<int>(tree.size());
    tree.push_back(
        {group_of[outside], branch_of[group_of[inside]], {next->looseness, inside, outside}});
  }
  return tree;
}

// The most complete frame; of several, the one whose distances are nearest to their means.
std::size_t chooseFrame(const FitInput& input) {
  const DistanceTable& table = input.table;
  std::size_t best = input.frames.front(), most = 0;
  double best_stray = 1e300;
  for (const std::size_t f : input.frames) {
    std::size_t seen = 0, pairs = 0;
    double stray = 0.0;
    for (std::size_t a = 0; a < table.markers; ++a) {
      if (!isSeen(input.clip.at(f, a))) continue;
      ++seen;
      for (std::size_t b = a + 1; b < table.markers; ++b) {
        if (!isSeen(input.clip.at(f, b))) continue;
        const float off =
            glm::distance(input.clip.at(f, a), input.clip.at(f, b)) - table.meanOf(a, b);
        stray += static_cast<double>(off * off);
        ++pairs;
      }
    }
    stray /= static_cast<double>(std::max<std::size_t>(pairs, 1));
    if (seen < most || (seen == most && stray >= best_stray)) continue;
    best = f;
    most = seen;
    best_stray = stray;
  }
  return best;
}

// How a group moved from its places to a frame; false where too few of it are seen.
bool follow(const FitInput& input, const Group& group, const std::vector<glm::dvec3>& places,
            std::size_t frame, math::RigidTransformd& frame_from_place) {
  std::vector<glm::dvec3> from, to;
  for (const std::size_t m : group) {
    if (!isSeen(input.clip.at(frame, m))) continue;
    from.push_back(places[m]);
    to.emplace_back(input.clip.at(frame, m));
  }
  if (from.size() < 3) return false;
  frame_from_place = fitRigid(from, to);
  return true;
}

// The point that two groups turn about, as both of them carry it: least squares over the frames,
// near `start` where their turns leave it open (Ehrig, Taylor, Duda and Heller, "A survey of formal
// methods for determining the centre of rotation of ball joints", J. Biomechanics 39 (2006), with
// one point for both sides).
glm::dvec3 findPivot(const FitInput& input, const Group& parent, const Group& child,
                     const std::vector<glm::dvec3>& places, const glm::dvec3& start) {
  glm::dmat3 matrix(0.0);
  glm::dvec3 right(0.0);
  double count = 0.0;
  for (const std::size_t f : input.frames) {
    math::RigidTransformd a, b;
    if (!follow(input, parent, places, f, a) || !follow(input, child, places, f, b)) continue;
    const glm::dmat3 turn = glm::mat3_cast(a.rotation) - glm::mat3_cast(b.rotation);
    matrix += glm::transpose(turn) * turn;
    right += glm::transpose(turn) * ((b * start) - (a * start));
    count += 1.0;
  }
  if (count == 0.0) return start;
  constexpr double kOpen = 0.005;
  for (int k = 0; k < 3; ++k) matrix[k][k] += kOpen * count;
  const glm::dvec3 shift = glm::inverse(matrix) * right;
  constexpr double kFarthest = 0.3;  // Metres; beyond, the groups do not hang together.
  return glm::length(shift) < kFarthest ? start + shift : start;
}

}  // namespace

StaticFit fitSegments(const FitInput& input) {
  StaticFit fit{.subject = {}, .kind = StaticFitKind::segments, .frame = chooseFrame(input)};
  std::size_t guessed = 0;
  const std::vector<glm::dvec3> places =
      completeFrame(input.clip, fit.frame, input.frames, input.table, guessed);
  const std::vector<Link> links = sortedLinks(input.table);
  const std::vector<Group> groups = groupMarkers(input, links);
  const std::vector<Branch> tree = growTree(groups, links, places, input.table.markers);

  Subject& subject = fit.subject;
  subject.name = input.settings.name;
  subject.humanoid.joint.fill(-1);
  subject.markers.resize(places.size());
  std::vector<glm::dvec3> origins;
  std::size_t singles = 0;
  for (std::size_t j = 0; j < tree.size(); ++j) {
    const Branch& branch = tree[j];
    const Group& group = groups[branch.group];
    glm::dvec3 origin(0.0);
    for (const std::size_t m : group) origin += places[m] / static_cast<double>(group.size());
    // Groups turn about where they touch.
    if (branch.parent >= 0 && group.size() > 1) {
      origin = findPivot(input, groups[tree[static_cast<std::size_t>(branch.parent)].group], group,
                         places, 0.5 * (places[branch.link.a] + places[branch.link.b]));
    }
    origins.push_back(origin);
    singles += group.size() == 1;
    const glm::dvec3 parent =
        branch.parent < 0 ? glm::dvec3(0.0) : origins[static_cast<std::size_t>(branch.parent)];
    subject.skeleton.names.push_back(fmt::format("segment_{}", j + 1));
    subject.skeleton.parents.push_back(branch.parent);
    subject.skeleton.parent_from_joint.push_back(
        {glm::quat(1.0f, 0.0f, 0.0f, 0.0f), glm::vec3(origin - parent)});
    subject.joints.push_back({.motion = JointMotion::free});
    subject.humanoid.unmapped.push_back(static_cast<int>(j));
    for (const std::size_t m : group) {
      subject.markers[m] = {input.clip.names[m], static_cast<int>(j),
                            glm::vec3(places[m] - origin)};
    }
  }
  fit.warnings.push_back(
      fmt::format("no known body set: {} markers make {} segments, {} of one marker, at frame {}; "
                  "no character can be driven",
                  places.size(), tree.size(), singles, fit.frame + 1));
  if (guessed > 0) {
    fit.warnings.push_back(
        fmt::format("{} markers are missing at that frame; put where others say", guessed));
  }
  constexpr double kLeastSpread = 2e-4;
  if (spreadOf(groups[tree[0].group], places) < kLeastSpread) {
    fit.warnings.push_back(
        "no segment has three markers off a line: the subject cannot be recognised by shape");
  }
  return fit;
}

}  // namespace understudy::subject
