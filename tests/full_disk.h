#pragma once
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/error_of.h"

namespace sonograd {

// The error_of `action` where no file may grow beyond `bytes`, a stand-in for a full disk: writing more fails
// with "File too large". Holds for the whole process, what doctest prints into a file included.
std::string error_on_full_disk(rlim_t bytes, auto action) {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{bytes, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string text = error_of(action);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  return text;
}

}  // namespace sonograd
