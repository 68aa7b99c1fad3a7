#pragma once
#include <memory>
#include <string>
#include <vector>

#include "autograd/registry.h"

namespace sonograd {

// A call on a tape.
struct Recorded {
  std::shared_ptr<const AnyOp> op;
  const OpEntry* entry;
  // What vjp reads, detached; of the others, and of what can be made again, the shape. Of a deferred call all
  // inputs that are there.
  Tensors inputs, outputs;
  std::vector<Int> input_nodes, output_nodes;
  std::vector<std::uint64_t> versions;  // of the saved inputs', then outputs', storage when they were saved
  std::string layer;
  bool has_run = true;  // false: deferred until backward reads a value of it
  Tensors made = {};  // outputs made in backward, kept until it passes this call; empty where there are none
};

std::string where(const Recorded& call);  // layer and op, for errors
std::uint64_t version_of(const Tensor& x);
bool written_over(const Tensor& x, std::uint64_t since);
void check_unchanged(
    const Recorded& call);  // throws Error where a value that backward needs was written over

// A tape's calls and, for each value, its number there.
struct TapeState {
  struct Node {
    std::uint64_t version;  // of its storage when the node was made
    Int call;               // whose output it is, or -1
    bool read = false;      // by a vjp
    bool kept = false;      // of a deferred call, and read: backward keeps the value once it has made it
  };
  std::vector<Recorded> calls;
  bool used_up = false;  // backward walked over the calls and let them go
  std::vector<Node> nodes;

  Node& node(Int number) { return nodes[static_cast<std::size_t>(number)]; }
  const Node& node(Int number) const { return nodes[static_cast<std::size_t>(number)]; }
  void add_node(const std::shared_ptr<TapeState>& self, Tensor& x, Int call = -1);

  // Whether the node's value need not be kept for a reader, as backward can make it again from what it keeps
  // anyway.
  bool can_be_made_again(Int number) const;

  // Of a node that can be made again or whose call was deferred. `asked` for by a vjp, or read by a later
  // one, it stays until backward passes the call that made it; but what can be made again is let go where a
  // deferred value is made of it.
  Tensor value_of(Int number, bool asked);
};

}  // namespace sonograd
