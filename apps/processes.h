#pragma once
#include <memory>
#include <string>

#include "train/distributed/group.h"

namespace sonograd {

// The processes that run this command together: those of mpirun, or one alone. The first speaks for all.
class Processes {
 public:
  // Joins the others, if mpirun started any; all but the first then fall silent, and each takes its part of
  // the machine's cores. Throws Error in a build without MPI.
  void join();
  Group& group() const { return joined ? *joined : one_process(); }

  // Says why the command ends, in one line on stderr, and returns the status. Of several processes the one
  // that fails ends all with that status, and this does not return.
  int fail(const std::string& why, int status) const;
  // The same of an end on which all agree, each on its own.
  int stop(const std::string& why, int status) const;

 private:
  std::unique_ptr<Group> joined;
  int voice = 2;  // stderr, also of a process that fell silent
};

}  // namespace sonograd
