#include "tests/cudnn_plans/devices.h"

#include <nlohmann/json.hpp>

namespace sonograd {

std::string DescribedGpu::properties() const {
  const nlohmann::json facts{{"deviceName", name},
                             {"deviceVer", capability},
                             {"multiProcessorCount", processors},
                             {"totalGlobalMem", 1'000'000'000LL * memory},
                             {"smClockRateKHz", 1000 * clock},
                             {"memClockRateKHz", 1000 * memory_clock},
                             {"l2CacheSize", cache << 20},
                             {"maxSharedMemoryPerBlock", 48 << 10},
                             {"maxSharedMemoryPerBlockOptin", shared_memory << 10},
                             {"reservedSharedMemoryPerBlock", capability >= 800 ? 1 << 10 : 0},
                             {"maxCtasPerSM", blocks},
                             {"maxThreadsPerSM", threads},
                             {"maxRegistersPerSM", 65536},
                             {"regsPerBlock", 65536},
                             {"maxThreadsPerBlock", 1024},
                             {"maxBlockSize", {1024, 1024, 64}},
                             {"maxGridSize", {2147483647, 65535, 65535}},
                             {"warpSize", 32},
                             {"supportCoopLaunch", 1},
                             {"isTccDriver", 0},
                             {"driverVer", 13000},
                             {"cudaDeviceId", 0},
                             {"pciDeviceId", 0}};
  return facts.dump();
}

}  // namespace sonograd
