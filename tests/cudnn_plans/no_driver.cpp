// Stands for CUDA's driver, as libcuda.so.1, where plans are asked for that cuDNN compiles at run time: it
// loads what it compiled and asks for the kernel in it, which nobody here runs. What is not answered is zero
// or not there.
extern "C" {

int cuInit(unsigned) {
  return 0;
}
int cuDriverGetVersion(int* version) {
  *version = 13000;
  return 0;
}
int cuDeviceGetCount(int* count) {
  *count = 1;
  return 0;
}
int cuDeviceGet(int* device, int) {
  *device = 0;
  return 0;
}
int cuLibraryLoadData(void** library, const void*, void*, void**, unsigned, void*, void**, unsigned) {
  static int the_library;
  *library = &the_library;
  return 0;
}
int cuLibraryGetKernel(void** kernel, void*, const char*) {
  static int the_kernel;
  *kernel = &the_kernel;
  return 0;
}
int cuGetErrorName(int, const char** text) {
  *text = "no driver";
  return 0;
}
int cuGetErrorString(int, const char** text) {
  *text = "no driver";
  return 0;
}
int cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return 500;  // CUDA_ERROR_NOT_FOUND
}
int cuGetProcAddress_v2(const char*, void** function, int, unsigned long long, int* found) {
  *function = nullptr;
  if (found) *found = 1;
  return 500;
}

#define ZERO(name) \
  int name() {     \
    return 0;      \
  }
ZERO(cuCtxGetCurrent)
ZERO(cuCtxGetLimit)
ZERO(cuCtxPopCurrent)
ZERO(cuCtxPushCurrent)
ZERO(cuKernelGetAttribute)
ZERO(cuKernelSetAttribute)
ZERO(cuLaunchCooperativeKernel)
ZERO(cuLaunchKernel)
ZERO(cuLaunchKernelEx)
ZERO(cuLibraryLoadFromFile)
ZERO(cuLibraryUnload)
ZERO(cuLinkAddData)
ZERO(cuLinkComplete)
ZERO(cuLinkCreate)
ZERO(cuLinkDestroy)
ZERO(cuOccupancyMaxPotentialClusterSize)
ZERO(cuStreamGetCtx)
#undef ZERO

}  // extern "C"
