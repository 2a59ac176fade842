#include "capture/file/xml_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace understudy::file {

core::Result<pugi::xml_node> XmlText::load(const char* root, std::string_view kind) {
  // Without document types there are no entities of the file's own, so that nothing can expand.
  const pugi::xml_parse_result parsed =
      document_.load_buffer(text_.data(), text_.size(), pugi::parse_default & ~pugi::parse_doctype);
  if (!parsed) {
    return errorAt(parsed.offset, fmt::format("no sound XML ({}); the file is damaged or cut off",
                                              parsed.description()));
  }
  const pugi::xml_node found = document_.child(root);
  if (!found) return errorAt(0, fmt::format("has no {}; is this {}?", root, kind));
  return found;
}

core::Error XmlText::error(const pugi::xml_node& node, const std::string& what) const {
  return errorAt(node.offset_debug(), what);
}

core::Error XmlText::errorAt(std::ptrdiff_t offset, const std::string& what) const {
  const auto end = std::clamp<std::ptrdiff_t>(offset, 0, std::ssize(text_));
  const auto line = 1 + std::count(text_.begin(), text_.begin() + end, '\n');
  return core::makeError(fmt::format("{}:{}: {}", name_, line, what));
}

}  // namespace understudy::file
