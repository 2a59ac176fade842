#pragma once

#include <cstddef>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace understudy::file {

/// The XML of a file from outside, whose errors name the line. The text and the name must outlive
/// it.
class XmlText {
 public:
  XmlText(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  /// Parses the text and returns its element of that name; an error that asks whether the file is
  /// `kind`, such as "an OpenSim model", where it has none.
  core::Result<pugi::xml_node> load(const char* root, std::string_view kind);

  /// An error in the line of that node.
  core::Error error(const pugi::xml_node& node, const std::string& what) const;

 private:
  core::Error errorAt(std::ptrdiff_t offset, const std::string& what) const;

  std::string_view text_;
  const std::string& name_;
  pugi::xml_document document_;
};

}  // namespace understudy::file
