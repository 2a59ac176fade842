#pragma once

namespace understudy::reconstruct {

struct SearchCold;

/// Appends to the job's cloud what the search found and what is a marker of its own: neither the
/// common image of two others nor one of them a second time. Markers that the cloud holds already,
/// the predicted ones, bear witness too.
void refuseGhosts(const SearchCold& job);

}  // namespace understudy::reconstruct
