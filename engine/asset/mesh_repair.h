#pragma once

#include "engine/scene/character.h"

namespace understudy::asset {

/// Fills the normals: the mean of the triangles around a vertex, weighted by their area.
void computeNormals(scene::Mesh& mesh);

/// Fills the tangents along rising u from positions, normals and texture coordinates. A vertex
/// whose triangles have no extent in the texture gets any direction across its normal.
void computeTangents(scene::Mesh& mesh);

}  // namespace understudy::asset
