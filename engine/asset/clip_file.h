#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "engine/anim/skeleton.h"
#include "engine/core/result.h"

namespace understudy::asset {

/// Where the length of a file's unit is known from.
enum class UnitSource : std::uint8_t { file, flag, recognised };

/// "file", "flag" or "recognised".
std::string_view unitSourceName(UnitSource source);

/// What the caller knows better than the file.
struct ClipOptions {
  std::optional<double> unit_m;  ///< Metres per file unit (--unit).
  std::optional<char> up;        ///< 'y' or 'z': the file's upward axis (--up).
  std::size_t animation = 0;     ///< Which animation of a glTF file.
};

/// A clip in Understudy's frame (right-handed, +Y up, metres) and what was done to bring it there.
/// Conversions and guesses are also in clip.warnings.
struct ClipFile {
  anim::Clip clip;
  double unit_m = 1.0;  ///< Metres per unit of the file.
  UnitSource unit_source = UnitSource::file;
  char up = 'y';     ///< The file's upward axis.
  std::string kind;  ///< "bvh", "amc" or "gltf".
};

/// Metres per unit of the name m, cm, mm or in; nothing for other names.
std::optional<double> unitMetres(std::string_view name);

/// True if loadClip() can read this kind of file, judged by its extension. Programs answer an
/// unreadable kind with exit code 2 and unreadableClipKind().
bool isReadableClipKind(const std::filesystem::path& path);

/// The error for a kind that cannot be read; it names the kinds that can.
core::Error unreadableClipKind(const std::filesystem::path& path);

/// Reads recorded motion: .bvh, .amc (its .asf beside it), .glb, .gltf, .vrm. BVH and AMC say
/// nothing of their unit and axes: these are recognised from the size of the body and from where
/// head and feet are, unless given. glTF is in metres with +Y up; a given unit or axis is obeyed
/// all the same.
core::Result<ClipFile> loadClip(const std::filesystem::path& path, const ClipOptions& options = {});

}  // namespace understudy::asset
