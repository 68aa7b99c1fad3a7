#pragma once
#include <hdf5.h>

#include <string>
#include <utility>

namespace sonograd {

// Something that HDF5 opened, closed with its owner.
class H5Handle {
 public:
  H5Handle(hid_t id, herr_t (*close)(hid_t)) : id(id), close(close) {}
  H5Handle(H5Handle&& other) noexcept : id(std::exchange(other.id, -1)), close(other.close) {}
  H5Handle& operator=(H5Handle&&) = delete;
  ~H5Handle() {
    if (id >= 0) close(id);
  }
  operator hid_t() const { return id; }

 private:
  hid_t id;
  herr_t (*close)(hid_t);
};

// HDF5 keeps its errors to itself while this lives. Make one before any other call: it also tells HDF5 not to
// clean up at the end of the process, where it prints over what a damaged file left open, and nothing of ours
// is left to flush.
class H5Quiet {
 public:
  H5Quiet() {
    H5dont_atexit();
    H5Eget_auto2(H5E_DEFAULT, &print, &data);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~H5Quiet() { H5Eset_auto2(H5E_DEFAULT, print, data); }
  H5Quiet(const H5Quiet&) = delete;
  H5Quiet& operator=(const H5Quiet&) = delete;

 private:
  H5E_auto2_t print = nullptr;
  void* data = nullptr;
};

// The innermost reason of HDF5's last failure, one line.
std::string h5_reason();

// Where HDF5 answered with a negative number: throws Error `HDF5: <its reason>`.
void h5_check(hid_t answer);
// What HDF5 opened, or throws like h5_check.
H5Handle h5_open(hid_t id, herr_t (*close)(hid_t));

}  // namespace sonograd
