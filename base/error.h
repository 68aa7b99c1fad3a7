#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace sonograd {

// What every part of the library throws: one lower-case line that says what, where and what to do.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string what) : std::runtime_error(what), text(std::move(what)) {}
  template <class... Args>
  explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : Error(fmt::format(format, std::forward<Args>(args)...)) {}

  const char* what() const noexcept override { return text.c_str(); }

  // Puts `where`, which ends in ": ", before the text.
  void prepend(const std::string& where) { text = where + text; }

 private:
  std::string text;
};

// Bad usage of a command (exit status 2) as against work that failed (exit status 1).
class UsageError : public Error {
 public:
  using Error::Error;
};

// The one way to state a rule: throws Error with the formatted text where `holds` is false.
template <class... Args>
void expect(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) [[unlikely]]
    throw Error(format, std::forward<Args>(args)...);
}

}  // namespace sonograd
