#include "base/file.h"

#include <doctest/doctest.h>

#include "tests/error_of.h"
#include "tests/full_disk.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

TEST_CASE("a file holds the bytes that were written, zero bytes included") {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\n\xff", 5);
  write_file_atomically(folder / "x", bytes);
  CHECK(read_file(folder / "x") == bytes);
  write_file_atomically(folder / "x", "");
  CHECK(read_file(folder / "x").empty());
  CHECK_FALSE(fs::exists(folder / "x.tmp"));
}

TEST_CASE("a writer that is not committed leaves the earlier file and no other") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "x", "before");
  {
    FileWriter file(folder / "x");
    file.write("after");
    CHECK(fs::exists(folder / "x.tmp"));
  }
  CHECK(read_file(folder / "x") == "before");
  CHECK_FALSE(fs::exists(folder / "x.tmp"));
}

TEST_CASE("a full disk is one line, and the earlier file stays") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x";
  write_file_atomically(path, "before");

  const std::string text =
      error_on_full_disk(1000, [&] { write_file_atomically(path, std::string(5000, 'y')); });

  CHECK(text == fmt::format("cannot write {}: File too large; free some space or choose another folder",
                            path.string()));
  CHECK(read_file(path) == "before");
  CHECK_FALSE(fs::exists(folder / "x.tmp"));
  CHECK(error_of([] { write_file_atomically("/dev/full", "y"); }) ==
        "cannot write /dev/full: No space left on device; free some space or choose another folder");
}

TEST_CASE("a folder is tried, and nothing of the trial stays") {
  const TemporaryFolder folder;
  check_folder(folder.path);
  check_folder(folder / "a/b");
  CHECK(fs::is_empty(folder.path));
  CHECK(error_of([] { check_folder("/proc/none"); }).rfind("cannot make the folder /proc/none: ", 0) == 0);
}

TEST_CASE("paths that cannot be written or read say why") {
  const TemporaryFolder folder;
  const std::string inside = (folder / "none" / "x").string();
  CHECK(error_of([&] { write_file_atomically(inside, "y"); }) ==
        "cannot write " + inside + ": No such file or directory; make the folder first or check the path");
  CHECK(error_of([&] { read_file(inside); }) ==
        "cannot read " + inside + ": No such file or directory; check the path");
  const std::string mixed = ": Is a directory; check the path: a folder and a file are mixed up";
  CHECK(error_of([&] { write_file_atomically(folder.path, "y"); }) ==
        "cannot write " + folder.path.string() + mixed);
  CHECK(error_of([&] { read_file(folder.path); }) == "cannot read " + folder.path.string() + mixed);
}
