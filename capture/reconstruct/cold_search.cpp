#include "capture/reconstruct/cold_search.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/cold_geometry.h"
#include "capture/reconstruct/cold_ghosts.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {
namespace {

// So many rays do not meet by chance, even while nothing is claimed yet.
int sureSupport(const SearchCold& job) {
  constexpr int kFewest = 5, kShare = 6;
  return std::max(kFewest, static_cast<int>(job.state.cameras.size()) / kShare);
}

// How pairs are searched at present.
struct Turn {
  int least_rays;     // What is taken at once.
  std::size_t views;  // In which near views a candidate is looked for first.
};

// Makes candidates of two cameras' blobs that lie on each other's lines, and tests them.
void testHits(const SearchCold& job, const ColdRig::Pair& pair, std::size_t count,
              const Turn& turn) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdBlobs& blobs = w.blobs;
  const PreparedCamera &a = job.state.cameras[pair.a], &b = job.state.cameras[pair.b];
  const std::size_t first_a = blobs.first[pair.a], first_b = blobs.first[pair.b];
  const auto blob = [&](std::size_t first, std::size_t listed) {
    return ColdBlob{blobs.open_u[first + listed], blobs.open_v[first + listed],
                    blobs.radius_px[first + blobs.open[first + listed]]};
  };
  for (std::size_t h = 0; h < count; ++h) {
    const ColdHit hit = w.hits[h];
    ColdCandidate candidate{.a = pair.a,
                            .b = pair.b,
                            .blob_a = blobs.open[first_a + hit.a],
                            .blob_b = blobs.open[first_b + hit.b],
                            .has_pair = true};
    if (meetingPoint(job.settings, a, blob(first_a, hit.a), b, blob(first_b, hit.b),
                     candidate.position))
      w.tests.fresh.push_back(candidate);
    if (w.tests.fresh.size() == kColdBatch) screenCandidates(job, pair.a, turn.views);
  }
  screenCandidates(job, pair.a, turn.views);
}

constexpr std::size_t kMostHits = 4096;    // Of one go.
constexpr std::uint32_t kTestsOfPair = 8;  // What a pair costs before its first blob.
constexpr std::uint32_t kBlobsPerTest = 16;

// Tests camera a's open blobs from `first` on against camera b's; returns the first that the budget
// did not reach, 0 if it reached all.
std::size_t searchPair(const SearchCold& job, const ColdRig::Pair& pair, std::size_t first,
                       const Turn& turn) {
  constexpr std::size_t kEnoughPending = 8;  // Few are tested together with those of other pairs.
  ColdSearchWorkspace& w = job.workspace;
  job.counters.cold_tests += kTestsOfPair;
  const ColdList a = openBlobs(w.blobs, pair.a), b = openBlobs(w.blobs, pair.b);
  if (a.count == 0 || b.count == 0) return 0;
  const ColdPair geometry = makeColdPair(job.state.cameras[pair.a], job.state.cameras[pair.b]);
  const auto tolerance = static_cast<float>(job.settings.epipolar_tolerance_px);
  const std::uint32_t per_blob = 1 + static_cast<std::uint32_t>(b.count) / kBlobsPerTest;
  // A blob's hits are tested in all near views: the budget is not overrun by many.
  const std::uint32_t with_hits = per_blob + 2 * static_cast<std::uint32_t>(turn.views);
  while (first < a.count) {
    const std::uint32_t left = w.budget - std::min(w.budget, job.counters.cold_tests);
    const std::size_t last = std::min(a.count, first + 1 + left / with_hits);
    std::size_t hits = 0;
    const std::size_t reached = job.kernels.findOnLines(geometry, a, first, last, b, tolerance,
                                                        kMostHits, w.hits.data(), &hits);
    job.counters.cold_tests += static_cast<std::uint32_t>(reached - first) * per_blob;
    first = reached;
    testHits(job, pair, hits, turn);
    if (w.tests.pending.size() >= kEnoughPending) takeCandidates(job, turn.least_rays);
    if (job.counters.cold_tests > w.budget) break;
  }
  return first < a.count ? first : 0;
}

// Tests again what was put off: it has fewer rivals now.
void takePutOff(const SearchCold& job, int least_rays) {
  ColdTests& t = job.workspace.tests;
  for (const ColdCandidate& candidate : t.put_off) {
    if (t.pending.size() < t.pending.capacity()) t.pending.push_back(candidate);
  }
  t.put_off.clear();
  takeCandidates(job, least_rays);
}

// Unclaimed blobs of all cameras.
std::uint32_t countOpen(const SearchCold& job) {
  std::size_t open = 0;
  for (std::size_t c = 0; c < job.state.cameras.size(); ++c)
    open += openBlobs(job.workspace.blobs, c).count;
  return static_cast<std::uint32_t>(open);
}

// Blobs that a whole search made nothing of are mostly the same in the next frame: while there are
// no more than before, a little work per frame goes round all pairs in turn.
bool isQuiet(const ColdSearchState& state, std::uint32_t blobs) {
  return state.searched && blobs <= state.barren_blobs + state.barren_blobs / 4 + 32;
}

void searchPairs(const SearchCold& job, std::uint32_t blobs) {
  constexpr std::uint32_t kQuietTests = 768;
  ColdSearchWorkspace& w = job.workspace;
  ColdSearchState& state = job.state.cold;
  const ColdRig& rig = job.state.cold_rig;
  const bool quiet = isQuiet(state, blobs);
  w.budget = quiet ? std::min(kQuietTests, job.settings.cold_tests) : job.settings.cold_tests;
  const std::size_t pairs = rig.pairs.size();
  const std::size_t start = state.next_pair % pairs;
  const int smallest = job.settings.smallest_cold_rays;
  constexpr std::size_t kFirstViews = 8;
  Turn turn{.least_rays = sureSupport(job), .views = std::min(kFirstViews, rig.near_count)};
  std::size_t tried = 0, rest = 0, end_of_turn = rig.cameras.size();
  bool spent = false;
  while (tried < pairs && !spent) {
    rest =
        searchPair(job, rig.pairs[(start + tried) % pairs], tried == 0 ? state.next_blob : 0, turn);
    spent = job.counters.cold_tests > w.budget;
    tried += rest == 0;  // Else the pair is gone on with in the next frame.
    if (rest != 0 || tried != end_of_turn || turn.least_rays <= smallest + 1) continue;
    // Every camera has had its turn.
    end_of_turn += rig.cameras.size();
    turn = {.least_rays = std::max(turn.least_rays / 2, smallest + 1), .views = rig.near_count};
    takePutOff(job, turn.least_rays);
    mapOpenBlobs(rig, w.blobs);
  }
  takePutOff(job, smallest);
  job.counters.cold_budget_spent = spent && !quiet;
  state.next_blob = static_cast<std::uint32_t>(rest);
  state.next_pair = spent ? static_cast<std::uint32_t>((start + tried) % pairs) : 0;
  // Where something is found there may be more: the next frame is searched whole again.
  if (!w.found.empty()) {
    state.searched = false;
  } else if (!spent) {
    state.searched = true;
    state.barren_blobs = countOpen(job);
  }
}

}  // namespace

ColdSearchWorkspace makeColdSearchWorkspace(const ColdRig& rig) {
  ColdSearchWorkspace w;
  w.blobs = makeColdBlobs(rig);
  w.tests = makeColdTests(rig.cameras.size(), w.blobs.radius_px.size());
  w.hits.resize(kMostHits + kColdBlobs);
  constexpr std::size_t kMostFound = 8192;
  w.found.reserve(kMostFound);
  w.by_x.reserve(kMostFound);
  w.refused.resize(kMostFound);
  return w;
}

void SearchCold::run() const {
  workspace.found.clear();
  workspace.tests.fresh.clear();
  workspace.tests.pending.clear();
  workspace.tests.put_off.clear();
  if (state.cold_rig.pairs.empty()) return;
  const std::uint32_t blobs = fillColdBlobs(state.cold_rig, state.free, workspace.blobs);
  if (static_cast<int>(blobs) < settings.smallest_cold_rays) return;
  searchPairs(*this, blobs);
  refuseGhosts(*this);
}

}  // namespace understudy::reconstruct
