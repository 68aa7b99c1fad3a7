#include "models/weights/npz.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "models/model_file.h"
#include "models/weights/npy.h"
#include "models/zoo.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

const fs::path data = fs::path(SONOGRAD_SOURCE_DIR) / "tests/golden/data";

// Why a .npz with one member of this header and 24 bytes of elements is refused.
std::string refusal(const std::string& header, char version = 1) {
  const TemporaryFolder folder;
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  bytes += static_cast<char>(header.size());
  bytes += version == 1 ? std::string(1, '\0') : std::string(3, '\0');
  ZipWriter archive(folder / "x.npz");
  archive.add("a.npy", bytes + header + std::string(24, '\0'));
  archive.commit();
  const std::string text = error_of([&] { read_weights(folder / "x.npz").tensors.at(0).read(); });
  const std::string start = fmt::format("cannot read {}: tensor \"a\": ", (folder / "x.npz").string());
  return text.rfind(start, 0) == 0 ? text.substr(start.size()) : text;
}

}  // namespace

TEST_CASE("what numpy.savez and savez_compressed wrote is read: every tensor, its shape, type and elements") {
  const std::string attention = "Transformer/encoderblock_0/MultiHeadDotProductAttention_1";
  const std::map<std::string, std::pair<ElementType, Shape>> expected = {
      {"cls", {ElementType::f32, {1, 1, 4}}},
      {attention + "/query/kernel", {ElementType::f32, {4, 2, 2}}},
      {attention + "/query/bias", {ElementType::f64, {2, 2}}},
      {attention + "/out/kernel", {ElementType::f16, {2, 2, 4}}},
      {"Transformer/encoder_norm/scale", {ElementType::f32, {4}}},
      {"head/bias", {ElementType::i64, {3}}},
      {"step", {ElementType::f32, {}}},
  };
  for (const char* name : {"tiny.npz", "tiny_deflated.npz"}) {
    const WeightFile file = read_weights(data / name);
    CHECK(file.format == WeightFormat::npz);
    CHECK(file.tensors.size() == expected.size());
    for (const StoredTensor& tensor : file.tensors) {
      CAPTURE(tensor.name);
      REQUIRE(expected.count(tensor.name));
      CHECK(tensor.type == expected.at(tensor.name).first);
      CHECK(tensor.shape == expected.at(tensor.name).second);
      const std::vector<double> values = tensor.read().values();
      REQUIRE(static_cast<Int>(values.size()) == tensor.shape.elements());
      for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == static_cast<double>(i));
    }
  }
}

TEST_CASE("what is written is what numpy.savez writes, and is read again") {
  const TemporaryFolder folder;
  const WeightFile file = read_weights(data / "tiny.npz");
  write_npz(folder / "x.npz", file.tensors);
  const WeightFile again = read_weights(folder / "x.npz");
  REQUIRE(again.tensors.size() == file.tensors.size());
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    CHECK(again.tensors[i].name == file.tensors[i].name);
    CHECK(again.tensors[i].shape == file.tensors[i].shape);
    CHECK(again.tensors[i].read().values() == file.tensors[i].read().values());
  }
  const ZipReader theirs(data / "tiny.npz"), ours(folder / "x.npz");
  for (const ZipReader::Member& member : theirs.members()) {
    CAPTURE(member.name);
    if (member.name.find("out/kernel") != std::string::npos) continue;  // half precision becomes f4
    const auto bytes = [&](const ZipReader& archive) {
      std::string text(static_cast<std::size_t>(archive.find(member.name)->bytes), '\0');
      archive.open(*archive.find(member.name)).read(text.data(), static_cast<Int>(text.size()));
      return text;
    };
    CHECK(bytes(ours) == bytes(theirs));
  }
}

TEST_CASE("the model's facts stand in the archive's comment; what is no comment of ours says nothing") {
  const TemporaryFolder folder;
  const StoredTensors tensors = read_weights(data / "tiny.npz").tensors;
  const Facts facts{{"model", "vit_b16"}, {"classes", "benign,\"odd\"\n,ü"}, {"image_size", "64"}};
  write_npz(folder / "x.npz", tensors, facts);
  CHECK(read_weights(folder / "x.npz").facts == facts);
  CHECK(read_weights(data / "tiny.npz").facts.empty());
  CHECK(error_of([&] {
          write_npz(folder / "y.npz", tensors, {{"classes", std::string(70'000, 'a')}});
        }).find("passes the 64 KiB of a zip archive") != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "y.npz"));
  for (const char* comment : {"from the clinic", "{}", "[1]", R"({"sonograd": 1})",
                              R"({"sonograd": {"model": 3}})", "{\"sonograd\": {\"model\": \"\xff"}) {
    CAPTURE(comment);
    ZipWriter archive(folder / "z.npz");
    archive.add("a.npy", npy_header("<f4", {6}) + std::string(24, '\0'));
    archive.set_comment(comment);
    archive.commit();
    CHECK(read_weights(folder / "z.npz").facts.empty());
  }
}

TEST_CASE("headers in other orders and quotes are read, others are one line") {
  CHECK(refusal("{\"shape\": (6,), \"fortran_order\": False, \"descr\": \"<f4\"}") == "no error");
  CHECK(refusal("{'descr':'<f4','fortran_order':False,'shape':(2,3)}", 2) == "no error");
  CHECK(refusal("{'descr':'<f4','fortran_order':False,'shape':(2,3)}", 9) ==
        "it has version 9 of .npy, 1 to 3 are read; save it again");
  const auto with = [](const char* type, const char* order, const char* shape) {
    return refusal(fmt::format("{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}", type, order, shape));
  };
  CHECK(with("'<f4'", "False", "(2, 3)") == "no error");
  CHECK(with("'<f4'", "True", "(2, 3)") ==
        "its elements are in Fortran's order; save numpy.ascontiguousarray of it");
  CHECK(with("'>f4'", "False", "(6,)") ==
        "it has dtype \">f4\", which is not read (<f2 <f4 <f8 <i8 are); save it as float32");
  CHECK(with("[('a', '<f4')]", "False", "(6,)") == "a ''' is missing in its header");
  CHECK(with("'<f4'", "False", "(7,)") ==
        "F32 [7] needs 28 bytes, 24 are there; the file is damaged: copy or download it again");
  CHECK(with("'<f8'", "False", "(4294967296, 4294967296)") ==
        "its shape overflows; the file is damaged: copy or download it again");
  CHECK(with("'<f4'", "False", "(0, 1099511627776, 1099511627776)") ==
        "its shape overflows; the file is damaged: copy or download it again");
  CHECK(with("'<f4'", "False", "(-6,)") == "a size in its header is no number");
  CHECK(with("'<f4'", "False", "(6]") == "a ')' is missing in its header");
  CHECK(with("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)").rfind("it has more than the ", 0) == 0);
  CHECK(refusal("{'descr': '<f4', 'shape': (6,)}") ==
        "its header does not say type, order and shape once each");
  CHECK(refusal("{'descr': '<f4', 'other': 1}") == "its header names \"other\"");
  CHECK(refusal("") == "a '{' is missing in its header");
}

TEST_CASE("a .npy's header is NumPy's, and the elements after it begin at a multiple of 64 bytes") {
  const std::string header = npy_header("<f4", {3, 2});
  CHECK(header.size() == 128);
  CHECK(header.substr(0, 71) == std::string("\x93NUMPY\x01\0\x76\0", 10) +
                                    "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }  ");
  CHECK(header.back() == '\n');
  CHECK(npy_header("<i8", {}).find("'shape': (), }") != std::string::npos);
  CHECK(npy_header("<i8", {3}).find("'shape': (3,), }") != std::string::npos);
}

TEST_CASE("a Vision Transformer's tensors are written as its authors' files hold them, and fit again") {
  const Model model = make_model({.name = "vit_s16"});
  const Slots slots = slots_of(model);
  StoredTensors ours;
  for (const Slot& slot : slots) {
    Tensor value = Tensor::zeros(slot.shape);
    for (Int i = 0; i < std::min<Int>(slot.shape.elements(), 3000); ++i)
      value.mutable_data<float>()[i] = static_cast<float>(i);
    ours.push_back(stored(slot.name, value));
  }
  const TemporaryFolder folder;
  write_model(folder / "x.npz", model, ours, {{"model", "vit_s16"}});
  WeightFile file = read_weights(folder / "x.npz");
  const std::map<std::string, Shape> expected = {
      {"cls", {1, 1, 384}},
      {"embedding/kernel", {16, 16, 3, 384}},
      {"Transformer/posembed_input/pos_embedding", {1, 197, 384}},
      {"Transformer/encoderblock_11/MultiHeadDotProductAttention_1/query/kernel", {384, 6, 64}},
      {"Transformer/encoderblock_0/MultiHeadDotProductAttention_1/value/bias", {6, 64}},
      {"Transformer/encoderblock_0/MultiHeadDotProductAttention_1/out/kernel", {6, 64, 384}},
      {"Transformer/encoderblock_0/MultiHeadDotProductAttention_1/out/bias", {384}},
      {"Transformer/encoderblock_0/LayerNorm_2/scale", {384}},
      {"Transformer/encoderblock_0/MlpBlock_3/Dense_0/bias", {1536}},
      {"Transformer/encoder_norm/bias", {384}},
      {"head/kernel", {384, 3}},
  };
  std::map<std::string, Shape> found;
  for (const StoredTensor& tensor : file.tensors) found[tensor.name] = tensor.shape;
  for (const auto& row : expected) {
    CAPTURE(row.first);
    REQUIRE(found.count(row.first));
    CHECK(found[row.first] == row.second);
  }
  to_our_names(file, model);
  CHECK(file.dialect == "jax");
  const Match all = match(file, slots);
  REQUIRE(all.mapped.size() == slots.size());
  for (const Match::Pair& pair : all.mapped)
    CHECK(file.tensors[pair.tensor].read().values() == ours[pair.slot].read().values());
}
