#include "tools/mannequin/mannequin.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <glm/gtc/quaternion.hpp>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/anim/humanoid.h"

namespace {

using namespace understudy;
using Point = std::array<float, 3>;
using J = anim::HumanoidJoint;

// The committed file, read by means that share nothing with the writer.
struct Asset {
  std::vector<glm::vec3> positions, normals;
  std::vector<std::array<std::uint8_t, 4>> joints;
  std::vector<std::array<float, 4>> weights;
  std::vector<std::array<std::uint32_t, 3>> triangles;  ///< Welded where positions are equal.
  std::vector<std::string> names;                       ///< One per joint.
  std::vector<int> parents;
  std::vector<glm::vec3> offsets;
  std::vector<glm::mat4> joint_from_bind;
  std::size_t materials = 0;
};

std::string fileBytes(const std::string& name = "mannequin") {
  std::ifstream file(UNDERSTUDY_SOURCE_DIR "/assets/characters/" + name + ".glb", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Reader {
 public:
  Reader() : bytes_(fileBytes()) {
    REQUIRE(bytes_.size() > 20);
    std::uint32_t length = 0;
    std::memcpy(&length, &bytes_[12], 4);
    json_ = nlohmann::json::parse(bytes_.substr(20, length));
    binary_ = 20 + length + 8;
  }

  Asset read() {
    asset_.materials = json_["materials"].size();
    for (const auto& primitive : json_["meshes"][0]["primitives"]) readPrimitive(primitive);
    readJoints();
    return std::move(asset_);
  }

 private:
  template <class Value>
  std::vector<Value> values(const nlohmann::json& accessor_index) {
    const auto& accessor = json_["accessors"][accessor_index.get<std::size_t>()];
    const auto& view = json_["bufferViews"][accessor["bufferView"].get<std::size_t>()];
    std::vector<Value> result(accessor["count"].get<std::size_t>());
    const std::size_t offset = view["byteOffset"].get<std::size_t>();
    REQUIRE(view["byteLength"].get<std::size_t>() == result.size() * sizeof(Value));
    REQUIRE(binary_ + offset + result.size() * sizeof(Value) <= bytes_.size());
    std::memcpy(static_cast<void*>(result.data()), &bytes_[binary_ + offset],
                result.size() * sizeof(Value));
    return result;
  }

  void readPrimitive(const nlohmann::json& primitive) {
    const auto& attributes = primitive["attributes"];
    const auto positions = values<glm::vec3>(attributes["POSITION"]);
    const auto normals = values<glm::vec3>(attributes["NORMAL"]);
    const auto joints = values<std::array<std::uint8_t, 4>>(attributes["JOINTS_0"]);
    const auto weights = values<std::array<float, 4>>(attributes["WEIGHTS_0"]);
    std::vector<std::uint32_t> welded;
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const Point key{positions[i].x, positions[i].y, positions[i].z};
      const auto [entry, fresh] =
          index_.try_emplace(key, static_cast<std::uint32_t>(asset_.positions.size()));
      welded.push_back(entry->second);
      if (!fresh) continue;
      asset_.positions.push_back(positions[i]);
      asset_.normals.push_back(normals[i]);
      asset_.joints.push_back(joints[i]);
      asset_.weights.push_back(weights[i]);
    }
    const auto indices = values<std::uint16_t>(primitive["indices"]);
    for (std::size_t i = 0; i + 2 < indices.size(); i += 3)
      asset_.triangles.push_back(
          {welded.at(indices[i]), welded.at(indices[i + 1]), welded.at(indices[i + 2])});
  }

  void readJoints() {
    const auto& skin = json_["skins"][0];
    asset_.joint_from_bind = values<glm::mat4>(skin["inverseBindMatrices"]);
    std::map<int, int> joint_of_node;
    for (const auto& node : skin["joints"])
      joint_of_node.emplace(node.get<int>(), static_cast<int>(joint_of_node.size()));
    asset_.parents.assign(joint_of_node.size(), -1);
    asset_.names.resize(joint_of_node.size());
    asset_.offsets.resize(joint_of_node.size());
    for (const auto& [node_index, joint] : joint_of_node) {
      const auto& node = json_["nodes"][static_cast<std::size_t>(node_index)];
      const auto i = static_cast<std::size_t>(joint);
      asset_.names[i] = node["name"].get<std::string>();
      for (int axis = 0; axis < 3; ++axis)
        asset_.offsets[i][axis] = node["translation"][static_cast<std::size_t>(axis)].get<float>();
      CHECK_FALSE(node.contains("rotation"));
      if (node.contains("children"))
        for (const auto& child : node["children"])
          asset_.parents[static_cast<std::size_t>(joint_of_node.at(child.get<int>()))] = joint;
    }
  }

  std::string bytes_;
  nlohmann::json json_;
  std::size_t binary_ = 0;
  std::map<Point, std::uint32_t> index_;
  Asset asset_;
};

const Asset& asset() {
  static const Asset kAsset = Reader().read();
  return kAsset;
}

std::size_t at(J joint) { return static_cast<std::size_t>(joint); }

double weightOf(std::size_t vertex, J joint) {
  double sum = 0.0;
  for (std::size_t k = 0; k < 4; ++k)
    if (asset().joints[vertex][k] == at(joint)) sum += asset().weights[vertex][k];
  return sum;
}

struct Bend {
  J joint;
  glm::vec3 axis;
  float angle_deg;
};

// Linear blend skinning of the whole asset.
std::vector<glm::vec3> posed(const std::vector<Bend>& bends) {
  std::vector<glm::mat4> world_from_joint(asset().names.size());
  for (std::size_t i = 0; i < world_from_joint.size(); ++i) {
    glm::mat4 local(1.0f);
    for (const Bend& bend : bends)
      if (at(bend.joint) == i)
        local = glm::mat4_cast(glm::angleAxis(glm::radians(bend.angle_deg), bend.axis));
    local[3] = glm::vec4(asset().offsets[i], 1.0f);
    const int parent = asset().parents[i];
    world_from_joint[i] =
        parent < 0 ? local : world_from_joint[static_cast<std::size_t>(parent)] * local;
  }
  std::vector<glm::vec3> result;
  for (std::size_t v = 0; v < asset().positions.size(); ++v) {
    glm::vec4 p(0.0f);
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t joint = asset().joints[v][k];
      p += asset().weights[v][k] * (world_from_joint[joint] * asset().joint_from_bind[joint] *
                                    glm::vec4(asset().positions[v], 1.0f));
    }
    result.emplace_back(p);
  }
  return result;
}

double volume(const std::vector<glm::vec3>& positions) {
  double sum = 0.0;
  for (const auto& [a, b, c] : asset().triangles)
    sum += glm::dot(glm::dvec3(positions[a]),
                    glm::cross(glm::dvec3(positions[b]), glm::dvec3(positions[c])));
  return sum / 6.0;
}

}  // namespace

TEST_SUITE("tools/mannequin") {
// Some seconds in a Release build, minutes under sanitizers.
#ifdef NDEBUG
  TEST_CASE("the generator writes the committed file byte for byte") {
    const bool same = mannequin::writeGlb(mannequin::makeMannequin()) == fileBytes();
    CHECK(same);
  }

  TEST_CASE("the second figure is its committed file too: a symmetric child on the floor") {
    const mannequin::Figure* figure = mannequin::findFigure("junior");
    REQUIRE(figure != nullptr);
    const mannequin::Mannequin junior = mannequin::makeMannequin(*figure);
    const bool same = mannequin::writeGlb(junior) == fileBytes("junior");
    CHECK(same);
    std::set<std::array<double, 3>> points;
    double low = 1.0, high = 0.0, inside_out = 0.0;
    for (const mannequin::Vec3& p : junior.mesh.positions) {
      points.insert({p.x, p.y, p.z});
      low = std::min(low, p.y);
      high = std::max(high, p.y);
    }
    CHECK(std::abs(low) < 1e-9);
    CHECK(high > 1.15);
    CHECK(high < 1.30);
    std::size_t lonely = 0;
    for (const auto& [x, y, z] : points) lonely += points.contains({-x, y, z}) ? 0 : 1;
    CHECK(lonely == 0);
    for (const mannequin::Triangle& t : junior.mesh.triangles) {
      const auto at = [&](std::size_t c) {
        return junior.mesh.positions[static_cast<std::size_t>(t[c])];
      };
      const mannequin::Vec3 face = glm::cross(at(1) - at(0), at(2) - at(0));
      const mannequin::Vec3 normal = junior.normals[static_cast<std::size_t>(t[0])];
      if (glm::dot(face, normal) <= 0.0) inside_out += 1.0;
    }
    CHECK(inside_out == 0.0);
    // Other proportions, not another size: legs are shorter and the head larger.
    const auto joint = [&](J j) { return junior.joints[static_cast<std::size_t>(j)].position; };
    CHECK(joint(J::left_upper_leg).y / high < 0.45);
    CHECK((high - joint(J::head).y) / high > 0.18);
  }
#endif

  TEST_CASE("the skin is one closed surface of well-shaped triangles") {
    const std::size_t triangles = asset().triangles.size();
    CHECK(triangles >= 20'000);
    CHECK(triangles <= 60'000);
    std::set<std::pair<std::uint32_t, std::uint32_t>> edges;
    double least_angle_deg = 180.0;
    for (const auto& triangle : asset().triangles) {
      for (std::size_t c = 0; c < 3; ++c) {
        CHECK(edges.emplace(triangle[c], triangle[(c + 1) % 3]).second);
        const glm::dvec3 p(asset().positions[triangle[c]]);
        const glm::dvec3 u = glm::dvec3(asset().positions[triangle[(c + 1) % 3]]) - p;
        const glm::dvec3 v = glm::dvec3(asset().positions[triangle[(c + 2) % 3]]) - p;
        const double cosine = glm::dot(glm::normalize(u), glm::normalize(v));
        least_angle_deg = std::min(least_angle_deg, glm::degrees(std::acos(cosine)));
      }
    }
    CHECK(least_angle_deg > 10.0);
    std::size_t open = 0;
    for (const auto& [a, b] : edges) open += edges.contains({b, a}) ? 0 : 1;
    CHECK(open == 0);
    // Euler: one sphere.
    CHECK(asset().positions.size() + triangles - edges.size() / 2 == 2);
  }

  TEST_CASE("the figure is 1.78 m tall, stands on the floor and is symmetric to the bit") {
    std::set<Point> points;
    float low = 1.0f, high = 0.0f;
    for (const glm::vec3& p : asset().positions) {
      points.insert({p.x, p.y, p.z});
      low = std::min(low, p.y);
      high = std::max(high, p.y);
    }
    CHECK(std::abs(low) < 1e-4f);
    CHECK(high == doctest::Approx(1.78).epsilon(0.003));
    std::size_t lonely = 0;
    for (const auto& [x, y, z] : points) lonely += points.contains({-x, y, z}) ? 0 : 1;
    CHECK(lonely == 0);
  }

  TEST_CASE("triangles face the way their normals do") {
    std::size_t turned = 0;
    for (const auto& [a, b, c] : asset().triangles) {
      const glm::vec3* p = asset().positions.data();
      const glm::vec3 face = glm::normalize(glm::cross(p[b] - p[a], p[c] - p[a]));
      const glm::vec3 mean = asset().normals[a] + asset().normals[b] + asset().normals[c];
      turned += glm::dot(face, glm::normalize(mean)) < 0.5f ? 1 : 0;
    }
    CHECK(turned == 0);
  }

  TEST_CASE("the skeleton is Understudy's humanoid, parents first, bound where it rests") {
    REQUIRE(asset().names.size() == static_cast<std::size_t>(anim::kHumanoidJointCount));
    CHECK(asset().materials >= 4);
    std::vector<glm::vec3> rest;
    for (std::size_t i = 0; i < asset().names.size(); ++i) {
      CHECK(asset().names[i] == anim::humanoidName(static_cast<J>(i)));
      CHECK(asset().parents[i] < static_cast<int>(i));
      const int parent = asset().parents[i];
      rest.push_back(asset().offsets[i] +
                     (parent < 0 ? glm::vec3(0.0f) : rest[static_cast<std::size_t>(parent)]));
      const glm::vec3 at_joint(asset().joint_from_bind[i] * glm::vec4(rest[i], 1.0f));
      CHECK(glm::length(at_joint) < 1e-5f);
    }
  }

  TEST_CASE("weights sum to one and stay with their own limb") {
    std::size_t wrong = 0;
    for (std::size_t v = 0; v < asset().positions.size(); ++v) {
      const glm::vec3& p = asset().positions[v];
      double sum = 0.0;
      for (const float weight : asset().weights[v]) {
        sum += weight;
        wrong += weight < 0.0f ? 1 : 0;
      }
      wrong += std::abs(sum - 1.0) > 1e-6 ? 1 : 0;
      for (std::size_t joint = at(J::left_thumb_metacarpal); joint < asset().names.size(); ++joint)
        if (std::abs(p.x) < 0.70f) wrong += weightOf(v, static_cast<J>(joint)) > 0.0 ? 1 : 0;
      for (const J leg : {J::left_upper_leg, J::left_lower_leg, J::left_foot, J::left_toes})
        if (p.x < -0.02f || p.y > 1.1f) wrong += weightOf(v, leg) > 0.0 ? 1 : 0;
    }
    CHECK(wrong == 0);
  }

  TEST_CASE("a finger bends without taking its neighbour along") {
    const auto bent = posed({{J::left_index_proximal, {0, 0, 1}, -80.0f}});
    for (std::size_t v = 0; v < bent.size(); ++v) {
      if (weightOf(v, J::left_middle_intermediate) + weightOf(v, J::left_middle_distal) < 0.5)
        continue;
      CHECK(glm::distance(bent[v], asset().positions[v]) < 1e-5f);
    }
  }

  // What a joint loses is told as a share of the limb within one thickness of the joint.
  TEST_CASE("joints keep their volume when they bend") {
    struct Limb {
      std::string name;
      std::vector<Bend> bends;
      double local_litres;
      double loss;
    };
    const Limb limbs[] = {
        {"elbow 130", {{J::left_lower_arm, {0, 1, 0}, -130.0f}}, 0.77, 0.25},
        {"knee 120", {{J::left_lower_leg, {1, 0, 0}, 120.0f}}, 1.90, 0.25},
        {"hip 100", {{J::left_upper_leg, {1, 0, 0}, -100.0f}}, 6.50, 0.12},
        {"arm down 85", {{J::left_upper_arm, {0, 0, 1}, -85.0f}}, 2.50, 0.15},
        {"arm raised 80", {{J::left_upper_arm, {0, 0, 1}, 80.0f}}, 2.50, 0.15},
        {"wrist 60", {{J::left_hand, {0, 0, 1}, -60.0f}}, 0.12, 0.15},
    };
    const double rest = volume(asset().positions);
    for (const Limb& limb : limbs) {
      const double lost = (rest - volume(posed(limb.bends))) * 1e3 / limb.local_litres;
      INFO(limb.name, " loses ", lost);
      CHECK(std::abs(lost) < limb.loss);
    }
  }
}
