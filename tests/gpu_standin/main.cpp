#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/gpu_standin/no_faults.h"

int main(int argc, char** argv) {
  const int status = doctest::Context(argc, argv).run();
  return status != 0 || left_behind ? 1 : 0;
}
