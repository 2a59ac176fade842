// The kernels' one source, compiled twice with different instruction sets. No header but projection_kernels.h, so that no
// inline function exists in two builds.

namespace {

using understudy::reconstruct::ProjectionCamera;

void project(const ProjectionCamera& camera, const double* __restrict x, const double* __restrict y,
             const double* __restrict z, std::size_t count, double* __restrict u, double* __restrict v,
             double* __restrict depth) {
  const double* r = camera.rotation;
  const double* t = camera.translation;
  const double focal = camera.focal_px;
  for (std::size_t i = 0; i < count; ++i) {
    const double cx = r[0] * x[i] + r[1] * y[i] + r[2] * z[i] + t[0];
    const double cy = r[3] * x[i] + r[4] * y[i] + r[5] * z[i] + t[1];
    const double cz = r[6] * x[i] + r[7] * y[i] + r[8] * z[i] + t[2];
    const double scale = focal / cz;
    u[i] = cx * scale;
    v[i] = cy * scale;
    depth[i] = cz;
  }
}

}  // namespace
