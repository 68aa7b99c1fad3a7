#include "models/weights/keras_h5.h"

#include <doctest/doctest.h>

#include <map>

#include "base/file.h"
#include "models/model_file.h"
#include "models/weights/dialect.h"
#include "models/zoo.h"
#include "tests/error_of.h"
#include "tests/full_disk.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

const fs::path data = fs::path(SONOGRAD_SOURCE_DIR) / "tests/golden/data";

const NameMap& tiny_names() {
  static const NameMap names{
      {"normalization.mean", {3}, "/layers/normalization/vars/0", "/layers/normalization", {}},
      {"normalization.count", {}, "/layers/normalization/vars/2", "/layers/normalization", {}},
      {"stem_conv.kernel", {1, 1, 3, 2}, "/layers/conv2d/vars/0", "/layers/conv2d", {}},
      {"attention.query.kernel",
       {2, 2},
       "/layers/multi_head_attention/query_dense/vars/0",
       "/layers/multi_head_attention/query_dense",
       {}},
  };
  return names;
}

}  // namespace

TEST_CASE("a file that Keras wrote is read: every tensor, its shape, type and elements") {
  const WeightFile file = read_weights(data / "tiny.weights.h5");
  CHECK(file.format == WeightFormat::keras3_h5);
  CHECK(file.facts == Facts{{"input", "imagenet"}});
  // The formula of scripts/golden_weight_files.py; the position in model.weights is `index`.
  const std::map<std::string, std::pair<int, Shape>> expected = {
      {"/layers/normalization/vars/0", {0, {3}}},
      {"/layers/normalization/vars/1", {1, {3}}},
      {"/layers/normalization/vars/2", {2, {}}},
      {"/layers/conv2d/vars/0", {3, {3, 3, 3, 2}}},
      {"/layers/conv2d/vars/1", {4, {2}}},
      {"/layers/depthwise_conv2d/vars/0", {5, {2, 2, 2, 1}}},
      {"/layers/batch_normalization/vars/0", {6, {2}}},
      {"/layers/batch_normalization/vars/1", {7, {2}}},
      {"/layers/batch_normalization/vars/2", {8, {2}}},
      {"/layers/batch_normalization/vars/3", {9, {2}}},
      {"/layers/multi_head_attention/query_dense/vars/0", {10, {2, 2, 3}}},
      {"/layers/multi_head_attention/query_dense/vars/1", {11, {2, 3}}},
      {"/layers/multi_head_attention/key_dense/vars/0", {12, {2, 2, 3}}},
      {"/layers/multi_head_attention/key_dense/vars/1", {13, {2, 3}}},
      {"/layers/multi_head_attention/value_dense/vars/0", {14, {2, 2, 3}}},
      {"/layers/multi_head_attention/value_dense/vars/1", {15, {2, 3}}},
      {"/layers/multi_head_attention/output_dense/vars/0", {16, {2, 3, 2}}},
      {"/layers/multi_head_attention/output_dense/vars/1", {17, {2}}},
      {"/layers/dense/vars/0", {18, {2, 3}}},  // stored in half precision
      {"/layers/dense/vars/1", {19, {3}}},
      {"/layers/dense_1/vars/0", {20, {3, 2}}},
      {"/layers/dense_1/vars/1", {21, {2}}},
  };
  CHECK(file.tensors.size() == expected.size());
  for (const StoredTensor& tensor : file.tensors) {
    CAPTURE(tensor.name);
    REQUIRE(expected.count(tensor.name));
    const auto& [index, shape] = expected.at(tensor.name);
    CHECK(tensor.shape == shape);
    CHECK(tensor.type == (index == 2 ? ElementType::i64 : ElementType::f32));
    const std::vector<double> values = tensor.read().values();
    REQUIRE(static_cast<Int>(values.size()) == shape.elements());
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(values[i] == (index == 2 ? 12345 : index + static_cast<double>(i) / 64));
  }
}

TEST_CASE("what is written is read again, and equal weights make equal files") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.weights.h5";
  const StoredTensors tensors = {
      stored("stem_conv.kernel", Tensor::of({1, 1, 3, 2}, {1, 2, 3, 4, 5, 6.5})),
      stored("normalization.mean", Tensor::of({3}, {0.1, 0.2, 0.3}, DType::f64)),
      stored("normalization.count", Tensor::of({}, {42})),
      stored("attention.query.kernel", Tensor::of({2, 4}, {0, 1, 2, 3, 4, 5, 6, 7}).slice(1, 1, 3))};
  for (const char* input : {"imagenet", "plain"}) {
    write_keras_h5(path, tensors, tiny_names(), {{"input", input}});
    const WeightFile file = read_weights(path);
    CHECK(file.facts == Facts{{"input", input}});
    REQUIRE(file.tensors.size() == 4);  // in the order of their paths
    CHECK(file.tensors[0].name == "/layers/conv2d/vars/0");
    CHECK(file.tensors[0].shape == Shape{1, 1, 3, 2});
    CHECK(file.tensors[0].read().values() == tensors[0].read().values());
    CHECK(file.tensors[1].name == "/layers/multi_head_attention/query_dense/vars/0");
    CHECK(file.tensors[1].read().values() == std::vector<double>{1, 2, 5, 6});
    CHECK(file.tensors[2].type == ElementType::f64);
    CHECK(file.tensors[2].read().values() == std::vector<double>{0.1, 0.2, 0.3});
    CHECK(file.tensors[3].type == ElementType::i64);
    CHECK(file.tensors[3].read().item() == 42);
  }
  const std::string bytes = read_file(path);
  write_keras_h5(folder / "y.weights.h5", tensors, tiny_names(), {{"input", "plain"}});
  CHECK(read_file(folder / "y.weights.h5") == bytes);
}

TEST_CASE("each family's names lead to a place of their own in Keras' file") {
  const TemporaryFolder folder;
  for (const char* name : {"aeganb3", "densenet121", "xception", "vit_b16"}) {
    CAPTURE(name);
    const Slots slots = slots_of(make_model({.name = name}));
    const NameMap map = dialect_named("keras3", name, slots).rows;
    REQUIRE(map.size() == slots.size());
    StoredTensors tensors;
    for (std::size_t i = 0; i < map.size(); ++i)
      tensors.push_back(stored(map[i].name, Tensor::filled({1}, static_cast<double>(i))));
    write_keras_h5(folder / "x.h5", tensors, map, {{"input", "plain"}});
    const WeightFile file = read_weights(folder / "x.h5");
    CHECK(file.tensors.size() == map.size());
    for (const StoredTensor& tensor : file.tensors)
      CHECK(map[static_cast<std::size_t>(tensor.read().item())].theirs == tensor.name);
  }
}

TEST_CASE("a file cut anywhere is one line") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.weights.h5";
  const std::string bytes = read_file(data / "tiny_bfloat16.weights.h5");
  for (std::size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 97) {
    CAPTURE(size);
    write_file_atomically(path, bytes.substr(0, size));
    const std::string text = error_of([&] { read_weights(path); });
    CHECK(text.rfind("cannot read " + path.string(), 0) == 0);
    CHECK(text.find('\n') == std::string::npos);
  }
}

TEST_CASE("files of Keras that are not read say what to do") {
  const auto text = [](const fs::path& path) { return error_of([&] { read_weights(path); }); };
  CHECK(text(data / "tiny_bfloat16.weights.h5")
            .find("tensor \"/layers/dense/vars/0\" holds bfloat16, which is not read; save the model in "
                  "float32") != std::string::npos);
  const TemporaryFolder folder;
  write_keras_h5(folder / "x.weights.h5", {}, tiny_names(), {});
  CHECK(text(folder / "x.weights.h5")
            .find("it has no group /layers, as Keras 3 writes it, and no layer_names") != std::string::npos);
}

TEST_CASE("a tensor that Keras does not know is not written") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.h5";
  CHECK(error_of([&] { write_keras_h5(path, {stored("other", Tensor::zeros({1}))}, tiny_names(), {}); }) ==
        fmt::format(
            "cannot write {}: Keras has no place for tensor \"other\"; name the model that it belongs to",
            path.string()));
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a full disk leaves the earlier Keras file") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.h5";
  const StoredTensors tensors = {stored("normalization.mean", Tensor::zeros({3}))};
  write_keras_h5(path, tensors, tiny_names(), {});
  const std::string before = read_file(path);

  const std::string text = error_on_full_disk(1000, [&] { write_keras_h5(path, tensors, tiny_names(), {}); });

  CHECK(text == fmt::format("cannot write {}: File too large; free some space or choose another folder",
                            path.string()));
  CHECK(read_file(path) == before);
  CHECK_FALSE(fs::exists(folder / "x.h5.tmp"));
}

TEST_CASE("a heap of texts that does not come to its end is refused, where HDF5 would look for it for ever") {
  const fs::path file = fs::path(SONOGRAD_SOURCE_DIR) / "tests/fuzz/corpus/hdf5/endless_heap";
  CHECK(
      error_of([&] { read_weights(file); }) ==
      fmt::format("cannot read {}: a heap of texts has an object of 0 bytes where 3920 are left; the file is "
                  "damaged: copy or download it again",
                  file.string()));
}
