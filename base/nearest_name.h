#pragma once
#include <string>
#include <vector>

namespace sonograd {

// "; did you mean aeganb3?" for an unknown name: of the known ones the nearest in spelling, or two that are
// equally near. Upper and lower case count as equal. "" where none is near.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& known);

}  // namespace sonograd
