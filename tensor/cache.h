#pragma once
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

// What is made once for each key, such as a primitive for attributes and shapes. At `capacity` entries the
// one unused for longest leaves.
template <class T>
class Cache {
 public:
  using Key = std::vector<Int>;
  explicit Cache(std::size_t capacity) : capacity(capacity) {}

  template <class Make>
  std::shared_ptr<const T> get(const Key& key, Make make) {
    const std::lock_guard lock(mutex);
    if (const auto found = places.find(key); found != places.end()) {
      recent.splice(recent.begin(), recent, found->second);
      return recent.front().second;
    }
    recent.emplace_front(key, std::make_shared<const T>(make()));
    places[key] = recent.begin();
    if (recent.size() > capacity) {
      places.erase(recent.back().first);
      recent.pop_back();
    }
    return recent.front().second;
  }

 private:
  using Entry = std::pair<Key, std::shared_ptr<const T>>;
  std::size_t capacity;
  std::mutex mutex;
  std::list<Entry> recent;  // most recently used first
  std::map<Key, typename std::list<Entry>::iterator> places;
};

}  // namespace sonograd
