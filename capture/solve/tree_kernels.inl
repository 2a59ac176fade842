// The kernels' one source, compiled twice with different instruction sets. No header but tree_kernels.h, so that no
// inline function exists in two builds.

namespace {

using understudy::solve::MarkerTerm;
using understudy::solve::TreeSystem;

// Index of (row, column), row >= column, in a packed lower triangle.
constexpr std::size_t packed(std::size_t row, std::size_t column) { return row * (row + 1) / 2 + column; }

void addMarkers(const TreeSystem& system, const MarkerTerm* markers, std::size_t count) {
  for (std::size_t m = 0; m < count; ++m) {
    const MarkerTerm& marker = markers[m];
    const double x = marker.position[0], y = marker.position[1], z = marker.position[2];
    const double xx = marker.information[0], xy = marker.information[1], xz = marker.information[2];
    const double yy = marker.information[3], yz = marker.information[4], zz = marker.information[5];
    // The point moves by v + w x p = [-[p]x, I] (w, v); C = [p]x W is the coupling block.
    const double c[3][3] = {{y * xz - z * xy, y * yz - z * yy, y * zz - z * yz},
                            {z * xx - x * xz, z * xy - x * yz, z * xz - x * zz},
                            {x * xy - y * xx, x * yy - y * xy, x * yz - y * xz}};
    double* moment = system.moments + 21 * static_cast<std::size_t>(marker.joint);
    // Rotation block [p]x W [p]x^T, lower triangle: row i is (p x c_i) with c_i row i of C.
    const double rotation[3][3] = {
        {y * c[0][2] - z * c[0][1], 0, 0},
        {y * c[1][2] - z * c[1][1], z * c[1][0] - x * c[1][2], 0},
        {y * c[2][2] - z * c[2][1], z * c[2][0] - x * c[2][2], x * c[2][1] - y * c[2][0]}};
    moment[packed(0, 0)] += rotation[0][0];
    moment[packed(1, 0)] += rotation[1][0];
    moment[packed(1, 1)] += rotation[1][1];
    moment[packed(2, 0)] += rotation[2][0];
    moment[packed(2, 1)] += rotation[2][1];
    moment[packed(2, 2)] += rotation[2][2];
    for (std::size_t column = 0; column < 3; ++column) {  // Lower left block is C^T.
      moment[packed(3, column)] += c[column][0];
      moment[packed(4, column)] += c[column][1];
      moment[packed(5, column)] += c[column][2];
    }
    moment[packed(3, 3)] += xx;
    moment[packed(4, 3)] += xy;
    moment[packed(4, 4)] += yy;
    moment[packed(5, 3)] += xz;
    moment[packed(5, 4)] += yz;
    moment[packed(5, 5)] += zz;
    const double* r = marker.residual;
    const double force[3] = {xx * r[0] + xy * r[1] + xz * r[2], xy * r[0] + yy * r[1] + yz * r[2],
                             xz * r[0] + yz * r[1] + zz * r[2]};
    double* sum = system.forces + 6 * static_cast<std::size_t>(marker.joint);
    sum[0] += y * force[2] - z * force[1];
    sum[1] += z * force[0] - x * force[2];
    sum[2] += x * force[1] - y * force[0];
    sum[3] += force[0];
    sum[4] += force[1];
    sum[5] += force[2];
  }
}

double dot6(const double* a, const double* b) {
  return ((a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3])) + (a[4] * b[4] + a[5] * b[5]);
}

void project(const TreeSystem& system) {
  for (std::size_t joint = system.joints; joint-- > 1;) {
    const std::int32_t parent = system.joint_parent[joint];
    if (parent < 0) continue;
    const double* moment = system.moments + 21 * joint;
    double* parent_moment = system.moments + 21 * static_cast<std::size_t>(parent);
    for (int k = 0; k < 21; ++k) parent_moment[k] += moment[k];
    const double* force = system.forces + 6 * joint;
    double* parent_force = system.forces + 6 * static_cast<std::size_t>(parent);
    for (int k = 0; k < 6; ++k) parent_force[k] += force[k];
  }
  for (std::size_t i = 0; i < system.freedoms; ++i) {
    const std::size_t joint = static_cast<std::size_t>(system.freedom_joint[i]);
    const double* moment = system.moments + 21 * joint;
    const double* axis = system.axes + 6 * i;
    double force[6];
    for (std::size_t r = 0; r < 6; ++r) {
      double sum = 0.0;
      for (std::size_t c = 0; c < 6; ++c) sum += moment[r >= c ? packed(r, c) : packed(c, r)] * axis[c];
      force[r] = sum;
    }
    double* row = system.matrix + system.row[i];
    std::int32_t other = static_cast<std::int32_t>(i);
    for (std::int32_t d = system.depth[i]; d >= 0; --d) {
      row[d] = dot6(force, system.axes + 6 * static_cast<std::size_t>(other));
      other = system.freedom_parent[other];
    }
    system.gradient[i] = dot6(axis, system.forces + 6 * joint);
  }
}

void factorAndSolve(const TreeSystem& system) {
  double* x = system.gradient;
  for (std::size_t k = system.freedoms; k-- > 0;) {
    double* row = system.matrix + system.row[k];
    const std::int32_t depth = system.depth[k];
    const double inverse = 1.0 / row[depth];
    std::int32_t ancestor = system.freedom_parent[k];
    for (std::int32_t d = depth - 1; d >= 0; --d) {
      const double factor = row[d] * inverse;
      double* other = system.matrix + system.row[ancestor];
      for (std::int32_t e = 0; e <= d; ++e) other[e] -= factor * row[e];
      x[ancestor] -= factor * x[k];
      row[d] = factor;
      ancestor = system.freedom_parent[ancestor];
    }
  }
  for (std::size_t k = 0; k < system.freedoms; ++k) {
    const double* row = system.matrix + system.row[k];
    const std::int32_t depth = system.depth[k];
    double value = x[k] / row[depth];
    std::int32_t ancestor = system.freedom_parent[k];
    for (std::int32_t d = depth - 1; d >= 0; --d) {
      value -= row[d] * x[ancestor];
      ancestor = system.freedom_parent[ancestor];
    }
    x[k] = value;
  }
}

}  // namespace
