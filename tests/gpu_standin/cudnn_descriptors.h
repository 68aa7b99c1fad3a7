#pragma once
#include <cudnn.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

// The descriptors of the stand-in for cuDNN: which attributes each has, of which type and number, and that no
// other is set; that none is changed once finalized, used before, or freed before what uses it.
namespace gpu_standin {

struct Attribute {
  cudnnBackendAttributeType_t type;
  std::vector<char> bytes;
};

struct Descriptor {
  cudnnBackendDescriptorType_t type;
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, Attribute> attributes = {};
  int engine = 0;                     // of a plan, an engine or its configuration
  const Descriptor* graph = nullptr;  // of these, too

  bool has(cudnnBackendAttributeName_t name) const { return attributes.count(name) > 0; }
  template <class T>
  std::vector<T> all(cudnnBackendAttributeName_t name) const {
    const std::vector<char>& bytes = attributes.at(name).bytes;
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  template <class T>
  T one(cudnnBackendAttributeName_t name) const {
    T value{};
    std::memcpy(&value, attributes.at(name).bytes.data(), sizeof(T));
    return value;
  }
  const Descriptor& part(cudnnBackendAttributeName_t name) const { return *parts(name).front(); }
  std::vector<const Descriptor*> parts(cudnnBackendAttributeName_t name) const {
    std::vector<const Descriptor*> found;
    for (void* const each : all<void*>(name)) found.push_back(static_cast<const Descriptor*>(each));
    return found;
  }
};

// Null, with a fault, for what is no living descriptor.
Descriptor* descriptor_of(cudnnBackendDescriptor_t given);
// Of a type, finalized; null, with a fault, otherwise.
Descriptor* finalized(cudnnBackendDescriptor_t given, cudnnBackendDescriptorType_t type);

bool complete(const Descriptor& descriptor);  // whether all that it must have is set

// Null, with a fault, for a handle that is none, another thread's, or without a stream.
cudaStream_t stream_to_run_on(cudnnHandle_t handle);

cudnnStatus_t refuse(cudnnStatus_t status, const std::string& text);  // a fault, then the status
std::size_t size_of(cudnnBackendAttributeType_t type);

}  // namespace gpu_standin
