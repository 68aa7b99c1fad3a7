#include "models/weights/safetensors.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/file.h"
#include "models/weights/weight_file.h"
#include "tests/error_of.h"
#include "tests/full_disk.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

std::string file_of(const std::string& header, std::size_t data_bytes, std::uint64_t claimed) {
  std::string bytes(reinterpret_cast<const char*>(&claimed), 8);
  return bytes + header + std::string(data_bytes, '\1');
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return file_of(header, data_bytes, header.size());
}

// What reading these bytes says, without the path and the advice.
std::string complaint(const std::string& bytes) {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.safetensors";
  write_file_atomically(path, bytes);
  std::string text = error_of([&] { read_weights(path); });
  const std::string before = fmt::format("cannot read {}: ", path.string()),
                    after = "; the file is damaged: copy or download it again";
  CHECK(text.find('\n') == std::string::npos);
  if (text.rfind(before, 0) != 0) return text;
  text = text.substr(before.size());
  return text.ends_with(after) ? text.substr(0, text.size() - after.size()) : text;
}

const Tensor& sample() {
  static const Tensor tensor = Tensor::of({2, 3}, {1.5, -2, 0.1, 3e38, 0, -1e-40});
  return tensor;
}

}  // namespace

TEST_CASE("what is written is read: names, order, shapes, types, values, facts") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.safetensors";
  StoredTensors tensors = {
      stored("z \"quoted\" ü", sample()), stored("a.scalar", Tensor::of({}, {7})),
      stored("f64", Tensor::of({3}, {0.1, -1e300, std::numeric_limits<double>::infinity()}, DType::f64)),
      stored("empty", Tensor::of({0, 4}, {})),
      stored("count", Tensor::of({}, {-9007199254740992.0}, DType::f64))};
  tensors[4].type = ElementType::i64;
  const Facts facts = {{"model", "mini"}, {"classes", "benign,normal,malignant"}, {"image_size", "224"}};
  write_safetensors(path, tensors, facts);

  const WeightFile file = read_weights(path);
  CHECK(file.format == WeightFormat::safetensors);
  CHECK(file.facts == facts);
  REQUIRE(file.tensors.size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CAPTURE(tensors[i].name);
    CHECK(file.tensors[i].name == tensors[i].name);
    CHECK(file.tensors[i].shape == tensors[i].shape);
    CHECK(file.tensors[i].type == tensors[i].type);
    CHECK(file.tensors[i].read().values() == tensors[i].read().values());
    CHECK(file.tensors[i].read().dtype() == tensors[i].read().dtype());
  }

  const std::string bytes = read_file(path);
  write_safetensors(path, file.tensors, file.facts);  // reads from the file that it replaces
  CHECK(read_file(path) == bytes);
  CHECK((8 + static_cast<unsigned char>(bytes[0])) % 8 == 0);
  CHECK(bytes[8] == '{');
}

TEST_CASE("strided views are written as their elements") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.safetensors";
  write_safetensors(path, {stored("x", sample().slice(1, 1, 3))}, {});
  CHECK(read_weights(path).tensors[0].read().values() == sample().slice(1, 1, 3).values());
}

TEST_CASE("half precision is read exactly") {
  // F16: 1, -2, largest, smallest subnormal, smallest normal, infinity, NaN, -0; BF16: 1, -2.
  const std::uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400,
                                  0x7c00, 0x7e00, 0x8000, 0x3f80, 0xc000};
  std::string bytes = file_of(R"({"h":{"dtype":"F16","shape":[8],"data_offsets":[0,16]},)"
                              R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]}})",
                              0);
  bytes.append(reinterpret_cast<const char*>(halves), sizeof halves);
  const TemporaryFolder folder;
  write_file_atomically(folder / "x", bytes);
  const WeightFile file = read_weights(folder / "x");
  const std::vector<double> f16 = file.tensors[0].read().values();
  const std::vector<double> expected = {1, -2, 65504, std::ldexp(1.0, -24), std::ldexp(1.0, -14), INFINITY};
  CHECK(std::vector(f16.begin(), f16.begin() + 6) == expected);
  CHECK(std::isnan(f16[6]));
  CHECK(std::signbit(f16[7]));
  CHECK(file.tensors[1].read().values() == std::vector<double>{1, -2});

  write_safetensors(folder / "y", file.tensors, {});
  CHECK(read_weights(folder / "y").tensors[0].type == ElementType::f32);
}

TEST_CASE("a file cut anywhere is an error, as is one with a byte too many") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x";
  write_safetensors(path, {stored("a", sample()), stored("b", sample())}, {{"model", "mini"}});
  const std::string bytes = read_file(path);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK(complaint(bytes.substr(0, size)) != "no error");
  }
  CHECK(complaint(bytes) == "no error");
  CHECK(complaint(bytes + "x") == "1 bytes after the last tensor belong to none");
  CHECK(complaint(bytes.substr(0, bytes.size() - 1)) ==
        "tensor \"b\" ends at byte 48 of the data, the file holds 47: it is cut short");
}

TEST_CASE("a file that shrinks after it was opened is an error") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x";
  write_safetensors(path, {stored("a", sample())}, {});
  const WeightFile file = read_weights(path);
  fs::resize_file(path, fs::file_size(path) - 4);
  CHECK(error_of([&] { file.tensors[0].read(); }) ==
        fmt::format("cannot read {}: it ends at byte {}, before its last tensor; copy or download it again",
                    path.string(), fs::file_size(path)));
}

TEST_CASE("hostile headers are named, not believed") {
  const auto one = [](const char* entry) { return fmt::format(R"({{"a":{}}})", entry); };
  CHECK(complaint(file_of("{}", 0, ~std::uint64_t{0})) ==
        "a header of 18446744073709551615 bytes is past the limit of 16777216");
  CHECK(complaint(file_of("{}", 0, 100)) == "the header of 100 bytes is cut short, the file has 10");
  CHECK(complaint(file_of("{\"a\":", 4)) ==
        "the header is not JSON; the file is damaged or of another format: copy or download it again");
  CHECK(complaint(file_of("{\"\xff\":1}", 4)) ==
        "the header is not JSON; the file is damaged or of another format: copy or download it again");
  CHECK(complaint(file_of("{" + std::string(100000, '['), 0)) != "no error");
  CHECK(complaint(file_of("{\"a\":" + std::string(100000, '['), 0)) == "the header is nested too deeply");
  CHECK(complaint(file_of(one("[1]"), 4)) == "tensor \"a\" is not described by an object");
  CHECK(complaint(file_of(one(R"({"shape":[1],"data_offsets":[0,4]})"), 4)) == "tensor \"a\" has no dtype");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","data_offsets":[0,4]})"), 4)) ==
        "tensor \"a\" has no list shape");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[1]})"), 4)) ==
        "tensor \"a\" has no list data_offsets");
  CHECK(complaint(file_of(one(R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})"), 4)) ==
        "tensor \"a\" has dtype \"U8\", which is not read (F64 F32 F16 BF16 I64 are); save it as F32");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"), 4)) ==
        "tensor \"a\": shape holds \"-1\"");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"), 4)) ==
        "tensor \"a\": shape holds \"1.0\"");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]})"),
                          4)) == "tensor \"a\": data_offsets holds \"18446744073709551615\"");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]})"),
                          0)) == "tensor \"a\": its shape overflows");
  CHECK(complaint(file_of(
            one(R"({"dtype":"F32","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]})"), 0)) ==
        "tensor \"a\": its shape overflows");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1],"data_offsets":[0,4]})"), 4)) ==
        "tensor \"a\" has 7 axes, at most 6 are read");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"), 4)) ==
        "tensor \"a\": F32 [2] needs 8 bytes, data_offsets [0,4] hold 4");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), 4)) ==
        "tensor \"a\": data_offsets are no range");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,8]})"), 4)) ==
        "tensor \"a\": data_offsets are no range");
  CHECK(complaint(file_of(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"dtype":"F64"})"), 4)) ==
        "the header names \"dtype\" twice");
  CHECK(complaint(file_of(R"({"__metadata__":{"model":1}})", 0)) ==
        "the fact \"model\" in __metadata__ is not a text");
  CHECK(complaint(file_of(R"({"__metadata__":[]})", 0)) == "__metadata__ is not an object");
  CHECK(complaint(file_of(R"({"a\nb\u001b":1})", 0)) ==
        R"(tensor "a\nb\u001b" is not described by an object)");
}

TEST_CASE("tensors that share bytes, leave some out or have one name are errors") {
  const auto two = [](const char* a, const char* b, const char* second = "b") {
    return fmt::format(R"({{"a":{{"dtype":"F32","shape":[2],"data_offsets":{}}},)"
                       R"("{}":{{"dtype":"F32","shape":[2],"data_offsets":{}}}}})",
                       a, second, b);
  };
  CHECK(complaint(file_of(two("[8,16]", "[0,8]"), 16)) == "no error");
  CHECK(complaint(file_of(two("[0,8]", "[4,12]"), 12)) == "tensor \"b\" overlaps the one before it");
  CHECK(complaint(file_of(two("[0,8]", "[0,8]"), 8)) == "tensor \"b\" overlaps the one before it");
  CHECK(complaint(file_of(two("[0,8]", "[12,20]"), 20)) == "4 bytes before tensor \"b\" belong to no tensor");
  CHECK(complaint(file_of(two("[8,16]", "[16,24]"), 24)) ==
        "8 bytes before tensor \"a\" belong to no tensor");
  CHECK(complaint(file_of(two("[0,8]", "[8,16]", "a"), 16)) == "the header names \"a\" twice");
}

TEST_CASE("files that hold no weights say so") {
  const TemporaryFolder folder;
  CHECK(complaint("") == "0 bytes are too few for a weight file; copy or download it again");
  CHECK(complaint("<!DOCTYPE html>").find("of no weight format that is known") != std::string::npos);
  const std::string none = (folder / "none").string();
  CHECK(error_of([&] { read_weights(none); }) ==
        "cannot read " + none + ": No such file or directory; check the path");
  CHECK(error_of([&] { read_weights(folder.path); }) ==
        "cannot read " + folder.path.string() + ": it is a folder; give a weight file");
}

TEST_CASE("names are unique and text") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x";
  CHECK(error_of([&] {
          write_safetensors(path, {stored("a", sample()), stored("a", sample())}, {});
        }) == fmt::format("cannot write {}: two tensors are named \"a\"", path.string()));
  CHECK(
      error_of([&] { write_safetensors(path, {stored("\xff", sample())}, {}); }) ==
      fmt::format("cannot write {}: a tensor's name or a fact is not UTF-8 text; rename it", path.string()));
  StoredTensors half = {stored("a", Tensor::of({}, {0.5}, DType::f64))};
  half[0].type = ElementType::i64;
  CHECK(error_of([&] { write_safetensors(path, half, {}); }) == "0.5 is no integer, and I64 was asked for");
  CHECK_FALSE(fs::exists(path));
  CHECK_FALSE(fs::exists(folder / "x.tmp"));
}

TEST_CASE("a full disk leaves the earlier weights") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x";
  write_safetensors(path, {stored("a", sample())}, {});
  const std::string before = read_file(path);

  const std::string text =
      error_on_full_disk(1000, [&] { write_safetensors(path, {stored("a", Tensor::zeros({1000}))}, {}); });

  CHECK(text == fmt::format("cannot write {}: File too large; free some space or choose another folder",
                            path.string()));
  CHECK(read_file(path) == before);
  CHECK_FALSE(fs::exists(folder / "x.tmp"));
}
