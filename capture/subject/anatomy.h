#pragma once

#include "capture/subject/subject.h"

namespace understudy::subject {

/// For tables of angles, which anatomy states in degrees.
inline constexpr double kRadiansPerDegree = 0.01745329251994330;

/// How far the joint that plays this part turns away from a standing rest pose in a healthy adult,
/// radians, all directions taken together and with a generous margin, because skeletons share the
/// spine's and the arm's turns in different ways. Pi where a limit would say nothing. After
/// Kapandji, "The Physiology of the Joints" (6th edition, 2007).
float anatomicalLimit(anim::HumanoidJoint part);

/// Turn of a joint about its anatomical axes: x flexion, y twist, z abduction, radians.
/// `rest_from_joint` is its rotation against the rest pose, conjugate(rest) * pose. The bone first
/// twists about itself, then swings; the swing's rotation vector is split over x and z (the joint
/// coordinate system of Grood and Suntay, J. Biomechanical Engineering 105 (1983), as far as
/// joints that bend about one axis go, and without its singularity at 90 degrees for others).
glm::dvec3 anatomicalAngles(const JointModel& model, const glm::dquat& rest_from_joint);

/// Gives every joint that plays a part its anatomical axes and the limits about them; the others
/// keep theirs. Axes come from the rest pose, which must be a standing one. Ranges are the means of
/// healthy adults (American Academy of Orthopaedic Surgeons, "Joint Motion: Method of Measuring and
/// Recording", 1965; clavicle after Kapandji) with a fifth and 9 degrees on top: for performers,
/// and because no skeleton's zero is exactly anatomy's. Upper arms have none.
void setAnatomicalAxes(Subject& subject);

/// Gives every joint that plays a part its limit (anatomicalLimit), axes and limits about them.
void setAnatomicalLimits(Subject& subject);

}  // namespace understudy::subject
