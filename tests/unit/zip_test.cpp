#include "models/weights/zip.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "models/weights/weight_file.h"
#include "tests/error_of.h"
#include "tests/full_disk.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

std::string unpacked(const ZipReader& archive, std::size_t index) {
  const ZipReader::Member& member = archive.members()[index];
  std::string bytes(static_cast<std::size_t>(member.bytes), '\0');
  ZipStream stream = archive.open(member);
  stream.read(bytes.data(), member.bytes);
  stream.finish();
  return bytes;
}

// Puts `now` where the file has `old`, of equal length.
void replace_all(const fs::path& path, const std::string& old, const std::string& now) {
  std::string bytes = read_file(path);
  for (std::size_t at = 0; (at = bytes.find(old, at)) != std::string::npos; at += now.size())
    bytes.replace(at, old.size(), now);
  write_file_atomically(path, bytes);
}

void write_two(const fs::path& path) {
  ZipWriter archive(path);
  archive.add("a.npy", "letters");
  archive.add("folder/ü.npy", std::string(100'000, 'x'));
  archive.commit();
}

}  // namespace

TEST_CASE("an archive that is written is read again, and equal members make equal files") {
  const TemporaryFolder folder;
  write_two(folder / "x.zip");
  write_two(folder / "y.zip");
  CHECK(read_file(folder / "x.zip") == read_file(folder / "y.zip"));
  const ZipReader archive(folder / "x.zip");
  REQUIRE(archive.members().size() == 2);
  CHECK(archive.members()[1].name == "folder/ü.npy");
  CHECK(unpacked(archive, 0) == "letters");
  CHECK(unpacked(archive, 1) == std::string(100'000, 'x'));
  CHECK(archive.find("a.npy") == &archive.members()[0]);
  CHECK(archive.find("b.npy") == nullptr);
}

TEST_CASE(
    "members with a wrong checksum, twice the same name, of another method or with a password are refused") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.zip";
  const auto refused = [&](const std::string& old, const std::string& now, const std::string& why) {
    write_two(path);
    replace_all(path, old, now);
    const std::string text = error_of([&] {
      const ZipReader archive(path);
      unpacked(archive, 0);
    });
    CAPTURE(text);
    CHECK(text.find(why) != std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
  };
  refused("letters", "Letters", "its member \"a.npy\" cannot be unpacked (CRC error)");
  using namespace std::string_literals;
  refused("\0\x08\0\0\0\0\x21\0"s, "\0\x08\x0c\0\0\0\x21\0"s, "packed by method 12");
  refused("\x14\0\0\x08\0\0"s, "\x14\0\x01\x08\0\0"s, "its member \"a.npy\" is encrypted");
  const std::string twice = error_of([&] {
    ZipWriter archive(path);
    archive.add("a.npy", "1");
    archive.add("a.npy", "2");
    archive.commit();
    ZipReader{path};
  });
  CHECK(twice == "it holds the member \"a.npy\" twice; the file is damaged: copy or download it again");
}

TEST_CASE("what unpacks to a hundred times its bytes is refused before it is unpacked") {
  const TemporaryFolder folder;
  const fs::path path = folder / "bomb.npz";
  // A stored member of deflated zeros, turned into a deflated member.
  const uLong size = 200 << 20;
  const std::string zeros(size, '\0');
  std::string packed(compressBound(size), '\0');
  uLongf length = packed.size();
  REQUIRE(compress2(reinterpret_cast<Bytef*>(packed.data()), &length,
                    reinterpret_cast<const Bytef*>(zeros.data()), size, 9) == Z_OK);
  packed = packed.substr(2, length - 6);  // less zlib's own header and checksum
  ZipWriter archive(path);
  archive.add("a.npy", packed);
  archive.commit();
  const auto field = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> 8 * i));
    return text;
  };
  const std::uint64_t checksum = crc32_z(0, reinterpret_cast<const Bytef*>(packed.data()), packed.size());
  const std::string sizes = field(checksum, 4) + field(packed.size(), 4) + field(packed.size(), 4);
  replace_all(path, sizes, field(checksum, 4) + field(packed.size(), 4) + field(size, 4));
  replace_all(path, field(0x0800'0014, 4) + field(0, 2) + field(0x0021'0000, 4),
              field(0x0800'0014, 4) + field(8, 2) + field(0x0021'0000, 4));
  CHECK(error_of([&] { read_weights(path); }) ==
        fmt::format(
            "cannot read {}: its member \"a.npy\" would unpack from {} bytes to {}, as no weights do; get "
            "the file from elsewhere",
            path.string(), packed.size(), size));
}

TEST_CASE("an archive cut anywhere is one line") {
  const TemporaryFolder folder;
  write_two(folder / "x.zip");
  const std::string bytes = read_file(folder / "x.zip");
  for (std::size_t size = 9; size<bytes.size(); size += size> bytes.size() - 300 ? 1 : 9973) {
    CAPTURE(size);
    write_file_atomically(folder / "x.npz", bytes.substr(0, size));
    const std::string text = error_of([&] { read_weights(folder / "x.npz"); });
    CHECK(text.rfind("cannot read " + (folder / "x.npz").string() + ": it is no zip archive", 0) == 0);
    CHECK(text.find('\n') == std::string::npos);
  }
}

TEST_CASE("zips that hold no weights say what they are") {
  const TemporaryFolder folder;
  const auto text = [&](std::string_view member) {
    ZipWriter archive(folder / "x.zip");
    archive.add(member, "more than nothing");
    archive.commit();
    return error_of([&] { read_weights(folder / "x.zip"); });
  };
  CHECK(text("archive/data.pkl").find("an archive of PyTorch") != std::string::npos);
  CHECK(text("a.txt").find("a zip without model.weights.h5 (.keras) and without .npy members (.npz)") !=
        std::string::npos);
}

TEST_CASE("a full disk leaves the earlier archive") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.npz";
  write_two(path);
  const std::string before = read_file(path);
  const std::string text = error_on_full_disk(1000, [&] { write_two(path); });
  CHECK(text == fmt::format("cannot write {}: File too large; free some space or choose another folder",
                            path.string()));
  CHECK(read_file(path) == before);
  CHECK_FALSE(fs::exists(folder / "x.npz.tmp"));
}
