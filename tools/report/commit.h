#pragma once

#include <string>

namespace understudy::report {

/// The commit that is checked out in the repository above this program; empty where there is none,
/// as for an installed program.
std::string checkedOutCommit();

}  // namespace understudy::report
