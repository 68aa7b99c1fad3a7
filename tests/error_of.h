#pragma once
#include <string>

#include "base/error.h"

namespace sonograd {

// The text of the Error that `action` throws; "no error" where it throws none.
std::string error_of(auto action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace sonograd
