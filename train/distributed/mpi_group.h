#pragma once
#include "train/distributed/group.h"

namespace sonograd {

// The processes of MPI_COMM_WORLD, in builds with MPI. They end with MPI's end, so one group is all there is.
std::unique_ptr<Group> join_mpi();

}  // namespace sonograd
