#pragma once
#include "train/distributed/group.h"

// The processes that mpirun started this test with; one where none did.
sonograd::Group& test_group();
