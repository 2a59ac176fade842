#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/anim/skeleton.h"
#include "engine/core/result.h"

namespace understudy::asset {

/// Reads the text of a BVH file; `name` stands in messages. Lengths and axes stay those of the
/// file: loadClip() converts them.
///
/// The rest pose is the OFFSETs without rotation. Rotation channels are applied in the order in
/// which they are listed (the first is outermost). Position channels replace the OFFSET, axis by
/// axis; only where the non-root joints of a file move by nearly nothing, as some exporters write
/// it, are they added to it, with a warning. An End Site is no joint and its length is not kept.
/// Names are kept with their namespaces; equal ones get "_2", "_3" with a warning.
///
/// Frame counts that the rows do not bear out, a last frame cut off and a missing frame time are
/// repaired with a warning; anything else that is wrong is an error that names the line.
core::Result<anim::Clip> readBvh(std::string_view text, const std::string& name);

/// Reads a BVH file; see readBvh().
core::Result<anim::Clip> loadBvh(const std::filesystem::path& path);

}  // namespace understudy::asset
