#pragma once

// Stands for NVTX 3's header in tests: what was pushed is kept (gpu_standin::ranges()).
int nvtxRangePushA(const char* name);
int nvtxRangePop();
