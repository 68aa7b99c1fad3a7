#include "models/weights/h5_image.h"

#include <algorithm>
#include <cstring>

#include "models/weights/element_type.h"

namespace sonograd {
namespace {

H5Handle new_image() {
  constexpr std::size_t step = 1 << 24;
  const H5Handle access = h5_open(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  h5_check(H5Pset_fapl_core(access, step, false));
  return h5_open(H5Fcreate("image", H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
}

void write_attribute(hid_t group, const char* name, hid_t type, hid_t space, const void* data) {
  const H5Handle attribute =
      h5_open(H5Acreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  h5_check(H5Awrite(attribute, type, data));
}

}  // namespace

H5Image::H5Image() : file(new_image()) {}

H5Handle H5Image::group(const std::string& path) {
  if (H5Lexists(file, path.c_str(), H5P_DEFAULT) > 0)
    return h5_open(H5Gopen2(file, path.c_str(), H5P_DEFAULT), H5Gclose);
  const std::size_t above = path.rfind('/');
  if (above > 0) group(path.substr(0, above));
  return h5_open(H5Gcreate2(file, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
}

void H5Image::text(hid_t group, const char* name, const std::string& value) {
  if (H5Aexists(group, name) > 0) return;
  const H5Handle type = h5_open(H5Tcopy(H5T_C_S1), H5Tclose);
  h5_check(H5Tset_size(type, H5T_VARIABLE));
  h5_check(H5Tset_cset(type, H5T_CSET_UTF8));
  const H5Handle space = h5_open(H5Screate(H5S_SCALAR), H5Sclose);
  const char* const letters = value.c_str();
  write_attribute(group, name, type, space, &letters);
}

void H5Image::texts(hid_t group, const char* name, const std::vector<std::string>& values) {
  std::size_t longest = 1;
  for (const std::string& value : values) longest = std::max(longest, value.size());
  std::string padded(values.size() * longest, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) values[i].copy(padded.data() + i * longest, longest);
  const H5Handle type = h5_open(H5Tcopy(H5T_C_S1), H5Tclose);
  h5_check(H5Tset_size(type, longest));
  h5_check(H5Tset_strpad(type, H5T_STR_NULLPAD));
  const hsize_t count = values.size();
  const H5Handle space = h5_open(H5Screate_simple(1, &count, nullptr), H5Sclose);
  write_attribute(group, name, type, space, padded.data());
}

void H5Image::tensor(const std::string& place, ElementType type, const Tensor& value) {
  hsize_t sizes[Shape::max_rank] = {};
  std::copy(value.shape().begin(), value.shape().end(), sizes);
  const H5Handle space = value.rank() == 0
                             ? h5_open(H5Screate(H5S_SCALAR), H5Sclose)
                             : h5_open(H5Screate_simple(value.rank(), sizes, nullptr), H5Sclose);
  const H5Handle made = h5_open(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  h5_check(H5Pset_obj_track_times(made, false));
  const hid_t lies = type == ElementType::f32   ? H5T_IEEE_F32LE
                     : type == ElementType::f64 ? H5T_IEEE_F64LE
                                                : H5T_STD_I64LE;
  const H5Handle dataset =
      h5_open(H5Dcreate2(file, place.c_str(), lies, space, H5P_DEFAULT, made, H5P_DEFAULT), H5Dclose);
  encode(type, value, [&](const void* data, std::size_t) {
    h5_check(H5Dwrite(dataset, lies, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  });
}

std::string_view H5Image::bytes() {
  h5_check(H5Fflush(file, H5F_SCOPE_GLOBAL));
  void* handle = nullptr;
  h5_check(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle));  // where the driver keeps its memory's address
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  h5_check(size);
  return {*static_cast<const char**>(handle), static_cast<std::size_t>(size)};
}

}  // namespace sonograd
