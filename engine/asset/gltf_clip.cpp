#include "engine/asset/gltf_clip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "engine/asset/gltf_skeleton.h"

namespace understudy::asset {
namespace {

constexpr double kRateWithoutEvenKeys = 120.0;
constexpr std::size_t kMaxPoses = std::size_t{1} << 24;  // Nodes times frames.

constexpr std::size_t index(int value) { return static_cast<std::size_t>(value); }

enum class Interpolation { step, linear, cubic };

/// One animated property of one node.
struct Track {
  std::size_t node;
  std::size_t width;                  ///< 3, or 4 for rotations.
  glm::dvec3 NodeTransform::*vector;  ///< Translation or scale; null for rotations.
  Interpolation interpolation;
  std::vector<float> times;
  std::vector<float> values;  ///< One per key, or in-tangent, value, out-tangent.

  const float* value(std::size_t key, std::size_t part = 1) const {
    return interpolation == Interpolation::cubic ? &values[(key * 3 + part) * width]
                                                 : &values[key * width];
  }
};

glm::dquat slerp(glm::dquat a, const glm::dquat& b, double blend) {
  double cosine = glm::dot(a, b);
  if (cosine < 0.0) {
    a = -a;
    cosine = -cosine;
  }
  if (cosine > 1.0 - 1e-9) return glm::normalize(a * (1.0 - blend) + b * blend);
  const double angle = std::acos(std::min(cosine, 1.0));
  return glm::normalize((a * std::sin((1.0 - blend) * angle) + b * std::sin(blend * angle)) /
                        std::sin(angle));
}

/// The four (or three) numbers of a track at a time; rotations come unnormalised for cubic tracks.
glm::dvec4 sample(const Track& track, double time) {
  const auto load = [&](const float* v) {
    return glm::dvec4(v[0], v[1], v[2], track.width == 4 ? v[3] : 0.0f);
  };
  const auto after = std::upper_bound(track.times.begin(), track.times.end(), time);
  if (after == track.times.begin()) return load(track.value(0));
  const std::size_t key = static_cast<std::size_t>(after - track.times.begin()) - 1;
  if (after == track.times.end() || track.interpolation == Interpolation::step) {
    return load(track.value(key));
  }
  const double from = static_cast<double>(track.times[key]);
  const double span = static_cast<double>(track.times[key + 1]) - from;
  const double t = span > 0.0 ? (time - from) / span : 0.0;
  const glm::dvec4 a = load(track.value(key)), b = load(track.value(key + 1));
  if (track.interpolation == Interpolation::cubic) {
    const glm::dvec4 leave = load(track.value(key, 2)) * span;
    const glm::dvec4 arrive = load(track.value(key + 1, 0)) * span;
    const double t2 = t * t, t3 = t2 * t;
    return a * (2 * t3 - 3 * t2 + 1) + leave * (t3 - 2 * t2 + t) + b * (3 * t2 - 2 * t3) +
           arrive * (t3 - t2);
  }
  if (track.vector != nullptr) return a + (b - a) * t;
  const auto quaternion = [](const glm::dvec4& v) {
    const double length = glm::length(v);
    return length > 1e-12 ? math::quaternionXyzw(v.x, v.y, v.z, v.w) / length
                          : glm::dquat(1.0, 0.0, 0.0, 0.0);
  };
  const glm::dquat q = slerp(quaternion(a), quaternion(b), t);
  return {q.x, q.y, q.z, q.w};
}

void apply(const Track& track, double time, NodeTransform& local) {
  const glm::dvec4 v = sample(track, time);
  if (track.vector != nullptr) {
    local.*track.vector = glm::dvec3(v);
    return;
  }
  const double length = glm::length(v);
  if (length > 1e-12) local.rotation = math::quaternionXyzw(v.x, v.y, v.z, v.w) / length;
}

core::Result<std::vector<Track>> readTracks(const GltfModel& gltf,
                                            const tinygltf::Animation& animation) {
  std::vector<Track> tracks;
  std::size_t numbers = 0;
  for (const auto& channel : animation.channels) {
    if (channel.target_node < 0) continue;
    const auto& sampler = animation.samplers[index(channel.sampler)];
    Track track{};
    track.node = index(channel.target_node);
    if (channel.target_path == "translation") {
      track.vector = &NodeTransform::translation;
    } else if (channel.target_path == "scale") {
      track.vector = &NodeTransform::scale;
    } else if (channel.target_path != "rotation") {
      continue;
    }
    track.width = track.vector == nullptr ? 4 : 3;
    track.interpolation = sampler.interpolation == "STEP"          ? Interpolation::step
                          : sampler.interpolation == "CUBICSPLINE" ? Interpolation::cubic
                                                                   : Interpolation::linear;
    numbers += gltf.model.accessors[index(sampler.output)].count;
    if (numbers > kMaxPoses)
      return core::makeError(gltf.path + ": the animation has too many keys");
    track.times = readFloats(gltf.model, sampler.input);
    track.values = readFloats(gltf.model, sampler.output);
    for (std::size_t i = 0; i < track.times.size(); ++i) {
      if (!std::isfinite(track.times[i]) || (i > 0 && track.times[i] < track.times[i - 1])) {
        return core::makeError(gltf.path +
                               ": key times of an animation do not rise; export it again");
      }
    }
    for (const float value : track.values) {
      if (!(std::abs(value) < 1e9f)) {
        return core::makeError(gltf.path +
                               ": a key of an animation is not finite; export it again");
      }
    }
    tracks.push_back(std::move(track));
  }
  return tracks;
}

/// The lowest usual rate on whose frames all keys lie, if a track has a key on nearly all of them.
double keyRate(const std::vector<Track>& tracks, double start, double seconds) {
  for (const double rate : {24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 100.0, 120.0, 144.0, 150.0,
                            180.0, 200.0, 240.0}) {
    bool dense = false, even = true;
    for (const Track& track : tracks) {
      dense |= static_cast<double>(track.times.size()) > 0.9 * seconds * rate;
      for (const float time : track.times) {
        const double frame = (static_cast<double>(time) - start) * rate;
        even &= std::abs(frame - std::round(frame)) < 0.01;
      }
    }
    if (even && dense) return rate;
  }
  return kRateWithoutEvenKeys;
}

}  // namespace

core::Result<anim::Clip> makeGltfClip(const GltfModel& gltf, std::size_t animation) {
  const GltfSkeleton skeleton = makeGltfSkeleton(gltf);
  anim::Clip clip;
  clip.skeleton = skeleton.skeleton;
  clip.warnings = gltf.warnings;
  clip.warnings.insert(clip.warnings.end(), skeleton.warnings.begin(), skeleton.warnings.end());
  clip.rate_hz = kRateWithoutEvenKeys;
  clip.frames = 1;
  const std::size_t joints = clip.skeleton.size();
  if (joints == 0) return core::makeError(gltf.path + ": holds no skeleton and no animation");
  if (gltf.model.animations.empty()) {
    clip.parent_from_joint = clip.skeleton.parent_from_joint;
    clip.warnings.push_back("holds no animation; the rest pose stands for one frame");
    return clip;
  }
  if (animation >= gltf.model.animations.size()) {
    return core::makeError(fmt::format("{}: has {} animations, there is none with index {}",
                                       gltf.path, gltf.model.animations.size(), animation));
  }
  auto tracks = readTracks(gltf, gltf.model.animations[animation]);
  if (!tracks) return tracks.error();
  std::optional<double> start, end;
  for (const Track& track : *tracks) {
    const double first = static_cast<double>(track.times.front());
    const double last = static_cast<double>(track.times.back());
    start = std::min(start.value_or(first), first);
    end = std::max(end.value_or(last), last);
    if (track.vector == &NodeTransform::scale) {
      for (std::size_t i = 0; i < track.times.size(); ++i) {
        const float* value = track.value(i);
        const float* value0 = track.value(0);
        if (glm::distance(glm::vec3(value[0], value[1], value[2]),
                          glm::vec3(value0[0], value0[1], value0[2])) > 1e-3f) {
          clip.warnings.push_back("joints change their size; only their places follow that");
          break;
        }
      }
    }
  }
  const double seconds = start ? *end - *start : 0.0;
  clip.rate_hz = keyRate(*tracks, start.value_or(0.0), seconds);
  const double frames = std::floor(seconds * clip.rate_hz + 0.01) + 1.0;
  if (!(frames * static_cast<double>(gltf.model.nodes.size()) <= static_cast<double>(kMaxPoses))) {
    return core::makeError(
        fmt::format("{}: an animation of {:.0f} s is too long", gltf.path, seconds));
  }
  clip.frames = static_cast<std::size_t>(frames);
  clip.parent_from_joint.resize(clip.frames * joints);
  std::vector<NodeTransform> local;
  std::vector<glm::dmat4> world;
  std::vector<glm::dquat> rotations;
  for (std::size_t frame = 0; frame < clip.frames; ++frame) {
    local = skeleton.rest;
    const double time = start.value_or(0.0) + static_cast<double>(frame) / clip.rate_hz;
    for (const Track& track : *tracks) apply(track, time, local[track.node]);
    worldFromNodes(gltf, skeleton, local, world, rotations);
    poseFromNodes(skeleton, world, rotations, &clip.parent_from_joint[frame * joints]);
  }
  for (const math::RigidTransform& joint : clip.parent_from_joint) {
    if (!(glm::length(joint.translation) < 1e6f)) {
      return core::makeError(gltf.path + ": a joint lies beyond 1000 km; the scale is wrong");
    }
  }
  return clip;
}

}  // namespace understudy::asset
