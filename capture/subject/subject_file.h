#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "capture/subject/subject.h"
#include "engine/core/result.h"

namespace understudy::subject {

/// Fails with one line on the first thing that no subject can mean: no joint, a parent after its
/// child, a repeated name, a joint index out of range, a number that is not finite. `place` starts
/// the line.
core::Result<void> check(const Subject& subject, const std::string& place);

/// Reads a subject from TOML. `kind = "prop"` asks for a prop: it may leave out its [[joint]] and
/// its markers' `joint`, and must pass checkProp. Unknown keys are errors that name the nearest
/// known one; every error starts with `name:`, and with `name:line:` where it has a place.
core::Result<Subject> parseSubject(std::string_view toml, const std::string& name);

/// Reads a subject file; see parseSubject.
core::Result<Subject> loadSubject(const std::filesystem::path& path);

/// The subject as TOML; parseSubject gives back the same numbers to the last bit.
std::string formatSubject(const Subject& subject);

/// Writes the subject as TOML.
core::Result<void> saveSubject(const Subject& subject, const std::filesystem::path& path);

}  // namespace understudy::subject
