// Unit vectors in two numbers (Meyer et al., "On Floating-Point Normal Vectors", 2010).
vec2 octahedralFromDirection(vec3 d) {
  d /= abs(d.x) + abs(d.y) + abs(d.z);
  const vec2 signs = vec2(d.x >= 0.0 ? 1.0 : -1.0, d.y >= 0.0 ? 1.0 : -1.0);
  return d.z >= 0.0 ? d.xy : (1.0 - abs(d.yx)) * signs;
}

vec3 directionFromOctahedral(vec2 o) {
  vec3 d = vec3(o, 1.0 - abs(o.x) - abs(o.y));
  const float fold = max(-d.z, 0.0);
  d.x += d.x >= 0.0 ? -fold : fold;
  d.y += d.y >= 0.0 ? -fold : fold;
  return normalize(d);
}
