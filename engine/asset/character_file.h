#pragma once

#include <filesystem>
#include <string>

#include "engine/core/result.h"
#include "engine/scene/character.h"

namespace understudy::asset {

/// True if loadCharacter() can read this kind of file, judged by its extension. Programs answer an
/// unreadable kind with exit code 2 and unreadableCharacterKind().
bool isReadableCharacterKind(const std::filesystem::path& path);

/// The error for a kind that cannot be read; it names the kinds that can.
core::Error unreadableCharacterKind(const std::filesystem::path& path);

/// Reads a character from .glb, .gltf or .vrm.
///
/// The bind pose is the file's rest pose in metres, so that `joint_from_bind` is the inverse of the
/// rest pose wherever the file binds in it. Scale above and in the skeleton is folded: the
/// skeleton is rigid. Each vertex keeps its four largest influences, made to sum to 1. Missing
/// normals are computed, and tangents where a normal map needs them. Quantised attributes and
/// EXT_meshopt_compression are unpacked. Morph targets are read (see scene/morph.h); vertex
/// colours, points and lines are not, nor KTX2 pictures: a warning says so.
core::Result<scene::Character> loadCharacter(const std::filesystem::path& path);

/// The same from the bytes of a .glb or .gltf; external files are looked for in `folder`.
core::Result<scene::Character> readCharacter(std::string bytes, const std::string& name,
                                             const std::string& folder = ".");

}  // namespace understudy::asset
