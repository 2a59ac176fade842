#pragma once

#include "capture/subject/subject.h"

namespace understudy::subject {

/// How far the joint that plays this part turns away from a standing rest pose in a healthy adult,
/// radians, all directions taken together and with a generous margin, because skeletons share the
/// spine's and the arm's turns in different ways. Pi where a limit would say nothing. After
/// Kapandji, "The Physiology of the Joints" (6th edition, 2007).
float anatomicalLimit(anim::HumanoidJoint part);

/// Gives every joint that plays a part its limit; the others keep theirs.
void setAnatomicalLimits(Subject& subject);

}  // namespace understudy::subject
