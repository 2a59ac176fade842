#include "engine/anim/retarget.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

#include "engine/anim/kinematics.h"
#include "tests/support/plain_bvh.h"
#include "tests/support/shared_data.h"

using namespace understudy;
using anim::HumanoidJoint;
using enum anim::HumanoidJoint;
using math::RigidTransform;

namespace {

constexpr const char* kCmu = "/usr/share/assimp/models/BVH/01_01.bvh";
constexpr const char* kBoxing = "/usr/share/assimp/models/BVH/Boxing_Toes.bvh";
constexpr float kCmuUnit = 0.056444f;  // Inches over 0.45, in metres.

struct Part {
  const char* name;
  const char* parent;
  glm::vec3 position;  // World, in the T-pose that stands on the floor.
};

// A person of `size` times 1.75 m, ankles 8 cm * size over the floor, all joints' axes along the
// world's.
anim::Skeleton person(float size, int spines) {
  std::vector<Part> parts{{"hips", "", {0, 0.95f, 0}}};
  const char* names[] = {"spine", "chest", "upper_chest"};
  const char* top = "hips";
  for (int i = 0; i < spines; ++i) {
    parts.push_back({names[i], top, {0, 1.05f + 0.1f * static_cast<float>(i), -0.01f}});
    top = names[i];
  }
  const std::vector<Part> rest{
      {"neck", top, {0, 1.48f, -0.01f}},
      {"head", "neck", {0, 1.56f, 0.02f}},
      {"left_shoulder", top, {0.04f, 1.42f, 0}},
      {"left_upper_arm", "left_shoulder", {0.17f, 1.42f, -0.01f}},
      {"left_lower_arm", "left_upper_arm", {0.45f, 1.42f, -0.01f}},
      {"left_hand", "left_lower_arm", {0.70f, 1.42f, -0.01f}},
      {"left_index_proximal", "left_hand", {0.79f, 1.42f, 0.02f}},
      {"right_shoulder", top, {-0.04f, 1.42f, 0}},
      {"right_upper_arm", "right_shoulder", {-0.17f, 1.42f, -0.01f}},
      {"right_lower_arm", "right_upper_arm", {-0.45f, 1.42f, -0.01f}},
      {"right_hand", "right_lower_arm", {-0.70f, 1.42f, -0.01f}},
      {"left_upper_leg", "hips", {0.09f, 0.90f, 0}},
      {"left_lower_leg", "left_upper_leg", {0.09f, 0.49f, 0.01f}},
      {"left_foot", "left_lower_leg", {0.09f, 0.08f, -0.02f}},
      {"left_toes", "left_foot", {0.09f, 0.02f, 0.10f}},
      {"right_upper_leg", "hips", {-0.09f, 0.90f, 0}},
      {"right_lower_leg", "right_upper_leg", {-0.09f, 0.49f, 0.01f}},
      {"right_foot", "right_lower_leg", {-0.09f, 0.08f, -0.02f}},
      {"right_toes", "right_foot", {-0.09f, 0.02f, 0.10f}},
  };
  parts.insert(parts.end(), rest.begin(), rest.end());
  anim::Skeleton skeleton;
  for (const Part& part : parts) {
    const int parent = anim::findJoint(skeleton, part.parent);
    const glm::vec3 from =
        parent < 0 ? glm::vec3(0) : parts[static_cast<std::size_t>(parent)].position;
    skeleton.names.emplace_back(part.name);
    skeleton.parents.push_back(parent);
    skeleton.parent_from_joint.push_back({.translation = (part.position - from) * size});
  }
  return skeleton;
}

RigidTransform& local(anim::Skeleton& skeleton, const char* name) {
  return skeleton.parent_from_joint[static_cast<std::size_t>(anim::findJoint(skeleton, name))];
}

glm::quat about(float degrees, glm::vec3 axis) {
  return glm::angleAxis(glm::radians(degrees), axis);
}

// The same body with its arms hanging by 45 degrees and its feet a little apart in the rest pose.
anim::Skeleton withAPose(anim::Skeleton skeleton) {
  for (const float side : {1.0f, -1.0f}) {
    const std::string name = side > 0 ? "left" : "right";
    local(skeleton, (name + "_upper_arm").c_str()).rotation = about(-45 * side, {0, 0, 1});
    local(skeleton, (name + "_upper_leg").c_str()).rotation = about(5 * side, {0, 0, 1});
    local(skeleton, (name + "_foot").c_str()).rotation = about(-5 * side, {0, 0, 1});
  }
  return skeleton;
}

struct Person {
  anim::Skeleton skeleton;
  anim::HumanoidMap map = anim::recogniseHumanoid(skeleton);
  std::vector<RigidTransform> pose = skeleton.parent_from_joint;

  std::vector<RigidTransform> world() const {
    std::vector<RigidTransform> result(skeleton.size());
    anim::worldFromJoints(skeleton, pose, result);
    return result;
  }
  glm::vec3 position(HumanoidJoint part) const {
    return world()[static_cast<std::size_t>(map[part])].translation;
  }
  glm::quat rotation(HumanoidJoint part) const {
    return world()[static_cast<std::size_t>(map[part])].rotation;
  }
};

anim::Retargeter make(const Person& source, const Person& target,
                      const anim::RetargetSettings& settings = {}) {
  auto made =
      anim::Retargeter::make(source.skeleton, source.map, target.skeleton, target.map, settings);
  REQUIRE(made.has_value());
  return *std::move(made);
}

void setRandomPose(Person& person, std::mt19937& random) {
  std::normal_distribution<float> turn(0.0f, 0.4f);
  for (std::size_t i = 0; i < person.pose.size(); ++i) {
    person.pose[i] = person.skeleton.parent_from_joint[i];
    const glm::vec3 v{turn(random), turn(random), turn(random)};
    person.pose[i].rotation = glm::angleAxis(glm::length(v), glm::normalize(v));
  }
  person.pose[0].translation = {turn(random), 1.0f + 0.2f * turn(random), turn(random)};
}

float angleBetween(const glm::quat& a, const glm::quat& b) {
  const glm::quat d = glm::conjugate(a) * b;
  return 2.0f * std::asin(std::min(1.0f, glm::length(glm::vec3(d.x, d.y, d.z))));
}

float largestError(const std::vector<RigidTransform>& a, const std::vector<RigidTransform>& b) {
  float error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error = std::max({error, angleBetween(a[i].rotation, b[i].rotation),
                      glm::distance(a[i].translation, b[i].translation)});
  }
  return error;
}

// Largest angle between the two people's limbs, radians.
float limbError(const Person& a, const Person& b) {
  constexpr std::pair<HumanoidJoint, HumanoidJoint> kLimbs[] = {
      {left_upper_arm, left_lower_arm},   {left_lower_arm, left_hand},
      {right_upper_arm, right_lower_arm}, {right_lower_arm, right_hand},
      {left_upper_leg, left_lower_leg},   {left_lower_leg, left_foot},
      {right_upper_leg, right_lower_leg}, {right_lower_leg, right_foot}};
  const auto world_a = a.world(), world_b = b.world();
  float error = 0;
  for (const auto& [from, to] : kLimbs) {
    const auto direction = [&](const Person& who, const std::vector<RigidTransform>& world) {
      return glm::normalize(world[static_cast<std::size_t>(who.map[to])].translation -
                            world[static_cast<std::size_t>(who.map[from])].translation);
    };
    error = std::max(error, glm::length(glm::cross(direction(a, world_a), direction(b, world_b))));
  }
  return error;
}

std::vector<anim::Clip> realClips() {
  std::vector<anim::Clip> clips{*test::readPlainBvh(kCmu, kCmuUnit),
                                *test::readPlainBvh(kBoxing, 0.01f)};
  if (const auto folder = test::sharedData("bvh/bandai")) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder)) {
      if (entry.path().extension() != ".bvh") continue;
      if (auto clip = test::readPlainBvh(entry.path().string(), 0.01f)) {
        clips.push_back(*std::move(clip));
        break;
      }
    }
  }
  for (anim::Clip& clip : clips) {
    clip.skeleton = anim::standingSkeleton(clip, anim::recogniseHumanoid(clip.skeleton));
  }
  return clips;
}

void setFrame(Person& person, const anim::Clip& clip, std::size_t frame) {
  const auto first =
      clip.parent_from_joint.begin() + static_cast<std::ptrdiff_t>(frame * clip.skeleton.size());
  std::copy_n(first, clip.skeleton.size(), person.pose.begin());
}

}  // namespace

TEST_SUITE("anim/retarget") {
  TEST_CASE("the same skeleton on both sides gives the same pose") {
    std::mt19937 random(1);
    for (const int spines : {0, 1, 2, 3}) {
      Person source{person(1, spines)}, target{withAPose(person(1, spines))};
      // Legs that are spread lift the ankles of a rest pose by millimetres.
      const anim::Retargeter retargeter =
          make(source, target, {.source_ankle_height = 0.08f, .target_ankle_height = 0.08f});
      CHECK(retargeter.scale() == doctest::Approx(1.0f));
      for (int i = 0; i < 20; ++i) {
        setRandomPose(source, random);
        retargeter.retarget(source.pose, target.pose);
        CHECK(largestError(source.pose, target.pose) < 2e-4f);
      }
    }
  }

  TEST_CASE("real skeletons are their own twins, in every frame") {
    for (const anim::Clip& clip : realClips()) {
      Person source{clip.skeleton}, target{clip.skeleton};
      const anim::Retargeter retargeter = make(source, target);
      float error = 0;
      for (std::size_t frame = 0; frame < clip.frames; frame += 20) {
        setFrame(source, clip, frame);
        retargeter.retarget(source.pose, target.pose);
        // Joints that play no part keep their rest pose, so compare the parts in the world.
        const auto world_a = source.world(), world_b = target.world();
        for (int part = 0; part < static_cast<int>(left_thumb_metacarpal); ++part) {
          const int joint = source.map.joint[static_cast<std::size_t>(part)];
          if (joint < 0) continue;
          const std::size_t j = static_cast<std::size_t>(joint);
          error = std::max({error, angleBetween(world_a[j].rotation, world_b[j].rotation),
                            glm::distance(world_a[j].translation, world_b[j].translation)});
        }
      }
      CAPTURE(clip.skeleton.names[1]);
      CHECK(error < 1e-3f);
    }
  }

  TEST_CASE("the rest pose does not matter: T-pose, A-pose, turned aside or lying on its back") {
    std::mt19937 random(2);
    anim::Skeleton turned = withAPose(person(1, 3));
    turned.parent_from_joint[0].rotation = about(90, {0, 1, 0});
    anim::Skeleton lying = person(1, 3);
    lying.parent_from_joint[0].rotation = about(-90, {1, 0, 0});
    Person target{person(0.8f, 2)};
    Person expected = target;
    for (const anim::Skeleton& rest : {withAPose(person(1, 3)), turned, lying}) {
      Person source{person(1, 3)}, other{rest};
      const anim::RetargetSettings same_floor{.source_ankle_height = 0.08f};
      const anim::Retargeter first = make(source, target, same_floor);
      const anim::Retargeter second = make(other, target, same_floor);
      for (int i = 0; i < 10; ++i) {
        setRandomPose(source, random);
        first.retarget(source.pose, expected.pose);
        second.retarget(source.pose, target.pose);
        CHECK(largestError(target.pose, expected.pose) < 2e-4f);
      }
    }
  }

  TEST_CASE("limbs point where the performer's limbs point, between unlike skeletons") {
    const std::vector<anim::Clip> clips = realClips();
    for (const anim::Clip& clip : clips) {
      std::vector<anim::Skeleton> targets{person(1, 3), withAPose(person(0.6f, 1))};
      for (const anim::Clip& other : clips) targets.push_back(other.skeleton);
      for (const anim::Skeleton& skeleton : targets) {
        Person source{clip.skeleton}, target{skeleton};
        const anim::Retargeter retargeter = make(source, target);
        float error = 0;
        for (std::size_t frame = 0; frame < clip.frames; frame += 50) {
          setFrame(source, clip, frame);
          retargeter.retarget(source.pose, target.pose);
          error = std::max(error, limbError(source, target));
        }
        CAPTURE(clip.skeleton.names[1]);
        CAPTURE(skeleton.names[1]);
        CHECK(error < 2e-3f);
      }
    }
  }

  TEST_CASE("pelvis, back and feet look where the performer's do") {
    const std::vector<anim::Clip> clips = realClips();
    for (const anim::Clip& clip : clips) {
      std::vector<anim::Skeleton> targets{person(1, 3)};
      for (const anim::Clip& other : clips) targets.push_back(other.skeleton);
      for (const anim::Skeleton& skeleton : targets) {
        Person source{clip.skeleton}, target{skeleton};
        const anim::Retargeter retargeter = make(source, target);
        float pelvis = 1, back = 1, foot = 1;  // Smallest cosines.
        for (std::size_t frame = 0; frame < clip.frames; frame += 50) {
          setFrame(source, clip, frame);
          retargeter.retarget(source.pose, target.pose);
          const auto cosine = [&](HumanoidJoint from, HumanoidJoint to) {
            return glm::dot(glm::normalize(source.position(to) - source.position(from)),
                            glm::normalize(target.position(to) - target.position(from)));
          };
          pelvis = std::min(pelvis, cosine(right_upper_leg, left_upper_leg));
          back = std::min(back, cosine(hips, head));
          foot = std::min({foot, cosine(left_foot, left_toes), cosine(right_foot, right_toes)});
        }
        CAPTURE(clip.skeleton.names[2]);
        CAPTURE(skeleton.names[2]);
        CHECK(pelvis > 0.97f);
        CHECK(back > 0.94f);
        CHECK(foot > 0.85f);
      }
    }
  }

  TEST_CASE("a rest pose that no body can take is replaced by a standing frame") {
    for (const anim::Skeleton& rest : {person(1, 2), withAPose(person(1, 3))}) {
      CHECK(anim::isStanding(rest, anim::recogniseHumanoid(rest)));
    }
    anim::Clip clip;
    clip.skeleton = person(1, 2);
    const anim::HumanoidMap map = anim::recogniseHumanoid(clip.skeleton);
    Person man{clip.skeleton};
    // Frame 0 kneels, frame 1 stands, frame 2 bows.
    for (const char* bent : {"left_lower_leg", "hips", "spine"}) {
      Person frame = man;
      const std::size_t joint = static_cast<std::size_t>(anim::findJoint(clip.skeleton, bent));
      frame.pose[joint].rotation = about(bent == std::string("hips") ? 0.0f : 80.0f, {1, 0, 0});
      clip.parent_from_joint.insert(clip.parent_from_joint.end(), frame.pose.begin(),
                                    frame.pose.end());
    }
    clip.frames = 3;
    local(clip.skeleton, "left_upper_leg").rotation = about(170, {1, 0, 0});
    CHECK_FALSE(anim::isStanding(clip.skeleton, map));
    const anim::Skeleton standing = anim::standingSkeleton(clip, map);
    CHECK(largestError(standing.parent_from_joint, man.pose) < 1e-6f);
  }

  TEST_CASE("feet neither float nor sink: standing ankles are where the character's ankles stand") {
    for (const anim::Clip& clip : realClips()) {
      for (const float size : {0.5f, 1.0f, 1.3f}) {
        Person source{clip.skeleton}, target{person(size, 3)};
        const anim::Retargeter measured = make(
            source, target, {.source_ankle_height = anim::standingAnkleHeight(clip, source.map)});
        const anim::Retargeter estimated = make(source, target);
        for (const anim::Retargeter* retargeter : {&measured, &estimated}) {
          std::vector<float> heights;
          for (std::size_t frame = 0; frame < clip.frames; frame += 4) {
            setFrame(source, clip, frame);
            retargeter->retarget(source.pose, target.pose);
            heights.push_back(
                std::min(target.position(left_foot).y, target.position(right_foot).y));
          }
          std::sort(heights.begin(), heights.end());
          const float standing = heights[heights.size() / 4] / size;  // A quarter is lower.
          CAPTURE(clip.skeleton.names[1]);
          CAPTURE(size);
          CHECK(std::abs(standing - 0.08f) < (retargeter == &measured ? 0.02f : 0.03f));
        }
      }
    }
  }

  TEST_CASE("steps grow with the legs") {
    Person source{person(1, 2)}, target{person(1.5f, 2)};
    const anim::Retargeter retargeter = make(source, target);
    CHECK(retargeter.scale() == doctest::Approx(1.5f).epsilon(1e-4));
    source.pose[0].translation += glm::vec3(1, 0, 2);
    retargeter.retarget(source.pose, target.pose);
    CHECK(glm::distance(target.pose[0].translation, glm::vec3(1.5f, 0.95f * 1.5f, 3)) < 1e-4f);
  }

  TEST_CASE("a spine with more joints shares the bend, and ends as the performer's does") {
    Person source{person(1, 1)}, target{person(1, 3)};
    const anim::Retargeter retargeter = make(source, target);
    source.pose[1].rotation = about(60, {1, 0, 0});
    retargeter.retarget(source.pose, target.pose);
    CHECK(angleBetween(target.rotation(spine), about(20, {1, 0, 0})) < 1e-4f);
    CHECK(angleBetween(target.rotation(chest), about(40, {1, 0, 0})) < 1e-4f);
    CHECK(angleBetween(target.rotation(upper_chest), about(60, {1, 0, 0})) < 1e-4f);
    CHECK(angleBetween(target.rotation(head), source.rotation(head)) < 1e-4f);
    Person back = source;
    make(target, back).retarget(target.pose, back.pose);
    CHECK(largestError(back.pose, source.pose) < 1e-3f);
  }

  TEST_CASE("joints that the performer has no counterpart for keep their rest pose") {
    const auto clip = test::readPlainBvh(kBoxing, 0.01f);
    REQUIRE(clip.has_value());
    anim::Skeleton character = person(1, 3);
    local(character, "left_index_proximal").rotation = about(30, {0, 0, 1});
    character.names.push_back("hat");
    character.parents.push_back(anim::findJoint(character, "head"));
    character.parent_from_joint.push_back({about(10, {1, 0, 0}), {0, 0.2f, 0}});
    Person source{clip->skeleton}, target{character};
    const anim::Retargeter retargeter = make(source, target);
    setFrame(source, *clip, clip->frames / 2);
    retargeter.retarget(source.pose, target.pose);
    for (const char* name : {"hat", "left_index_proximal"}) {
      const std::size_t joint = static_cast<std::size_t>(anim::findJoint(character, name));
      CHECK(angleBetween(target.pose[joint].rotation, character.parent_from_joint[joint].rotation) <
            1e-3f);
      CHECK(target.pose[joint].translation == character.parent_from_joint[joint].translation);
    }
  }

  TEST_CASE("straight fingers that nobody moves are relaxed towards the palm, moved ones are not") {
    anim::Skeleton character = person(1, 3);
    for (const char* name : {"left_index_intermediate", "left_index_distal", "left_index_tip"}) {
      character.names.emplace_back(name);
      const int last = static_cast<int>(character.size()) - 1;
      const bool first = name == std::string("left_index_intermediate");
      character.parents.push_back(first ? anim::findJoint(character, "left_index_proximal") : last);
      character.parent_from_joint.push_back({.translation = {0.03f, 0, 0}});
    }
    const auto clip = test::readPlainBvh(kBoxing, 0.01f);
    REQUIRE(clip.has_value());
    Person source{clip->skeleton}, target{character}, same{character};
    make(source, target).retarget(source.pose, target.pose);
    const auto world = target.world();
    const glm::vec3 fingertip = world.back().translation - world[world.size() - 2].translation;
    const glm::vec3 bent = glm::conjugate(target.rotation(left_hand)) * fingertip;
    CHECK(std::atan2(-bent.y, bent.x) == doctest::Approx(0.9f).epsilon(0.01));
    target.pose = target.skeleton.parent_from_joint;
    make(target, same).retarget(target.pose, same.pose);
    CHECK(largestError(same.pose, target.pose) < 1e-4f);
  }

  TEST_CASE("there and back again: another body in between changes no joint of the limbs") {
    std::mt19937 random(5);
    Person a{person(1, 3)}, b{withAPose(person(1.7f, 3))}, back{person(1, 3)};
    const anim::Retargeter there = make(a, b), again = make(b, back);
    for (int i = 0; i < 20; ++i) {
      setRandomPose(a, random);
      there.retarget(a.pose, b.pose);
      again.retarget(b.pose, back.pose);
      CHECK(largestError(a.pose, back.pose) < 1e-3f);
    }
  }

  TEST_CASE("the T-pose of any rest pose has straight arms and legs and looks along +Z") {
    std::vector<anim::Skeleton> skeletons{withAPose(person(1, 2))};
    for (const anim::Clip& clip : realClips()) skeletons.push_back(clip.skeleton);
    for (const anim::Skeleton& skeleton : skeletons) {
      const anim::HumanoidMap map = anim::recogniseHumanoid(skeleton);
      const anim::TPose pose = anim::makeTPose(skeleton, map);
      const auto at = [&](HumanoidJoint part) {
        return pose.positions[static_cast<std::size_t>(map[part])];
      };
      CAPTURE(skeleton.names[1]);
      CHECK(glm::normalize(at(left_hand) - at(left_upper_arm)).x > 0.9999f);
      CHECK(glm::normalize(at(right_hand) - at(right_upper_arm)).x < -0.9999f);
      CHECK(glm::normalize(at(left_foot) - at(left_upper_leg)).y < -0.9999f);
      CHECK(at(left_toes).z > at(left_foot).z);
      CHECK(std::abs(at(left_toes).x - at(left_foot).x) < 0.01f);
      CHECK(pose.ankle_height > 0.03f);
      CHECK(pose.ankle_height < 0.15f);
    }
  }

  TEST_CASE("a skeleton that is no humanoid is refused by the names of what is missing") {
    anim::Skeleton snake;
    snake.names = {"head", "tail"};
    snake.parents = {-1, 0};
    snake.parent_from_joint.resize(2);
    const Person man{person(1, 2)}, other{snake};
    const auto made = anim::Retargeter::make(man.skeleton, man.map, other.skeleton, other.map);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().message.find("target") != std::string::npos);
    CHECK(made.error().message.find("left_upper_arm") != std::string::npos);
  }
}
