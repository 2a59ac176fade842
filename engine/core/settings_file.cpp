#include "engine/core/settings_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <type_traits>
#include <utility>

#define TOML_EXCEPTIONS 0
// Its parser asserts that a key follows "[" and then reports it as an error where none does: a
// damaged file must not end a debug build.
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>

namespace understudy::core {

struct SettingsContent {
  std::string name;
  toml::table root;
  std::optional<Error> error;
  std::map<const toml::table*, std::set<std::string>> asked;

  void fail(const toml::source_region& place, std::string_view text) {
    if (error) return;
    error =
        makeError(place.begin.line == 0 ? fmt::format("{}: {}", name, text)
                                        : fmt::format("{}:{}: {}", name, place.begin.line, text));
  }
};

namespace {

constexpr std::size_t kMostSettingsBytes = std::size_t{16} << 20;  // No settings are that long.

const toml::table* tableOf(const void* table) { return static_cast<const toml::table*>(table); }

const char* kindOf(const toml::node& node) {
  if (node.is_string()) return "text";
  if (node.is_boolean()) return "true or false";
  if (node.is_integer()) return "a whole number";
  if (node.is_floating_point()) return "a number";
  if (node.is_array()) return "an array";
  if (node.is_table()) return "a table";
  return "a date or time";
}

// The node of a key, which from now on counts as known; null where it is missing.
const toml::node* find(SettingsContent& content, const void* table, std::string_view key,
                       Need need) {
  const toml::table* values = tableOf(table);
  if (values == nullptr) return nullptr;
  content.asked[values].insert(std::string(key));
  const toml::node* node = values->get(key);
  if (node == nullptr && need == Need::required) {
    content.fail(values->source(), fmt::format("{} is missing; add it", key));
  }
  return node;
}

void failKind(SettingsContent& content, const toml::node& node, std::string_view key,
              std::string_view wanted) {
  content.fail(node.source(), fmt::format("{} must be {}, not {}", key, wanted, kindOf(node)));
}

std::string describe(const Range& range) {
  const Range all;
  if (range.most >= all.most) return fmt::format("at least {}", range.least);
  if (range.least <= all.least) return fmt::format("at most {}", range.most);
  return fmt::format("from {} to {}", range.least, range.most);
}

template <class Number>
bool readNumber(SettingsContent& content, const toml::node& node, std::string_view key,
                const Range& range, Number& value) {
  double number = 0.0;
  if constexpr (std::is_integral_v<Number>) {
    const auto whole = node.value_exact<std::int64_t>();
    if (!whole) {
      failKind(content, node, key, "a whole number");
      return false;
    }
    if (!std::in_range<Number>(*whole)) {
      content.fail(node.source(), fmt::format("{} = {} does not fit", key, *whole));
      return false;
    }
    number = static_cast<double>(*whole);
    if (number >= range.least && number <= range.most) {
      value = static_cast<Number>(*whole);
      return true;
    }
  } else {
    if (!node.is_number()) {
      failKind(content, node, key, "a number");
      return false;
    }
    number = node.value<double>().value_or(0.0);
    if (std::isfinite(static_cast<Number>(number)) && number >= range.least &&
        number <= range.most) {
      value = static_cast<Number>(number);
      return true;
    }
  }
  content.fail(node.source(), std::isfinite(number) ? fmt::format("{} must be {}, not {}", key,
                                                                  describe(range), number)
                                                    : fmt::format("{} must be finite", key));
  return false;
}

template <class Number>
void readOne(SettingsContent& content, const void* table, std::string_view key, Number& value,
             const Range& range, Need need) {
  const toml::node* node = find(content, table, key, need);
  if (node != nullptr) readNumber(content, *node, key, range, value);
}

template <class Number>
void readSome(SettingsContent& content, const void* table, std::string_view key,
              std::span<Number> values, const Range& range, Need need) {
  const toml::node* node = find(content, table, key, need);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr || array->size() != values.size()) {
    content.fail(node->source(),
                 fmt::format("{} must be an array of {} numbers", key, values.size()));
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!readNumber(content, *array->get(i), key, range, values[i])) return;
  }
}

}  // namespace

void SettingsTable::read(std::string_view key, bool& value, Need need) {
  const toml::node* node = find(*content_, table_, key, need);
  if (node == nullptr) return;
  if (node->is_boolean()) {
    value = node->value<bool>().value_or(value);
  } else {
    failKind(*content_, *node, key, "true or false");
  }
}

void SettingsTable::read(std::string_view key, std::string& value, Need need) {
  const toml::node* node = find(*content_, table_, key, need);
  if (node == nullptr) return;
  if (node->is_string()) {
    value = node->value<std::string>().value_or(value);
  } else {
    failKind(*content_, *node, key, "text in quotes");
  }
}

void SettingsTable::read(std::string_view key, double& value, Range range, Need need) {
  readOne(*content_, table_, key, value, range, need);
}

void SettingsTable::read(std::string_view key, float& value, Range range, Need need) {
  readOne(*content_, table_, key, value, range, need);
}

void SettingsTable::read(std::string_view key, int& value, Range range, Need need) {
  readOne(*content_, table_, key, value, range, need);
}

void SettingsTable::read(std::string_view key, std::int64_t& value, Range range, Need need) {
  readOne(*content_, table_, key, value, range, need);
}

void SettingsTable::read(std::string_view key, std::uint32_t& value, Range range, Need need) {
  readOne(*content_, table_, key, value, range, need);
}

void SettingsTable::read(std::string_view key, std::span<double> values, Range range, Need need) {
  readSome(*content_, table_, key, values, range, need);
}

void SettingsTable::read(std::string_view key, std::span<float> values, Range range, Need need) {
  readSome(*content_, table_, key, values, range, need);
}

void SettingsTable::read(std::string_view key, std::vector<double>& values, Range range,
                         Need need) {
  const toml::node* node = find(*content_, table_, key, need);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    failKind(*content_, *node, key, "an array of numbers");
    return;
  }
  std::vector<double> numbers(array->size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!readNumber(*content_, *array->get(i), key, range, numbers[i])) return;
  }
  values = std::move(numbers);
}

void SettingsTable::read(std::string_view key, std::vector<std::string>& values, Need need) {
  const toml::node* node = find(*content_, table_, key, need);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    failKind(*content_, *node, key, "an array of texts");
    return;
  }
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    if (!element.is_string()) {
      failKind(*content_, element, key, "an array of texts");
      return;
    }
    texts.push_back(element.value<std::string>().value_or(""));
  }
  values = std::move(texts);
}

bool SettingsTable::has(std::string_view key) {
  return find(*content_, table_, key, Need::optional) != nullptr;
}

SettingsTable SettingsTable::table(std::string_view key, Need need) {
  const toml::node* node = find(*content_, table_, key, need);
  if (node != nullptr && !node->is_table()) failKind(*content_, *node, key, "a table");
  return {*content_, node == nullptr ? nullptr : node->as_table()};
}

std::vector<SettingsTable> SettingsTable::tables(std::string_view key) {
  std::vector<SettingsTable> result;
  const toml::node* node = find(*content_, table_, key, Need::optional);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    failKind(*content_, *node, key, fmt::format("tables, written [[{}]]", key));
    return result;
  }
  for (const toml::node& element : *array) {
    if (!element.is_table()) {
      failKind(*content_, element, key, fmt::format("tables, written [[{}]]", key));
      return {};
    }
    result.push_back({*content_, element.as_table()});
  }
  return result;
}

std::vector<std::string> SettingsTable::keys() {
  std::vector<std::string> names;
  if (const toml::table* values = tableOf(table_)) {
    for (const auto& [key, node] : *values) names.emplace_back(key.str());
    content_->asked[values].insert(names.begin(), names.end());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void SettingsTable::fail(std::string_view key, std::string_view message) {
  const toml::table* values = tableOf(table_);
  const toml::node* node = values == nullptr || key.empty() ? nullptr : values->get(key);
  const toml::source_region place = node != nullptr     ? node->source()
                                    : values != nullptr ? values->source()
                                                        : toml::source_region{};
  content_->fail(place, key.empty() ? std::string(message) : fmt::format("{} {}", key, message));
}

SettingsFile::SettingsFile(std::unique_ptr<SettingsContent> content)
    : content_(std::move(content)) {}
SettingsFile::SettingsFile(SettingsFile&&) noexcept = default;
SettingsFile& SettingsFile::operator=(SettingsFile&&) noexcept = default;
SettingsFile::~SettingsFile() = default;

Result<SettingsFile> SettingsFile::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return makeError(fmt::format("{}: cannot be opened; check the name and permissions", path));
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return makeError(fmt::format("{}: is a folder; name a file in it", path));
  }
  std::string text(kMostSettingsBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return makeError(fmt::format("{}: cannot be read; check the disk", path));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMostSettingsBytes) {
    return makeError(
        fmt::format("{}: is larger than {} MiB; check what it is", path, kMostSettingsBytes >> 20));
  }
  return parse(text, path);
}

Result<SettingsFile> SettingsFile::parse(std::string_view text, const std::string& name) {
  toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return makeError(fmt::format("{}:{}: not valid TOML: {}", name, error.source().begin.line,
                                 error.description()));
  }
  auto content = std::make_unique<SettingsContent>();
  content->name = name;
  content->root = std::move(parsed).table();
  return SettingsFile(std::move(content));
}

SettingsTable SettingsFile::root() { return {*content_, &content_->root}; }

Result<void> SettingsFile::finish() {
  if (content_->error) return *content_->error;
  std::vector<const toml::table*> tables{&content_->root};
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::set<std::string>& asked = content_->asked[tables[i]];
    for (const auto& [key, node] : *tables[i]) {
      const std::string name(key.str());
      if (!asked.contains(name)) {
        const std::vector<std::string> known(asked.begin(), asked.end());
        const std::string nearest = nearestName(name, known);
        content_->fail(key.source(),
                       fmt::format("unknown key {}; {}", name,
                                   nearest.empty() ? std::string("remove it")
                                                   : fmt::format("did you mean {}?", nearest)));
        return *content_->error;
      }
      if (const toml::table* table = node.as_table()) tables.push_back(table);
      if (const toml::array* array = node.as_array()) {
        for (const toml::node& element : *array) {
          if (const toml::table* table = element.as_table()) tables.push_back(table);
        }
      }
    }
  }
  return {};
}

}  // namespace understudy::core
