#include "engine/anim/humanoid.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "tests/support/plain_bvh.h"
#include "tests/support/shared_data.h"

using namespace understudy;
using anim::HumanoidJoint;

namespace {

// A skeleton from "joint<parent joint<parent ..."; a joint without "<" hangs on the one before it.
// "~" stands for a space in a name.
anim::Skeleton skeletonOf(const std::string& text) {
  anim::Skeleton skeleton;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t cut = word.find('<');
    const int parent = cut == std::string::npos ? static_cast<int>(skeleton.size()) - 1
                                                : anim::findJoint(skeleton, word.substr(cut + 1));
    std::string name = word.substr(0, cut);
    for (char& c : name) c = c == '~' ? ' ' : c;
    skeleton.names.push_back(name);
    skeleton.parents.push_back(parent);
    skeleton.parent_from_joint.emplace_back();
  }
  return skeleton;
}

// The name of the skeleton's joint that plays a part; "-" if there is none.
std::string player(const anim::Skeleton& skeleton, const char* part) {
  const anim::HumanoidMap map = anim::recogniseHumanoid(skeleton);
  const int joint = map[anim::humanoidJoint(part)];
  return joint < 0 ? "-" : skeleton.names[static_cast<std::size_t>(joint)];
}

void checkParts(const anim::Skeleton& skeleton, const std::map<const char*, std::string>& parts) {
  for (const auto& [part, name] : parts) {
    CAPTURE(part);
    CHECK(player(skeleton, part) == name);
  }
}

std::string missingOf(const anim::Skeleton& skeleton) {
  std::vector<std::string> missing;
  anim::isHumanoid(anim::recogniseHumanoid(skeleton), &missing);
  std::string text;
  for (const std::string& name : missing) text += name + " ";
  return text;
}

}  // namespace

TEST_SUITE("anim/humanoid") {
  TEST_CASE("names and joints are each other's inverse") {
    for (int i = 0; i < anim::kHumanoidJointCount; ++i) {
      const auto joint = static_cast<HumanoidJoint>(i);
      CHECK_FALSE(anim::humanoidName(joint).empty());
      CHECK(anim::humanoidJoint(anim::humanoidName(joint)) == joint);
    }
    CHECK(anim::humanoidJoint("tail") == HumanoidJoint::count);
    CHECK(anim::humanoidName(HumanoidJoint::left_lower_arm) == "left_lower_arm");
  }

  TEST_CASE("our own names are recognised, every one") {
    anim::Skeleton skeleton;
    for (int i = 0; i < anim::kHumanoidJointCount; ++i) {
      const std::string name(anim::humanoidName(static_cast<HumanoidJoint>(i)));
      const auto below = [&](const char* parent) { return anim::findJoint(skeleton, parent); };
      int parent = i - 1;
      if (name == "left_shoulder" || name == "right_shoulder") parent = below("upper_chest");
      if (name == "left_upper_leg" || name == "right_upper_leg") parent = below("hips");
      if (name.ends_with("thumb_metacarpal") || name.ends_with("x_proximal") ||
          name.ends_with("middle_proximal") || name.ends_with("g_proximal") ||
          name.ends_with("little_proximal")) {
        parent = below(name[0] == 'l' ? "left_hand" : "right_hand");
      }
      skeleton.names.push_back(name);
      skeleton.parents.push_back(parent);
      skeleton.parent_from_joint.emplace_back();
    }
    const anim::HumanoidMap map = anim::recogniseHumanoid(skeleton);
    for (int i = 0; i < anim::kHumanoidJointCount; ++i) {
      CHECK(map.joint[static_cast<std::size_t>(i)] == i);
    }
    CHECK(map.unmapped.empty());
    CHECK(anim::isHumanoid(map));
  }

  TEST_CASE("Mixamo's 'Arm' is the upper arm and 'Leg' the lower leg, with any prefix") {
    for (const std::string p : {"mixamorig:", "mixamorig_", "mixamorig1:", "", "Beta:"}) {
      const anim::Skeleton skeleton = skeletonOf(
          p + "Hips " + p + "Spine " + p + "Spine1 " + p + "Spine2 " + p + "Neck " + p + "Head " +
          p + "HeadTop_End " + p + "LeftShoulder<" + p + "Spine2 " + p + "LeftArm " + p +
          "LeftForeArm " + p + "LeftHand " + p + "LeftHandThumb1 " + p + "LeftHandThumb2 " + p +
          "LeftHandThumb3 " + p + "LeftHandThumb4 " + p + "LeftHandPinky1<" + p + "LeftHand " + p +
          "RightShoulder<" + p + "Spine2 " + p + "RightArm " + p + "RightForeArm " + p +
          "RightHand " + p + "LeftUpLeg<" + p + "Hips " + p + "LeftLeg " + p + "LeftFoot " + p +
          "LeftToeBase " + p + "LeftToe_End " + p + "RightUpLeg<" + p + "Hips " + p + "RightLeg " +
          p + "RightFoot " + p + "RightToeBase");
      CHECK(missingOf(skeleton) == "");
      checkParts(skeleton, {{"hips", p + "Hips"},
                            {"spine", p + "Spine"},
                            {"chest", p + "Spine1"},
                            {"upper_chest", p + "Spine2"},
                            {"left_shoulder", p + "LeftShoulder"},
                            {"left_upper_arm", p + "LeftArm"},
                            {"right_lower_arm", p + "RightForeArm"},
                            {"left_upper_leg", p + "LeftUpLeg"},
                            {"left_lower_leg", p + "LeftLeg"},
                            {"left_toes", p + "LeftToeBase"},
                            {"left_thumb_metacarpal", p + "LeftHandThumb1"},
                            {"left_thumb_distal", p + "LeftHandThumb3"},
                            {"left_little_proximal", p + "LeftHandPinky1"},
                            {"left_little_distal", "-"}});
    }
  }

  TEST_CASE("VRM's names are recognised, plain and as VRoid writes them") {
    const anim::Skeleton vroid = skeletonOf(
        "Root J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest J_Bip_C_Neck "
        "J_Bip_C_Head "
        "J_Sec_Hair1_01 J_Bip_L_Shoulder<J_Bip_C_UpperChest J_Bip_L_UpperArm J_Bip_L_LowerArm "
        "J_Bip_L_Hand J_Bip_L_Index1 J_Bip_L_Index2 J_Bip_L_Index3 "
        "J_Bip_R_Shoulder<J_Bip_C_UpperChest "
        "J_Bip_R_UpperArm J_Bip_R_LowerArm J_Bip_R_Hand J_Bip_L_UpperLeg<J_Bip_C_Hips "
        "J_Bip_L_LowerLeg J_Bip_L_Foot J_Bip_L_ToeBase J_Bip_R_UpperLeg<J_Bip_C_Hips "
        "J_Bip_R_LowerLeg J_Bip_R_Foot J_Bip_R_ToeBase");
    CHECK(missingOf(vroid) == "");
    checkParts(vroid, {{"hips", "J_Bip_C_Hips"},
                       {"upper_chest", "J_Bip_C_UpperChest"},
                       {"right_shoulder", "J_Bip_R_Shoulder"},
                       {"left_index_intermediate", "J_Bip_L_Index2"},
                       {"right_toes", "J_Bip_R_ToeBase"}});
    const anim::Skeleton plain = skeletonOf(
        "hips spine chest neck head leftShoulder<chest leftUpperArm leftLowerArm leftHand "
        "leftThumbProximal leftThumbIntermediate leftThumbDistal leftIndexProximal<leftHand "
        "rightShoulder<chest rightUpperArm rightLowerArm rightHand rightThumbMetacarpal "
        "rightThumbProximal rightThumbDistal leftUpperLeg<hips leftLowerLeg leftFoot leftToes "
        "rightUpperLeg<hips rightLowerLeg rightFoot rightToes");
    CHECK(missingOf(plain) == "");
    // VRM 0 calls the thumb's first joint proximal, VRM 1 metacarpal.
    checkParts(plain, {{"left_thumb_metacarpal", "leftThumbProximal"},
                       {"left_thumb_distal", "leftThumbDistal"},
                       {"right_thumb_metacarpal", "rightThumbMetacarpal"},
                       {"left_index_proximal", "leftIndexProximal"},
                       {"chest", "chest"},
                       {"upper_chest", "-"}});
  }

  TEST_CASE("in SMPL the ankle is the foot, the foot the toes and the shoulder the upper arm") {
    const anim::Skeleton smpl = skeletonOf(
        "Pelvis L_Hip L_Knee L_Ankle L_Foot R_Hip<Pelvis R_Knee R_Ankle R_Foot Spine1<Pelvis "
        "Spine2 "
        "Spine3 Neck Head L_Collar<Spine3 L_Shoulder L_Elbow L_Wrist L_Hand R_Collar<Spine3 "
        "R_Shoulder R_Elbow R_Wrist R_Hand");
    CHECK(missingOf(smpl) == "");
    checkParts(smpl, {{"hips", "Pelvis"},
                      {"left_upper_leg", "L_Hip"},
                      {"left_lower_leg", "L_Knee"},
                      {"left_foot", "L_Ankle"},
                      {"left_toes", "L_Foot"},
                      {"right_shoulder", "R_Collar"},
                      {"right_upper_arm", "R_Shoulder"},
                      {"right_hand", "R_Wrist"}});
  }

  TEST_CASE("Unreal's mannequin, HumanIK, Biped and plain English are recognised") {
    const anim::Skeleton unreal = skeletonOf(
        "root pelvis spine_01 spine_02 spine_03 neck_01 head clavicle_l<spine_03 upperarm_l "
        "upperarm_twist_01_l lowerarm_l<upperarm_l hand_l index_metacarpal_l index_01_l index_02_l "
        "index_03_l clavicle_r<spine_03 upperarm_r lowerarm_r hand_r thigh_l<pelvis calf_l foot_l "
        "ball_l thigh_r<pelvis calf_r foot_r ball_r ik_foot_root<root ik_foot_l");
    CHECK(missingOf(unreal) == "");
    checkParts(unreal, {{"left_lower_arm", "lowerarm_l"},
                        {"left_index_proximal", "index_01_l"},
                        {"left_index_distal", "index_03_l"},
                        {"left_foot", "foot_l"},
                        {"right_toes", "ball_r"},
                        {"left_shoulder", "clavicle_l"}});
    const anim::Skeleton biped = skeletonOf(
        "Bip01 Bip01~Pelvis Bip01~Spine Bip01~Spine1 Bip01~Neck Bip01~Head Bip01~L~Clavicle "
        "Bip01~L~UpperArm Bip01~L~Forearm Bip01~L~Hand Bip01~R~Clavicle Bip01~R~UpperArm "
        "Bip01~R~Forearm Bip01~R~Hand Bip01~L~Thigh Bip01~L~Calf Bip01~L~Foot Bip01~R~Thigh "
        "Bip01~R~Calf Bip01~R~Foot");
    anim::Skeleton fixed = biped;  // Names with spaces cannot say their parents in the text.
    for (const auto& [joint, parent] : std::map<int, int>{{6, 4}, {10, 4}, {14, 2}, {17, 2}}) {
      fixed.parents[static_cast<std::size_t>(joint)] = parent;
    }
    CHECK(missingOf(fixed) == "");
    const anim::Skeleton humanik = skeletonOf(
        "Character1_Hips Character1_Spine Character1_Neck Character1_Head "
        "Character1_LeftShoulder<Character1_Spine Character1_LeftArm Character1_LeftForeArm "
        "Character1_LeftHand Character1_RightShoulder<Character1_Spine Character1_RightArm "
        "Character1_RightForeArm Character1_RightHand Character1_LeftUpLeg<Character1_Hips "
        "Character1_LeftLeg Character1_LeftFoot Character1_RightUpLeg<Character1_Hips "
        "Character1_RightLeg Character1_RightFoot");
    CHECK(missingOf(humanik) == "");
    checkParts(humanik, {{"spine", "Character1_Spine"}, {"chest", "-"}});
    const anim::Skeleton english = skeletonOf(
        "Hips Spine Chest Neck Head Left~shoulder<Chest Left~arm Left~elbow Left~wrist "
        "Right~shoulder<Chest Right~arm Right~elbow Right~wrist Left~leg<Hips Left~knee Left~ankle "
        "Left~toe Right~leg<Hips Right~knee Right~ankle Right~toe");
    CHECK(missingOf(english) == "");
    checkParts(english, {{"left_upper_leg", "Left leg"},
                         {"left_lower_leg", "Left knee"},
                         {"right_upper_arm", "Right arm"},
                         {"right_shoulder", "Right shoulder"}});
  }

  TEST_CASE("control joints of a rig play no part; a wrist before a hand is the hand") {
    const anim::Skeleton knight = skeletonOf(
        "root hips spine chest upperarm.l lowerarm.l wrist.l hand.l handslot.l upperarm.r<chest "
        "lowerarm.r wrist.r hand.r head<chest upperleg.l<hips lowerleg.l foot.l toes.l "
        "upperleg.r<hips lowerleg.r foot.r toes.r kneeIK.l<root control-foot-roll.l IK-foot.l "
        "handIK.l<root");
    CHECK(missingOf(knight) == "");
    checkParts(knight, {{"left_hand", "wrist.l"},
                        {"left_foot", "foot.l"},
                        {"chest", "chest"},
                        {"neck", "-"},
                        {"left_shoulder", "-"}});
    const anim::HumanoidMap map = anim::recogniseHumanoid(knight);
    CHECK(map.unmapped.size() + 18 == knight.size());
  }

  TEST_CASE("what is not a person is not made one, and the missing parts are named") {
    CHECK_FALSE(anim::isHumanoid(anim::recogniseHumanoid({})));
    CHECK(missingOf(skeletonOf("root a b c")).starts_with("hips head left_upper_arm "));
    CHECK_FALSE(anim::isHumanoid(anim::recogniseHumanoid(
        skeletonOf("root Hips Spine.001 Spine.002 Head Front_Leg_Upper.R<Spine.002 "
                   "Front_Leg_Lower.R Front_Foot.R Back_Leg_Upper.R<Hips Back_Leg_Lower.R"))));
  }

  TEST_CASE("the demo's skeleton of the CMU library is complete") {
    const auto clip = test::readPlainBvh("/usr/share/assimp/models/BVH/01_01.bvh");
    REQUIRE(clip.has_value());
    CHECK(missingOf(clip->skeleton) == "");
    checkParts(clip->skeleton, {{"hips", "Hips"},
                                {"spine", "LowerBack"},
                                {"chest", "Spine"},
                                {"upper_chest", "Spine1"},
                                {"neck", "Neck"},
                                {"left_shoulder", "LeftShoulder"},
                                {"left_upper_arm", "LeftArm"},
                                {"left_hand", "LeftHand"},
                                {"left_upper_leg", "LeftUpLeg"},
                                {"left_lower_leg", "LeftLeg"},
                                {"right_toes", "RightToeBase"},
                                {"left_thumb_proximal", "LThumb"}});
  }

  TEST_CASE("in Boxing_Toes the shoulder is the upper arm and the collar the shoulder") {
    const auto clip = test::readPlainBvh("/usr/share/assimp/models/BVH/Boxing_Toes.bvh");
    REQUIRE(clip.has_value());
    CHECK(missingOf(clip->skeleton) == "");
    checkParts(clip->skeleton, {{"left_shoulder", "LeftCollar"},
                                {"left_upper_arm", "LeftShoulder"},
                                {"left_lower_arm", "LeftElbow"},
                                {"left_upper_leg", "LeftHip"},
                                {"spine", "Ab"},
                                {"chest", "Chest"}});
  }

  TEST_CASE("every performer among the recorded BVH files is recognised") {
    const auto folder = test::sharedData("bvh");
    if (!folder) return;
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder)) {
      if (entry.path().extension() != ".bvh") continue;
      const auto clip = test::readPlainBvh(entry.path().string());
      if (!clip) continue;  // Wrong frame counts and the like are the real reader's business.
      ++files;
      CAPTURE(entry.path().string());
      CHECK(missingOf(clip->skeleton) == "");
      const anim::HumanoidMap map = anim::recogniseHumanoid(clip->skeleton);
      for (const HumanoidJoint part : {HumanoidJoint::left_upper_arm, HumanoidJoint::left_foot}) {
        CHECK(map[part] > map[HumanoidJoint::hips]);
      }
    }
    CHECK(files > 10);
  }
}
