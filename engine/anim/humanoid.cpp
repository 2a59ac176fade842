#include "engine/anim/humanoid.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace understudy::anim {
namespace {

using enum HumanoidJoint;

constexpr std::array<std::string_view, kHumanoidJointCount> kNames{
    "hips",
    "spine",
    "chest",
    "upper_chest",
    "neck",
    "head",
    "left_shoulder",
    "left_upper_arm",
    "left_lower_arm",
    "left_hand",
    "right_shoulder",
    "right_upper_arm",
    "right_lower_arm",
    "right_hand",
    "left_upper_leg",
    "left_lower_leg",
    "left_foot",
    "left_toes",
    "right_upper_leg",
    "right_lower_leg",
    "right_foot",
    "right_toes",
    "left_thumb_metacarpal",
    "left_thumb_proximal",
    "left_thumb_distal",
    "left_index_proximal",
    "left_index_intermediate",
    "left_index_distal",
    "left_middle_proximal",
    "left_middle_intermediate",
    "left_middle_distal",
    "left_ring_proximal",
    "left_ring_intermediate",
    "left_ring_distal",
    "left_little_proximal",
    "left_little_intermediate",
    "left_little_distal",
    "right_thumb_metacarpal",
    "right_thumb_proximal",
    "right_thumb_distal",
    "right_index_proximal",
    "right_index_intermediate",
    "right_index_distal",
    "right_middle_proximal",
    "right_middle_intermediate",
    "right_middle_distal",
    "right_ring_proximal",
    "right_ring_intermediate",
    "right_ring_distal",
    "right_little_proximal",
    "right_little_intermediate",
    "right_little_distal",
};
static_assert(!kNames.back().empty());

enum class Side : std::uint8_t { none, left, right };

// What a name says, before the hierarchy has its say. Shoulder, hip, arm and leg mean different
// joints in different conventions.
enum class Word : std::uint8_t {
  other,
  pelvis,
  neck,
  head,
  clavicle,
  shoulder,
  upper_arm,
  lower_arm,
  wrist,
  hand,
  hip,
  upper_leg,
  leg,
  lower_leg,
  ankle,
  foot,
  toes,
  thumb,
  index,
  middle,
  ring,
  little
};

struct Spelling {
  std::string_view text;
  Word word;
};

// Names without side, numbers and separators.
constexpr Spelling kSpellings[] = {
    {"hips", Word::pelvis},       {"pelvis", Word::pelvis},      {"neck", Word::neck},
    {"lowerneck", Word::neck},    {"head", Word::head},          {"skull", Word::head},
    {"clavicle", Word::clavicle}, {"collar", Word::clavicle},    {"collarbone", Word::clavicle},
    {"clav", Word::clavicle},     {"shoulder", Word::shoulder},  {"upperarm", Word::upper_arm},
    {"uparm", Word::upper_arm},   {"arm", Word::upper_arm},      {"armupper", Word::upper_arm},
    {"humerus", Word::upper_arm}, {"lowerarm", Word::lower_arm}, {"loarm", Word::lower_arm},
    {"forearm", Word::lower_arm}, {"armlower", Word::lower_arm}, {"elbow", Word::lower_arm},
    {"radius", Word::lower_arm},  {"wrist", Word::wrist},        {"hand", Word::hand},
    {"hip", Word::hip},           {"upperleg", Word::upper_leg}, {"upleg", Word::upper_leg},
    {"thigh", Word::upper_leg},   {"legupper", Word::upper_leg}, {"femur", Word::upper_leg},
    {"leg", Word::leg},           {"lowerleg", Word::lower_leg}, {"loleg", Word::lower_leg},
    {"shin", Word::lower_leg},    {"calf", Word::lower_leg},     {"leglower", Word::lower_leg},
    {"knee", Word::lower_leg},    {"tibia", Word::lower_leg},    {"ankle", Word::ankle},
    {"foot", Word::foot},         {"toes", Word::toes},          {"toe", Word::toes},
    {"ball", Word::toes},         {"thumb", Word::thumb},        {"index", Word::index},
    {"middle", Word::middle},     {"mid", Word::middle},         {"ring", Word::ring},
    {"little", Word::little},     {"pinky", Word::little},       {"pinkie", Word::little},
};

// Parts of names that say nothing about the joint.
constexpr std::string_view kSilent[] = {"mixamorig", "character", "armature", "bip",  "def",
                                        "jnt",       "joint",     "bone",     "base", "cc",
                                        "rig",       "j",         "b",        "c"};
// Parts of names of joints that serve rigs, meshes or ends and play no part.
constexpr std::string_view kHelpers[] = {
    "ik",      "end",  "site",   "nub",    "tip",        "twist",   "roll",
    "control", "ctrl", "target", "pole",   "socket",     "slot",    "handslot",
    "sec",     "mch",  "org",    "helper", "corrective", "special", "metatarsal"};
// Parts of finger names beside the finger's own.
constexpr std::string_view kFingerParts[] = {"hand",   "finger",       "phalanx",   "proximal",
                                             "distal", "intermediate", "metacarpal"};

template <std::size_t Count>
bool contains(const std::string_view (&list)[Count], std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

Word spelled(std::string_view text) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.text == text) return spelling.word;
  }
  return Word::other;
}

bool isFinger(Word word) { return word >= Word::thumb; }

// "mixamorig:LeftUpLeg_012" -> left, up, leg, 012.
std::vector<std::string> splitName(const std::string& name) {
  const std::size_t colon = name.rfind(':');
  std::vector<std::string> parts;
  char before = ' ';
  for (std::size_t i = colon == std::string::npos ? 0 : colon + 1; i < name.size(); ++i) {
    const auto is = [&](int (*kind)(int), char c) {
      return kind(static_cast<unsigned char>(c)) != 0;
    };
    const char c = name[i];
    const char after = i + 1 < name.size() ? name[i + 1] : ' ';
    if (is(std::isalnum, c)) {
      const bool hump =
          is(std::isupper, c) &&
          (is(std::islower, before) || (is(std::isupper, before) && is(std::islower, after)));
      const bool number = is(std::isdigit, c) != is(std::isdigit, before);
      if (parts.empty() || !is(std::isalnum, before) || hump || number) parts.emplace_back();
      parts.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    before = c;
  }
  return parts;
}

Side sideOf(std::string_view part) {
  if (part == "l" || part == "left") return Side::left;
  if (part == "r" || part == "right") return Side::right;
  return Side::none;
}

struct Reading {
  Side side = Side::none;
  Word word = Word::other;
};

// Finds the side in a glued lower-case word such as "leftupleg" or "lfoot".
void readGlued(const std::string& text, Reading& reading) {
  reading.word = spelled(text);
  if (reading.word != Word::other || reading.side != Side::none) return;
  for (const std::string_view prefix : {"left", "right", "l", "r"}) {
    if (!text.starts_with(prefix)) continue;
    reading.word = spelled(std::string_view(text).substr(prefix.size()));
    if (reading.word == Word::other) continue;
    reading.side = sideOf(prefix);
    return;
  }
}

// MakeHuman counts fingers from the thumb: "finger2-1" is the index finger's first joint.
Word numberedFinger(const std::vector<std::string>& numbers) {
  if (numbers.size() != 2 || numbers[0].size() != 1) return Word::other;
  constexpr Word kFingers[] = {Word::thumb, Word::index, Word::middle, Word::ring, Word::little};
  const int number = numbers[0][0] - '1';
  return number >= 0 && number < 5 ? kFingers[number] : Word::other;
}

Reading readName(const std::string& name) {
  Reading reading;
  if (name.starts_with("__")) return reading;  // MakeHuman's dummies before the joint itself.
  std::string text;
  std::vector<std::string> numbers;
  bool metacarpal = false;
  Word finger = Word::other;
  for (const std::string& part : splitName(name)) {
    if (contains(kHelpers, part)) return {};
    if (std::isdigit(static_cast<unsigned char>(part[0])) != 0) {
      numbers.push_back(part);
    } else if (reading.side == Side::none && sideOf(part) != Side::none) {
      reading.side = sideOf(part);
    } else if (isFinger(spelled(part))) {
      finger = spelled(part);
    } else if (!contains(kSilent, part)) {
      metacarpal |= part == "metacarpal";
      text += part;
    }
  }
  if (finger == Word::other && text == "finger") finger = numberedFinger(numbers);
  if (finger == Word::other) {
    readGlued(text, reading);
    return reading;
  }
  // The rest of a finger's name may only hold words of the hand; only thumbs use their metacarpal.
  for (bool found = true; found && !text.empty();) {
    found = false;
    for (const std::string_view part : kFingerParts) {
      if (!text.starts_with(part)) continue;
      text.erase(0, part.size());
      found = true;
    }
  }
  if (text.empty() && (!metacarpal || finger == Word::thumb)) reading.word = finger;
  return reading;
}

class Recogniser {
 public:
  explicit Recogniser(const Skeleton& skeleton) : skeleton_(skeleton) {
    map_.joint.fill(-1);
    for (const std::string& name : skeleton.names) readings_.push_back(readName(name));
  }

  HumanoidMap run() {
    for (const Side side : {Side::left, Side::right}) {
      recogniseArm(side);
      recogniseLeg(side);
    }
    map_.joint[indexOf(head)] = first(Side::none, Word::head);
    recogniseHips();
    recogniseTorso();
    for (int joint = 0; joint < static_cast<int>(skeleton_.size()); ++joint) {
      if (std::find(map_.joint.begin(), map_.joint.end(), joint) == map_.joint.end()) {
        map_.unmapped.push_back(joint);
      }
    }
    return std::move(map_);
  }

 private:
  static std::size_t indexOf(HumanoidJoint part) { return static_cast<std::size_t>(part); }

  int parent(int joint) const { return skeleton_.parents[static_cast<std::size_t>(joint)]; }

  // True if `joint` is `ancestor` or below it; everything is below -1.
  bool isBelow(int joint, int ancestor) const {
    if (ancestor < 0) return true;
    while (joint > ancestor) joint = parent(joint);
    return joint == ancestor;
  }

  // The first joint of this name strictly below `ancestor`, or -1. Parents come first, so it is the
  // nearest one in its chain.
  int first(Side side, Word word, int ancestor = -1) const {
    for (int joint = ancestor + 1; joint < static_cast<int>(readings_.size()); ++joint) {
      const Reading& reading = readings_[static_cast<std::size_t>(joint)];
      if (reading.side == side && reading.word == word && isBelow(joint, ancestor)) return joint;
    }
    return -1;
  }

  int firstOf(Side side, std::initializer_list<Word> words, int ancestor = -1) const {
    for (const Word word : words) {
      const int joint = first(side, word, ancestor);
      if (joint >= 0) return joint;
    }
    return -1;
  }

  // Of two words that may both be in the chain (wrist and hand) the one nearer to the body.
  int nearer(Side side, Word a, Word b, int ancestor) const {
    const int joint_a = first(side, a, ancestor), joint_b = first(side, b, ancestor);
    if (joint_a < 0 || joint_b < 0) return std::max(joint_a, joint_b);
    return std::min(joint_a, joint_b);
  }

  void set(Side side, HumanoidJoint left_part, HumanoidJoint right_part, int joint) {
    map_.joint[indexOf(side == Side::left ? left_part : right_part)] = joint;
  }

  void recogniseArm(Side side) {
    int collar = first(side, Word::clavicle);
    int upper = first(side, Word::upper_arm, collar);
    if (upper < 0) {
      upper = first(side, Word::shoulder, collar);  // Boxing_Toes, SMPL: collar, shoulder, elbow.
    } else if (collar < 0) {
      collar = first(side, Word::shoulder);
      if (collar >= 0 && !isBelow(upper, collar)) collar = -1;
    }
    if (upper < 0) return;
    const int lower = first(side, Word::lower_arm, upper);
    const int hand = lower < 0 ? -1 : nearer(side, Word::wrist, Word::hand, lower);
    set(side, left_shoulder, right_shoulder, collar);
    set(side, left_upper_arm, right_upper_arm, upper);
    set(side, left_lower_arm, right_lower_arm, lower);
    set(side, left_hand, right_hand, hand);
    if (hand >= 0) recogniseFingers(side, hand);
  }

  void recogniseFingers(Side side, int hand) {
    const std::size_t first_part =
        indexOf(side == Side::left ? left_thumb_metacarpal : right_thumb_metacarpal);
    for (std::size_t finger = 0; finger < 5; ++finger) {
      const Word word = static_cast<Word>(static_cast<std::size_t>(Word::thumb) + finger);
      std::array<int, 3> chain{-1, -1, -1};
      std::size_t count = 0;
      for (int joint = hand; count < 3; ++count) {
        joint = first(side, word, joint);
        if (joint < 0) break;
        chain[count] = joint;
      }
      // A thumb with fewer than three joints has no metacarpal of its own.
      if (finger == 0 && count > 0 && count < 3) chain = {-1, chain[0], chain[1]};
      std::copy(chain.begin(), chain.end(),
                map_.joint.begin() + static_cast<std::ptrdiff_t>(first_part + 3 * finger));
    }
  }

  void recogniseLeg(Side side) {
    // "Leg" is the lower one beside an "UpLeg" (Mixamo, CMU), the upper one beside a "Knee".
    int upper = first(side, Word::upper_leg);
    if (upper < 0 && first(side, Word::lower_leg) >= 0) upper = first(side, Word::leg);
    if (upper < 0) upper = firstOf(side, {Word::hip, Word::leg});
    if (upper < 0) return;
    const int lower = firstOf(side, {Word::lower_leg, Word::leg}, upper);
    const int foot = lower < 0 ? -1 : nearer(side, Word::ankle, Word::foot, lower);
    set(side, left_upper_leg, right_upper_leg, upper);
    set(side, left_lower_leg, right_lower_leg, lower);
    set(side, left_foot, right_foot, foot);
    if (foot < 0) return;
    int toes = first(side, Word::toes, foot);
    // Five toes of their own are not "the toes".
    for (int joint = toes + 1; toes >= 0 && joint < static_cast<int>(readings_.size()); ++joint) {
      const Reading& reading = readings_[static_cast<std::size_t>(joint)];
      if (reading.side == side && reading.word == Word::toes && !isBelow(joint, toes)) toes = -1;
    }
    if (toes < 0) toes = first(side, Word::foot, foot);  // SMPL: ankle, then foot.
    set(side, left_toes, right_toes, toes);
  }

  // The hips are where legs and spine part, whatever that joint is called.
  void recogniseHips() {
    const int left = map_[left_upper_leg], right = map_[right_upper_leg], top = map_[head];
    int joint = firstOf(Side::none, {Word::pelvis, Word::hip});
    if (left >= 0 && right >= 0 && top >= 0) {
      int fork = parent(left);
      while (fork >= 0 && !(isBelow(right, fork) && isBelow(top, fork))) fork = parent(fork);
      if (fork >= 0) joint = fork;
    }
    map_.joint[indexOf(hips)] = joint;
  }

  // Everything between hips and head: necks by name, the rest is spine.
  void recogniseTorso() {
    const int bottom = map_[hips], top = map_[head];
    if (bottom < 0 || top < 0 || !isBelow(top, bottom)) return;
    std::vector<int> spines;
    int lowest_neck = -1;
    for (int joint = parent(top); joint > bottom; joint = parent(joint)) {
      const Reading& reading = readings_[static_cast<std::size_t>(joint)];
      if (reading.word == Word::neck) {
        lowest_neck = joint;
        spines.clear();  // A neck below makes what is above it neck, too.
      } else if (!skeleton_.names[static_cast<std::size_t>(joint)].starts_with("__")) {
        spines.push_back(joint);
      }
    }
    std::reverse(spines.begin(), spines.end());
    map_.joint[indexOf(neck)] = lowest_neck;
    const std::size_t count = spines.size();
    if (count > 0) map_.joint[indexOf(spine)] = spines.front();
    if (count == 2) map_.joint[indexOf(chest)] = spines.back();
    if (count >= 3) {
      map_.joint[indexOf(chest)] = spines[count / 2];
      map_.joint[indexOf(upper_chest)] = spines.back();
    }
  }

  const Skeleton& skeleton_;
  std::vector<Reading> readings_;
  HumanoidMap map_;
};

}  // namespace

std::string_view humanoidName(HumanoidJoint joint) {
  return joint < count ? kNames[static_cast<std::size_t>(joint)] : std::string_view();
}

HumanoidJoint humanoidJoint(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return static_cast<HumanoidJoint>(found - kNames.begin());
}

HumanoidMap recogniseHumanoid(const Skeleton& skeleton) { return Recogniser(skeleton).run(); }

bool isHumanoid(const HumanoidMap& map, std::vector<std::string>* missing) {
  bool complete = true;
  for (const HumanoidJoint part :
       {hips, head, left_upper_arm, left_lower_arm, left_hand, right_upper_arm, right_lower_arm,
        right_hand, left_upper_leg, left_lower_leg, left_foot, right_upper_leg, right_lower_leg,
        right_foot}) {
    if (map[part] >= 0) continue;
    complete = false;
    if (missing != nullptr) missing->emplace_back(humanoidName(part));
  }
  return complete;
}

}  // namespace understudy::anim
