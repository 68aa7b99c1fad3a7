#pragma once
#include "train/distributed/group.h"

namespace sonograd {

// The same processes where they train on `device` gpu, each on one of its own: what lies there goes from gpu
// to gpu by NCCL, all else by `group`, which must outlive it. Nothing where one process is alone or none
// trains on a gpu. All processes call it. Throws Error where some have a gpu and others none, or there is no
// NCCL. All let the result go together; where an exception does, nobody is waited for, and the process must
// end all (Group::abort).
std::unique_ptr<Group> join_gpus(Group& group, Device device);

}  // namespace sonograd
