#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "autograd/check_op.h"

namespace sonograd {

// What was found about one op, layer or model.
struct CheckReport {
  std::string name, kind;
  std::vector<Check> checks;

  bool ok() const;
  const Check& headline()
      const;  // the first that failed, else the gradient's, else the one nearest to its tolerance
};

struct CheckJob {
  std::string name;
  std::function<CheckReport()> run;
};

CheckJob op_job(const std::string& name, bool f32, Device last);  // see check_op
CheckJob layer_job(const std::string& name, bool f32);
CheckJob model_job(const std::string& name, bool f32);
std::vector<std::string> op_names();
std::vector<std::string> layer_names();

// Runs the jobs on `threads` threads, ops one at a time (their kernels use all threads); the reports come in
// the jobs' order.
std::vector<CheckReport> run_checks(const std::vector<CheckJob>& jobs, int threads, bool quiet);

nlohmann::ordered_json json_of(const Check& check);

}  // namespace sonograd
