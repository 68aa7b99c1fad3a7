#pragma once
#include <string>

#include "data/duplicates.h"

namespace sonograd {

// The audit as one HTML file that needs no other: every group's pictures side by side, how each pair was
// found and how well it correlates, groups with different labels first and marked, unreadable files at the
// end. Reads the pictures again; throws Error where one cannot be read any more.
std::string contact_sheet(const Dataset& data, const Duplicates& found);

}  // namespace sonograd
