#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "capture/file/c3d.h"
#include "capture/file/marker_clip.h"
#include "engine/core/result.h"

namespace understudy::file {

/// What the caller knows better than the file.
struct MarkerOptions {
  std::optional<double> unit_m;  ///< Metres per file unit (--unit).
  std::optional<char> up;        ///< 'y' or 'z': the file's upward axis (--up).
  bool unlabelled = false;       ///< Where nothing is labelled, unlabelled points are the markers.
};

/// Metres per unit of a name as files write it (mm, cm, m, metres, in, ft); nothing for others.
std::optional<double> unitMetres(std::string_view units);

/// True if loadMarkerClip() can read this kind of file, judged by its extension. Programs answer
/// an unreadable kind with exit code 2 and unreadableMarkerKind().
bool isReadableMarkerKind(const std::filesystem::path& path);

/// The error for a kind that cannot be read; it names the kinds that can.
core::Error unreadableMarkerKind(const std::filesystem::path& path);

/// Reads recorded markers from .c3d or .trc. Unit and upward axis are those of the file where it
/// says them soundly, else they are recognised from the markers; warnings say which. Left out are
/// unlabelled points ("*7"), computed angles, forces, moments, powers, axes of segments and the
/// like, and points never seen. A subject's prefix ("Anna:LFHD") is cut off where only one subject
/// has it.
core::Result<MarkerClip> loadMarkerClip(const std::filesystem::path& path,
                                        const MarkerOptions& options = {});

/// The markers of a C3D file that was read before; `name` stands in messages.
core::Result<MarkerClip> makeMarkerClip(const C3dFile& file, const std::string& name,
                                        const MarkerOptions& options = {});

}  // namespace understudy::file
