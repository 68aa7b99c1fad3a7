#pragma once
#include <memory>
#include <string>
#include <utility>

#include "tensor/tensor.h"

namespace sonograd {

// Processes that train one model together. Each calls the same functions in the same order; a call ends once
// all have made it.
class Group {
 public:
  Group() = default;
  virtual ~Group() = default;  // waits for the others; on gpus not while an exception passes, see gpu_group.h
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  virtual Int rank() const = 0;  // 0 … size - 1
  virtual Int size() const = 0;
  virtual Int on_this_machine() const = 0;  // of the processes
  virtual Int place_here() const = 0;       // of this one among those, from 0
  bool alone() const { return size() == 1; }
  bool leads() const { return rank() == 0; }  // writes files and speaks for all

  // x, dense, becomes the sum over the processes, ((x₀ + x₁) + x₂) + … in the order of their ranks, on the
  // gpu in an order that NCCL chooses; the same bits in each. begin_sum returns at once; finish waits for all
  // sums begun, until when x must be left alone. On the gpu it is the work put on the stream later that
  // waits.
  virtual void begin_sum(Tensor x) = 0;
  virtual void finish() = 0;
  void sum(Tensor x) {
    begin_sum(std::move(x));
    finish();
  }

  virtual std::string order_of_sums() const = 0;  // of models on the device that these processes train on

  // What the process `from` has, in all of them.
  virtual void broadcast(Tensor x, Int from = 0) = 0;  // dense, of one shape and type
  virtual void broadcast(std::string& bytes, Int from = 0) = 0;

  virtual void barrier() = 0;
  [[noreturn]] virtual void abort(int status) = 0;  // ends all processes, wherever they are
};

// The group of one process, which has nothing to wait for.
Group& one_process();

// The processes that mpirun started this one with; nothing where none did. Call it once, before any thread
// but those that take signals. Throws Error in a build without MPI.
std::unique_ptr<Group> join_group();
Int launched_rank();  // what mpirun calls this process, known without MPI; 0 where none started it

// For numbers on which all processes must act alike.
std::vector<double> sum_over(Group& group, const std::vector<double>& values);
bool any_says(Group& group, bool mine);
bool first_says(Group& group, bool mine);

}  // namespace sonograd
