#include <array>
#include <cstdlib>

#include "train/distributed/mpi_group.h"

namespace sonograd {
namespace {

// What the launchers of Open MPI, of MPICH and its kin, and Slurm's with PMIx set for each process.
constexpr std::array rank_variables{"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"};

const char* given_rank() {
  for (const char* variable : rank_variables)
    if (const char* const rank = std::getenv(variable)) return rank;
  return nullptr;
}

}  // namespace

Int launched_rank() {
  const char* const rank = given_rank();
  return rank ? std::atoi(rank) : 0;
}

std::unique_ptr<Group> join_group() {
  if (!given_rank()) return nullptr;
#ifdef SONOGRAD_MPI
  return join_mpi();
#else
  throw Error(
      "several processes were started, but this build knows no MPI: run ./run setup --mpi and build again, "
      "or "
      "start one process without mpirun");
#endif
}

}  // namespace sonograd
