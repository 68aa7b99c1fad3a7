#include <algorithm>
#include <cstring>

#include "models/weights/element_type.h"
#include "models/weights/hdf5.h"
#include "models/weights/keras_h5.h"
#include "tensor/file.h"

namespace sonograd {
namespace {

// The file is made in memory and written in one go: HDF5 1.10 crashes at the end of a process that met a full
// disk.
H5Handle open_image() {
  constexpr std::size_t step = 1 << 24;
  const H5Handle access = h5_open(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  h5_check(H5Pset_fapl_core(access, step, false));
  return h5_open(H5Fcreate("image", H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
}

// The finished bytes, which belong to the file.
std::string_view image_of(hid_t file) {
  h5_check(H5Fflush(file, H5F_SCOPE_GLOBAL));
  void* handle = nullptr;
  h5_check(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle));  // where the driver keeps its memory's address
  const ssize_t bytes = H5Fget_file_image(file, nullptr, 0);
  h5_check(bytes);
  return {*static_cast<const char**>(handle), static_cast<std::size_t>(bytes)};
}

// Opens the group at an absolute path, making it and those above it where they are not there.
H5Handle make_groups(hid_t file, const std::string& path) {
  if (H5Lexists(file, path.c_str(), H5P_DEFAULT) > 0)
    return h5_open(H5Gopen2(file, path.c_str(), H5P_DEFAULT), H5Gclose);
  const std::size_t above = path.rfind('/');
  if (above > 0) make_groups(file, path.substr(0, above));
  return h5_open(H5Gcreate2(file, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
}

// Keras' name of the layer that holds a tensor: our path to it; its last word where the layer is inside
// another.
std::string layer_name(const NameRow& row) {
  std::string path = row.name.substr(0, row.name.rfind('.'));
  if (std::count(row.group.begin(), row.group.end(), '/') > 2) return path.substr(path.rfind('.') + 1);
  std::replace(path.begin(), path.end(), '.', '_');
  return path;
}

// The group `vars` of a layer with the layer's name on it, as Keras writes it: text of variable length,
// UTF-8.
void make_vars(hid_t file, const std::string& vars, const std::string& layer) {
  const H5Handle group = make_groups(file, vars);
  if (H5Aexists(group, "name") > 0) return;
  const H5Handle text = h5_open(H5Tcopy(H5T_C_S1), H5Tclose);
  h5_check(H5Tset_size(text, H5T_VARIABLE));
  h5_check(H5Tset_cset(text, H5T_CSET_UTF8));
  const H5Handle space = h5_open(H5Screate(H5S_SCALAR), H5Sclose);
  const H5Handle name = h5_open(H5Acreate2(group, "name", text, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const char* const letters = layer.c_str();
  h5_check(H5Awrite(name, text, &letters));
}

void write_tensor(hid_t file, const std::string& place, ElementType type, const Tensor& value) {
  hsize_t sizes[Shape::max_rank] = {};
  std::copy(value.shape().begin(), value.shape().end(), sizes);
  const H5Handle space = value.rank() == 0
                             ? h5_open(H5Screate(H5S_SCALAR), H5Sclose)
                             : h5_open(H5Screate_simple(value.rank(), sizes, nullptr), H5Sclose);
  const H5Handle made = h5_open(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  h5_check(H5Pset_obj_track_times(made, false));  // equal weights make equal files
  const hid_t lies = type == ElementType::f32   ? H5T_IEEE_F32LE
                     : type == ElementType::f64 ? H5T_IEEE_F64LE
                                                : H5T_STD_I64LE;
  const H5Handle dataset =
      h5_open(H5Dcreate2(file, place.c_str(), lies, space, H5P_DEFAULT, made, H5P_DEFAULT), H5Dclose);
  encode(type, value, [&](const void* data, std::size_t) {
    h5_check(H5Dwrite(dataset, lies, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  });
}

}  // namespace

void write_keras_h5(const std::filesystem::path& path, const StoredTensors& tensors, const NameMap& names,
                    const Facts& facts) {
  const H5Quiet quiet;
  const H5Handle file = open_image();
  for (const StoredTensor& tensor : tensors) {
    const auto row =
        std::find_if(names.begin(), names.end(), [&](const NameRow& r) { return r.name == tensor.name; });
    expect(row != names.end(),
           "cannot write {}: Keras has no place for tensor {}; name the model that it belongs to",
           path.string(), printable(tensor.name));
    make_vars(file, row->theirs.substr(0, row->theirs.rfind('/')), layer_name(*row));
    const bool count = tensor.shape.rank() == 0;  // of a normalization: Keras has no other scalars
    write_tensor(file, row->theirs, count ? ElementType::i64 : written_type(tensor.type), tensor.read());
  }
  const auto input = facts.find("input");
  if (input != facts.end()) make_vars(file, "/layers/rescaling/vars", "rescaling");
  if (input != facts.end() && input->second == "imagenet")
    make_vars(file, "/layers/rescaling_1/vars", "rescaling_1");
  make_vars(file, "/vars", "functional");
  write_file_atomically(path, image_of(file));
}

}  // namespace sonograd
