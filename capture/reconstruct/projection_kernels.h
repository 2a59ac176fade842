#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy::reconstruct {

/// camera_from_world as rows of a matrix, and the focal length of the ideal image.
struct ProjectionCamera {
  double rotation[9];
  double translation[3];
  double focal_px;
};

/// Most terms of the radial polynomial that undistorts.
inline constexpr int kLensTerms = 7;

/// A camera as the kernels see it, in float. Image positions are in the ideal plane: undistorted,
/// px, about the principal point.
struct ViewCamera {
  float centre[3] = {};                                    ///< World.
  float rotation[9] = {};                                  ///< Of camera_from_world, row by row.
  float focal_px = 0;                                      ///< Of the ideal plane.
  float least_u = 0, most_u = 0, least_v = 0, most_v = 0;  ///< Where its centroids can lie.
  float width_px = 0, height_px = 0;                       ///< Of the sensor.
  float centre_x_px = 0, centre_y_px = 0;                  ///< Principal point.
  float inverse_fx = 0, inverse_fy = 0;                    ///< Per px.
  float k1 = 0, k2 = 0, k3 = 0, p1 = 0, p2 = 0;            ///< Of math::Lens.
  float radial[kLensTerms] = {};  ///< Undistorted over distorted radius, terms of its square.
  std::int32_t newton_steps = 0;  ///< That bring the polynomial's result to 0.001 px.
};

/// Whole-number positions in a camera's ideal image, in quanta of 1 / `quanta_per_px` px, at most
/// kMostQuanta. A place is u in the lower and v in the upper 16 bits.
struct PlaceGrid {
  float quanta_per_px = 0;
  float least_u = 0, least_v = 0;
};

/// Far enough below 2^15 that no difference of two places overflows 16 bits in both its parts.
inline constexpr std::int32_t kMostQuanta = 30000;
/// The place of nothing: no gate reaches it, be it 200 px wide.
inline constexpr std::int32_t kNoPlace = -(1700 << 16) - 1700;
/// Gates are taken for so much wider that rounding loses nobody.
inline constexpr std::int32_t kRounding = 2;

inline constexpr float kQuantaPerPx = 7.0f;

/// Who has whom; arrays of the caller, zero before.
struct Claims {
  std::uint16_t* of_prediction;  ///< Index of its centroid + 1.
  std::uint16_t* of_centroid;    ///< Index of its prediction + 1, or kDisputed.
  std::uint16_t* queue;          ///< Centroids that are disputed.
};
inline constexpr std::uint16_t kDisputed = 0xffff;

/// Most centroids of one camera that are used; more are cut and counted by the assembly.
inline constexpr std::size_t kMaxCentroids = 2048;

/// Who had a camera's centroids in the frame before, as its packet had them, and who wanted them.
/// Most cameras read their sensor row by row, so that the order hardly changes.
struct Followed {
  const std::uint16_t* owners;  ///< As Claims::of_centroid had them.
  std::size_t count;
  std::size_t predictions;         ///< There are so many.
  const std::uint16_t* contender;  ///< Predictions that wanted another's centroid,
  const std::uint16_t* contended;  ///< and which.
  std::size_t contenders;
  /// Of those without a centroid, who is to look at all, from 0 to kTurns - 1.
  std::size_t turn;
  /// Scratch: entries for all owners, and two per prediction.
  std::uint16_t *doubtful, *doubtful_from;
};
/// In so many frames every prediction has its turn.
inline constexpr std::size_t kTurns = 4;
/// How many centroids about its place in the order a prediction looks at; four times so many places
/// of nothing stand behind the last centroid's.
inline constexpr int kPlacesInSight = 16;
inline constexpr std::size_t kMostRows = kMaxCentroids / kPlacesInSight;  ///< Of so many.
/// Bands of the image, in quanta: some 36 px of most cameras.
inline constexpr std::size_t kBandHeight = 256;
inline constexpr std::size_t kBands = 32768 / kBandHeight;

/// Centroids that nobody followed, with their places.
struct Unclaimed {
  const std::uint16_t* list;
  const std::int32_t* place;
  std::size_t count;
  std::uint16_t* near;  ///< Scratch: an entry per prediction.
};

/// What ProjectionKernels::follow put into Claims::queue; false if the order is another.
struct Follow {
  std::size_t queued;
  bool in_order;
};

/// Numbers of centroids that ProjectionKernels::lookUp put into Claims::queue, and left.
struct Seen {
  std::size_t queued, left;
};

/// A blob with a greater elongation may be two; noise alone makes few discs so long.
inline constexpr float kLongBlob = 1.2f;

/// How far predictions may be from their centroids, and how near to the camera.
struct ViewGates {
  float smallest_px = 0, largest_px = 0;
  float nearest = 0;  ///< Depth, metres.
};

/// What a camera measures of a marker: a centroid, or a share in one.
struct Ray {
  float u = 0, v = 0;          ///< Ideal plane, px.
  float weight = 0;            ///< kReferenceSigma_px^2 over its variance; 0: none, or refused.
  std::uint32_t centroid = 0;  ///< Index in the camera's packet.
};

/// Sums of a marker's normal equations about its prediction, in this order: information (xx, xy,
/// xz, yy, yz, zz), gradient (x, y, z), squared residual, weight, number of rays. They are fixed
/// point, the same whatever the order: every ray's terms are whole numbers below 2^27, of which
/// kCamerasPerFlush fit 32 bits; these sums are then added to doubles, which add up whole numbers
/// below 2^53 without rounding, as 64-bit integers would. Eight predictions stand together: sum k
/// of prediction p is entry (p / 8 * kSumsPerMarker + k) * 8 + p % 8.
inline constexpr std::size_t kSumsPerMarker = 12;
inline constexpr std::uint32_t kCamerasPerFlush = 16;
inline constexpr float kInformationScale = 8.0f;   ///< Per px^2/m^2.
inline constexpr float kGradientScale = 128.0f;    ///< Per px^2/m.
inline constexpr float kResidualScale = 65536.0f;  ///< Per px^2.
inline constexpr float kWeightScale = 65536.0f;
inline constexpr float kLargestTerm = 1.3e8f;
/// A ray's weight is cut so that its information stays below this, px^2/m^2, and itself below
/// kLargestWeight.
inline constexpr float kLargestInformation = 1.6e7f;
inline constexpr float kLargestWeight = 1000.0f;

/// Standard deviation of a centroid that has weight 1, px.
inline constexpr float kReferenceSigma_px = 0.1f;

/// Images of the predictions in one camera; arrays by index of prediction.
struct PredictedViews {
  float* u;  ///< Ideal plane, px.
  float* v;
  float* scale;         ///< Focal length over depth, px/m.
  float* gate_px;       ///< How far its centroid may be; 0: not in view.
  std::int32_t* place;  ///< See PlaceGrid.
  std::int32_t* reach;  ///< Squared quanta below which its centroid is; 0: not to be looked for.
  float quanta_per_px;  ///< Of the PlaceGrid.
};

/// Centroids of one camera; arrays by index in the packet.
struct UndistortedCentroids {
  Ray* rays;     ///< Weight 0: no sensor measures there, to be left alone.
  float* slack;  ///< How much further a long blob may be from its predictions, px; 0 of others.
  std::int32_t* place;  ///< See PlaceGrid; kNoPlace if it is not to be looked up, and
                        ///< kPlacesInSight times before the first.
};

/// Solutions of the normal equations of all predictions, arrays by index of prediction.
struct PredictedSolutions {
  float* step[3];      ///< From the prediction, metres.
  float* inverse[6];   ///< Of the information: xx, xy, xz, yy, yz, zz; m^2/px^2 at weight 1.
  float* squared_px;   ///< Weighted sum of squared residuals at the solution, at weight 1.
  float* residual_px;  ///< Root of their mean.
  float* rays;         ///< Number.
  float* spread;       ///< Determinant over the cube of half the trace of the information, 0..0.3;
                       ///< 0 where the equations are singular.
  float* root_spread;  ///< Its root.
};

/// The numeric kernels. The two builds give the same bytes; the second needs AVX2. Arrays are
/// padded to a multiple of eight entries, and `count` is a multiple of eight.
struct ProjectionKernels {
  const char* name;
  /// Images of points whose search radius is `reach` metres. What is not finite is not in view.
  /// Returns the widest gate, quanta.
  std::int32_t (*project)(const ViewCamera& camera, const ViewGates& gates, const PlaceGrid& grid,
                          const float* x, const float* y, const float* z, const float* reach,
                          std::size_t count, const PredictedViews& views);
  /// Undistorts centroids, four floats each (x, y, radius, elongation), and finds their places;
  /// long ones have none. `noise` is the camera's centroid variance over the reference's; `first`
  /// is the first one's index.
  void (*undistort)(const ViewCamera& camera, const PlaceGrid& grid, float noise,
                    const float* centroids, std::size_t first, std::size_t count,
                    const UndistortedCentroids& out);
  /// Gives the predictions that are followed the centroid in their gate, where it is the only one
  /// there, and has no owner, of those near its place in the order. Puts the centroids that others
  /// want as well into the queue.
  Follow (*follow)(const Followed& followed, const PredictedViews& views,
                   const std::int32_t* places, std::size_t count, const Claims& claims);
  /// Lists the centroids that are looked up and have no owner, with their places; returns their
  /// number.
  std::size_t (*listUnclaimed)(const std::int32_t* places, std::size_t count,
                               const std::uint16_t* owners, std::uint16_t* list,
                               std::int32_t* list_places);
  /// Gives unclaimed centroids the prediction in whose gate they are, where that is the only one,
  /// and has no centroid. Others are queued, or left if they are in no gate.
  Seen (*lookUp)(const PredictedViews& views, std::size_t predictions, const Unclaimed& unclaimed,
                 const Claims& claims, std::uint16_t* left);
  /// Lists the long blobs; returns their number.
  std::size_t (*listLong)(const UndistortedCentroids& centroids, std::size_t count,
                          std::uint16_t* list);
  /// Lists the predictions whose PredictedViews::reach and so much `more` hold a place; returns
  /// their number.
  std::size_t (*listNear)(const PredictedViews& views, std::size_t count, std::int32_t place,
                          std::int32_t more, std::uint16_t* list);
  /// Adds to every prediction's kSumsPerMarker sums its ray, rays[claims[p]]; the one at 0 has no
  /// weight. Returns the number of rays.
  std::size_t (*accumulate)(const ViewCamera& camera, const Ray* rays, const std::uint16_t* claims,
                            std::size_t count, const PredictedViews& views, std::int32_t* sums);
  /// Adds up `sums` in `total` and sets them to zero.
  void (*flush)(std::int32_t* sums, std::size_t count, double* total);
  /// Solves every prediction's normal equations.
  void (*solve)(const double* sums, std::size_t count, const PredictedSolutions& out);
};

const ProjectionKernels& baselineProjectionKernels();  ///< x86-64 of 2003.
const ProjectionKernels&
v3ProjectionKernels();  ///< x86-64-v3 (2013 and later); call only where AVX2 is there.

}  // namespace understudy::reconstruct
