#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "engine/scene/character.h"

namespace understudy::scene {

/// Number of face shapes that phones and head-mounted cameras send.
inline constexpr std::size_t kArkitCount = 52;

/// Their names as Apple's ARFaceAnchor.BlendShapeLocation spells them, in alphabetical order.
const std::array<std::string_view, kArkitCount>& arkitNames();

/// Index in arkitNames(), -1 if the name is none of them. Case, spaces, '_', '-', a prefix up to
/// the last '.' or ':' and the endings "_L" and "_R" for Left and Right are let pass:
/// "Face.eye_blink_L" is eyeBlinkLeft.
int arkitIndex(std::string_view name);

/// The shape that an expression preset of VRM 0 or 1 comes closest to ("blinkLeft", "blink_l",
/// "aa", "a"), -1 if none does. Presets that need several shapes, "happy" or "blink", have none.
int arkitOfVrmExpression(std::string_view preset);

/// The mesh's vertices with each shape added by its weight, then normals and tangents made unit
/// length again: the reference for the GPU. `weights` has one number per Mesh::morphs; missing
/// ones count as 0. Skinning comes afterwards. `vertices` is overwritten; its capacity is kept.
void applyMorphs(const Mesh& mesh, std::span<const float> weights, std::vector<Vertex>& vertices);

/// Weights of a mesh's shapes for the 52 numbers of a face: 0 to 1 each, in the order of
/// arkitNames(). Shapes that are none of the 52 keep their rest weight. `weights` is overwritten.
void morphWeights(const Mesh& mesh, std::span<const float, kArkitCount> face,
                  std::vector<float>& weights);

}  // namespace understudy::scene
