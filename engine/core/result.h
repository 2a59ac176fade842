#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace understudy::core {

/// What went wrong in the outside world: what was tried, where, why, and what to do about it.
struct Error {
  std::string
      message;  ///< One line without a full stop at its end, such as "rig.toml:12: fx must be > 0".
};

/// Returns an Error; trailing full stops and line ends are cut off.
Error makeError(std::string message);

/// A value or an Error. Member names are those of std::expected, so that it can become an alias
/// later.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    assert(has_value());
    return std::get<0>(content_);
  }
  const T& value() const& {
    assert(has_value());
    return std::get<0>(content_);
  }
  T&& value() && {
    assert(has_value());
    return std::get<0>(std::move(content_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    assert(!has_value());
    return std::get<1>(content_);
  }

 private:
  std::variant<T, Error> content_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return !failed_; }
  const Error& error() const {
    assert(failed_);
    return error_;
  }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace understudy::core
