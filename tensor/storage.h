#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

// The elements of a storage that a view covers, as the view's geometry.
struct Region {
  Int offset = 0;
  Shape shape;
  Strides strides;

  bool operator==(const Region& other) const = default;
  // Numbers of the first and the last element that it touches, of a region that has elements.
  std::pair<Int, Int> span() const;
  // Whether any element may belong to both. Exact for slices of one row-major parent (equal strides, each a
  // multiple of the next); for other pairs, slices of a permuted view among them, it may report an overlap
  // that is none, never the reverse.
  bool may_overlap(const Region& other) const;
};

// Bytes from the pool of the host or, if asked for, of the gpu, shared by the views on them, with a record of
// what was written when.
class Storage {
 public:
  explicit Storage(Int bytes, bool on_gpu = false);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return block; }  // an address of the gpu's where it is there
  Int bytes() const { return bytes_; }

  // Versions are kept per written range: backward asks whether anything it saved has been written over since.
  std::uint64_t version() const;
  void record_write(const Region& region);
  bool written_since(std::uint64_t version, const Region& region) const;

 private:
  struct Write {
    Region region;
    std::uint64_t version;
  };
  bool on_gpu;
  void* block;
  Int bytes_;
  mutable std::mutex mutex;
  std::uint64_t version_ = 0;
  std::vector<Write> writes;
};

}  // namespace sonograd
