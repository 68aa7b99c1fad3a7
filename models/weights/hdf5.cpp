#include "models/weights/hdf5.h"

#include <algorithm>

#include "base/error.h"

namespace sonograd {

std::string h5_reason() {
  std::string reason;
  const auto first = [](unsigned, const H5E_error2_t* error, void* text) -> herr_t {
    auto& reason = *static_cast<std::string*>(text);
    if (reason.empty() && error->desc) reason = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first, &reason);
  std::replace_if(
      reason.begin(), reason.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return reason.empty() ? "no reason given" : reason;
}

void h5_check(hid_t answer) {
  if (answer < 0) throw Error("HDF5: {}", h5_reason());
}

H5Handle h5_open(hid_t id, herr_t (*close)(hid_t)) {
  h5_check(id);
  return {id, close};
}

}  // namespace sonograd
