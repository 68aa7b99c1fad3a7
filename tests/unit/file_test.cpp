#include "tensor/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "tensor/error.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::path(SONOGRAD_BINARY_DIR) / fmt::format("file_test.{}", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

std::string message(auto call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("a file holds the bytes that were written, zero bytes included") {
  const Folder folder;
  const std::string bytes("a\0b\n\xff", 5);
  write_file_atomically(folder.path / "x", bytes);
  CHECK(read_file(folder.path / "x") == bytes);
  write_file_atomically(folder.path / "x", "");
  CHECK(read_file(folder.path / "x").empty());
  CHECK_FALSE(fs::exists(folder.path / "x.tmp"));
}

TEST_CASE("a writer that is not committed leaves the earlier file and no other") {
  const Folder folder;
  write_file_atomically(folder.path / "x", "before");
  {
    FileWriter file(folder.path / "x");
    file.write("after");
    CHECK(fs::exists(folder.path / "x.tmp"));
  }
  CHECK(read_file(folder.path / "x") == "before");
  CHECK_FALSE(fs::exists(folder.path / "x.tmp"));
}

TEST_CASE("a full disk is one line, and the earlier file stays") {
  const Folder folder;
  const fs::path path = folder.path / "x";
  write_file_atomically(path, "before");

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{1000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string text = message([&] { write_file_atomically(path, std::string(5000, 'y')); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);

  CHECK(text == fmt::format("cannot write {}: File too large; free some space or choose another folder",
                            path.string()));
  CHECK(read_file(path) == "before");
  CHECK_FALSE(fs::exists(folder.path / "x.tmp"));
  CHECK(message([] { write_file_atomically("/dev/full", "y"); }) ==
        "cannot write /dev/full: No space left on device; free some space or choose another folder");
}

TEST_CASE("paths that cannot be written or read say why") {
  const Folder folder;
  const std::string inside = (folder.path / "none" / "x").string();
  CHECK(message([&] { write_file_atomically(inside, "y"); }) ==
        "cannot write " + inside + ": No such file or directory; make the folder first or check the path");
  CHECK(message([&] { read_file(inside); }) ==
        "cannot read " + inside + ": No such file or directory; make the folder first or check the path");
  const std::string mixed = ": Is a directory; check the path: a folder and a file are mixed up";
  CHECK(message([&] { write_file_atomically(folder.path, "y"); }) ==
        "cannot write " + folder.path.string() + mixed);
  CHECK(message([&] { read_file(folder.path); }) == "cannot read " + folder.path.string() + mixed);
}
