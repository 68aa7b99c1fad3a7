#include "models/weights/h5_tensors.h"

#include "base/text.h"
#include "models/weights/element_type.h"

namespace sonograd {
namespace {

H5Handle open_file(const std::filesystem::path& path) {
  const H5Handle access = h5_open(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  h5_check(H5Pset_file_locking(access, false, true));  // many network disks have no locks
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
  expect(file >= 0, "HDF5 cannot open it ({}); {}", h5_reason(), damaged);
  return {file, H5Fclose};
}

// Half precision is converted by HDF5. bfloat16 lies in the file as integers, marked by an attribute.
ElementType type_of(hid_t dataset, const std::string& name) {
  const H5Handle type = h5_open(H5Dget_type(dataset), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type);
  const std::size_t bytes = H5Tget_size(type);
  const bool marked = H5Aexists(dataset, "dtype") > 0;
  const bool real = kind == H5T_FLOAT && (bytes == 2 || bytes == 4 || bytes == 8);
  const bool whole = kind == H5T_INTEGER && bytes <= 8 && !marked;
  expect(real || whole, "tensor {} holds {}; save the model in float32", printable(name),
         marked ? "bfloat16, which is not read" : "neither real numbers nor integers");
  return whole ? ElementType::i64 : bytes == 8 ? ElementType::f64 : ElementType::f32;
}

Shape shape_of(hid_t dataset, const std::string& name, Int file_bytes) {
  const H5Handle space = h5_open(H5Dget_space(dataset), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space);
  expect(rank >= 0 && rank <= Shape::max_rank && H5Sget_simple_extent_type(space) != H5S_NULL,
         "tensor {} has {} axes, at most {} are read", printable(name), rank, Shape::max_rank);
  hsize_t sizes[Shape::max_rank];
  H5Sget_simple_extent_dims(space, sizes, nullptr);
  Shape shape;
  Int elements = 1;
  for (int axis = 0; axis < rank; ++axis) {
    const bool fits = sizes[axis] <= INT64_MAX && !__builtin_mul_overflow(elements, sizes[axis], &elements);
    expect(fits && elements <= file_bytes, "tensor {} is larger than the file; {}", printable(name), damaged);
    shape.push_back(static_cast<Int>(sizes[axis]));
  }
  return shape;
}

// Keras stores a tensor in one piece inside the file. Anything else (chunks with filters, parts in other
// files, no elements at all) does not come from Keras and is not followed.
void check_storage(hid_t dataset, const std::string& name, Int file_bytes) {
  const H5Handle made = h5_open(H5Dget_create_plist(dataset), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(made);
  expect((layout == H5D_CONTIGUOUS || layout == H5D_COMPACT) && H5Pget_external_count(made) == 0,
         "tensor {} is not stored in one piece; save it again with Keras", printable(name));
  const H5Handle type = h5_open(H5Dget_type(dataset), H5Tclose);
  const H5Handle space = h5_open(H5Dget_space(dataset), H5Sclose);
  const auto elements = static_cast<hsize_t>(H5Sget_simple_extent_npoints(space));
  const hsize_t there = H5Dget_storage_size(dataset), needed = elements * H5Tget_size(type);
  expect(there == needed && there <= static_cast<hsize_t>(file_bytes),
         "tensor {} needs {} bytes, {} are stored; {}", printable(name), needed, there, damaged);
}

H5Handle open_dataset(hid_t file, const std::string& name) {
  const hid_t dataset = H5Dopen2(file, name.c_str(), H5P_DEFAULT);
  expect(dataset >= 0, "tensor {} cannot be opened ({}); {}", printable(name), h5_reason(), damaged);
  return {dataset, H5Dclose};
}

}  // namespace

H5Tensors::H5Tensors(const std::filesystem::path& path, std::filesystem::path named)
    : file(std::make_shared<H5Handle>(open_file(path))),
      named(std::move(named)),
      size(static_cast<Int>(std::filesystem::file_size(path))) {}

bool H5Tensors::holds(const std::string& path) const {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    H5L_info_t link;
    if (H5Lexists(id(), part.c_str(), H5P_DEFAULT) <= 0 ||
        H5Lget_info(id(), part.c_str(), &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD)
      return false;
  }
  return true;
}

StoredTensor H5Tensors::tensor(const std::string& path) const {
  const H5Handle dataset = open_dataset(id(), path);
  StoredTensor tensor{path, shape_of(dataset, path, size), type_of(dataset, path), {}};
  check_storage(dataset, path, size);
  tensor.read = [file = file, named = named, path, shape = tensor.shape, type = tensor.type] {
    const H5Quiet quiet;
    try {
      const H5Handle dataset = open_dataset(*file, path);
      return decode(type, shape, [&](void* into) {
        const hid_t memory = type == ElementType::f32   ? H5T_NATIVE_FLOAT
                             : type == ElementType::f64 ? H5T_NATIVE_DOUBLE
                                                        : H5T_NATIVE_INT64;
        const herr_t answer = H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, into);
        expect(answer >= 0, "tensor {} cannot be read ({}); {}", printable(path), h5_reason(), damaged);
      });
    } catch (Error& error) {
      error.prepend(fmt::format("cannot read {}: ", named.string()));
      throw;
    }
  };
  return tensor;
}

}  // namespace sonograd
