#pragma once

#include <string>

#include "capture/file/vsk.h"
#include "capture/subject/subject.h"
#include "engine/core/result.h"

namespace understudy::subject {

/// The subject that a VSK file describes. Hinges and joints of two axes become balls whose other
/// axes are softly held where they are at rest; segments without any marker at or below them stay
/// as they are; roots begin upright at the origin. Parts of the humanoid are recognised by the
/// segments' names. Fails where the result is no sound subject; `place` starts the line.
core::Result<Subject> makeSubject(const file::VskFile& vsk, const std::string& name,
                                  const std::string& place);

}  // namespace understudy::subject
