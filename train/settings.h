#pragma once
#include "train/fit.h"

namespace sonograd {

// What a checkpoint and the run that goes on from it must have in common, and all processes of one: the items
// that change numbers, parted by "; ".
std::string settings_of(const Model& model, const FitData& data, const std::vector<PhasePlan>& plan,
                        const FitOptions& options);
// That they are the first process's in all; throws Error that names the items which differ.
void expect_in_all(Group& group, const std::string& settings);

}  // namespace sonograd
