#pragma once
#include <array>
#include <string>

namespace sonograd {

// GPUs as cuDNN is told of them: one of each compute capability that it and the toolkit support, by NVIDIA's
// data sheets and its guide's table of compute capabilities. Memory in GB, clocks in MHz.
struct DescribedGpu {
  const char* name;
  int capability;  // 100 · major + 10 · minor
  int processors, memory, clock, memory_clock;
  int shared_memory;    // most that a block may ask for, in KiB
  int blocks, threads;  // most of a processor
  int cache;            // second level, in MiB

  std::string properties() const;  // cuDNN's JSON
};

// clang-format off
constexpr std::array<DescribedGpu, 7> described_gpus{{
    //                   capability processors memory clock memory shared blocks threads cache
    {"Tesla T4",                750,        40,    16, 1590,  5001,    64,    16,   1024,    4},
    {"A100",                    800,       108,    80, 1410,  1593,   163,    32,   2048,   40},
    {"GeForce RTX 3090",        860,        82,    24, 1695,  9751,    99,    16,   1536,    6},
    {"GeForce RTX 4090",        890,       128,    24, 2520, 10501,    99,    24,   1536,   72},
    {"H100",                    900,       132,    80, 1980,  2619,   227,    32,   2048,   50},
    {"B200",                   1000,       148,   180, 1965,  3996,   227,    32,   2048,  126},
    {"GeForce RTX 5090",       1200,       170,    32, 2407, 14001,    99,    24,   1536,   96},
}};
// clang-format on

}  // namespace sonograd
