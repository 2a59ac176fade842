#pragma once

#include <cstddef>

#include "engine/anim/skeleton.h"
#include "engine/asset/gltf_model.h"
#include "engine/core/result.h"

namespace understudy::asset {

/// One animation of a glTF file as a clip over the same joints that loadCharacter() makes of it
/// (without the joints that it may add at the end). Sampled at the keys' own rate where they are
/// even, else at 120 Hz, from the first key to the last. A file without animations gives its rest
/// pose as one frame, with a warning.
core::Result<anim::Clip> makeGltfClip(const GltfModel& gltf, std::size_t animation);

}  // namespace understudy::asset
