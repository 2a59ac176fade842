#include "capture/subject/subject_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>

#include "tests/support/stage.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;

std::string errorOf(const std::string& toml) {
  return test::errorOf(subject::parseSubject(toml, "subject.toml"));
}

}  // namespace

TEST_SUITE("subject/subject_file") {
  TEST_CASE("a simulated subject comes back to the last bit") {
    const source::SimulatedStage stage = test::figureStage({});
    subject::Subject subject = stage.subjects()[0];
    const int parent = subject.skeleton.parents[static_cast<std::size_t>(subject.markers[5].joint)];
    subject.markers[5].also = {parent, 0.3f, {0.1f, -0.2f, 0.3f}};
    subject.joints[4].place_sigma = 0.0031f;
    CHECK(subject::check(subject, "here"));
    const auto back = subject::parseSubject(subject::formatSubject(subject), "subject.toml");
    REQUIRE_MESSAGE(back, (back ? "" : back.error().message));
    CHECK(back->name == subject.name);
    CHECK(back->skeleton.names == subject.skeleton.names);
    CHECK(back->skeleton.parents == subject.skeleton.parents);
    CHECK(back->skeleton.parent_from_joint == subject.skeleton.parent_from_joint);
    CHECK(back->humanoid.joint == subject.humanoid.joint);
    CHECK(back->humanoid.unmapped == subject.humanoid.unmapped);
    REQUIRE(back->markers.size() == subject.markers.size());
    for (std::size_t m = 0; m < back->markers.size(); ++m) {
      CHECK(back->markers[m].name == subject.markers[m].name);
      CHECK(back->markers[m].joint == subject.markers[m].joint);
      CHECK(back->markers[m].offset_joint == subject.markers[m].offset_joint);
      CHECK(back->markers[m].also == subject.markers[m].also);
    }
    for (std::size_t j = 0; j < back->joints.size(); ++j) {
      CHECK(back->joints[j].motion == subject.joints[j].motion);
      CHECK(back->joints[j].limit == subject.joints[j].limit);
      CHECK(back->joints[j].place_sigma == subject.joints[j].place_sigma);
      CHECK(back->joints[j].flexion == subject.joints[j].flexion);
      CHECK(back->joints[j].abduction == subject.joints[j].abduction);
      CHECK(back->joints[j].twist == subject.joints[j].twist);
      CHECK(back->joints[j].joint_from_anatomical == subject.joints[j].joint_from_anatomical);
    }
  }

  TEST_CASE("every error names file, line and reason") {
    const std::string good =
        "name = \"x\"\n[[joint]]\nname = \"hips\"\nmotion = \"free\"\n[[joint]]\nname = "
        "\"knee\"\nparent = \"hips\"\n[[marker]]\nname = \"A\"\njoint = \"hips\"\noffset = [0, 0, "
        "1]\n[humanoid]\nhips = \"hips\"\n";
    CHECK(errorOf(good) == "no error");
    const auto changed = [&](const std::string& from, const std::string& to) {
      std::string text = good;
      text.replace(text.find(from), from.size(), to);
      return errorOf(text);
    };
    CHECK(has(changed("parent = \"hips\"", "parent = \"hisp\""), "subject.toml:7: parent"));
    CHECK(has(changed("parent = \"hips\"", "parent = \"hisp\""), "did you mean hips?"));
    CHECK(has(changed("parent = \"hips\"", "parent = \"knee\""), "no joint above it"));
    CHECK(has(changed("\"free\"", "\"loose\""), "fixed, ball, free, hinge or saddle"));
    CHECK(has(changed("\"knee\"", "\"hips\""), "used twice"));
    CHECK(has(changed("[0, 0, 1]", "[0, nan, 1]"), "finite"));
    CHECK(has(changed("joint = \"hips\"", "joint = \"toe\""), "no joint above it"));
    CHECK(has(changed("[humanoid]\nhips", "[humanoid]\nhipz"), "did you mean hips?"));
    CHECK(has(changed("motion", "rotation_xyzw = [0, 0, 0, 0]\nmotion"), "length 1"));
    CHECK(has(changed("motion", "flexion = [1, 0]\nmotion"), "the lower limit, then"));
    CHECK(has(changed("motion", "flexion = [0, inf]\nmotion"), "subject.toml"));
    CHECK(has(changed("motion", "twist = [1]\nmotion"), "subject.toml"));
    CHECK(has(changed("motion", "axes_xyzw = [0, 0, 0, 0]\nmotion"), "length 1"));
    CHECK(has(changed("motion", "place_sigma = -0.1\nmotion"), "place_sigma"));
    CHECK(has(changed("motion", "place_sigma = nan\nmotion"), "place_sigma"));
    CHECK(changed("motion", "flexion = [-1, 2]\nmotion") == "no error");
    CHECK(has(errorOf("name = \"x\"\n"), "at least one [[joint]]"));
    CHECK(has(errorOf("\x01\x02"), "not valid TOML"));
  }

  TEST_CASE("broken files are errors or sound subjects, never a crash") {
    const source::SimulatedStage stage = test::figureStage({});
    subject::Subject subject = stage.subjects()[0];
    subject.markers.resize(6);
    const std::string good = subject::formatSubject(subject);
    std::mt19937 random(17);
    const char kBytes[] = "\0\n\t \"[]={}#,.-+019eEnaif\\\xff";
    const std::string kWords[] = {"nan", "inf", "-1e400", "[]", "\"\"", "true", "[[joint]]", "{}"};
    std::size_t read = 0;
    for (int i = 0; i < 1500; ++i) {
      std::string text = good;
      for (int hit = 0; hit < 3; ++hit) {
        const std::size_t at = random() % text.size();
        if (random() % 3 == 0) {
          const std::string& word = kWords[random() % std::size(kWords)];
          text.replace(at, std::min(word.size(), text.size() - at), word);
        } else {
          text[at] = kBytes[random() % (sizeof kBytes - 1)];
        }
      }
      if (i % 7 == 0) text.resize(random() % text.size());
      const auto result = subject::parseSubject(text, "subject.toml");
      if (!result) {
        CHECK(result.error().message.starts_with("subject.toml:"));
        continue;
      }
      ++read;
      const auto sound = subject::check(*result, "subject.toml");
      CHECK_MESSAGE(sound, (sound ? "" : sound.error().message));
    }
    CHECK(read > 0);
  }

  TEST_CASE("a subject made by a program is checked alike") {
    subject::Subject subject = test::figureStage({}).subjects()[0];
    subject.markers[3].joint = 1000;
    CHECK_FALSE(subject::check(subject, "here"));
    subject.markers[3].joint = 0;
    subject.markers[3].offset_joint.x = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(subject::check(subject, "here"));
    subject.markers[3].offset_joint.x = 0.0f;
    CHECK(subject::check(subject, "here"));
    subject.markers[3].also = {static_cast<int>(subject.skeleton.size()) - 1, 0.5f, {}};
    CHECK_FALSE(subject::check(subject, "here"));
    subject.markers[3].also = {subject.skeleton.parents[1] == 0 ? 1 : -1, 1.5f, {}};
    CHECK_FALSE(subject::check(subject, "here"));
    subject.markers[3].also = {};
    subject.joints[2].place_sigma = -1.0f;
    CHECK_FALSE(subject::check(subject, "here"));
    subject.joints[2].place_sigma = 0.0f;
    subject.skeleton.parents[0] = 0;
    CHECK_FALSE(subject::check(subject, "here"));
  }
}
