# sonograd_add_cuda(TARGET SOURCES): compiles what a build with CUDA adds, *.cu by nvcc, into the target. The CUDA runtime is linked
# statically, so that the program starts where there is no driver and says that there is none.
function(sonograd_add_cuda target)
  find_package(CUDAToolkit 13 REQUIRED)
  find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} REQUIRED)
  target_sources(${target} PRIVATE ${ARGN})
  # Only the files of the device see CUDA's headers: all others compile as without it, and a compiler cache knows them.
  set(device_sources ${ARGN})
  list(FILTER device_sources INCLUDE REGEX "\\.gpu\\.cpp$")
  list(GET CUDAToolkit_INCLUDE_DIRS 0 toolkit)
  set_source_files_properties(${device_sources} PROPERTIES COMPILE_OPTIONS "-isystem;${toolkit};-isystem;${CUDNN_INCLUDE_DIR}")
  if(NCCL_INCLUDE_DIR)
    set_property(SOURCE ${CMAKE_SOURCE_DIR}/tensor/gpu/nccl.gpu.cpp APPEND PROPERTY COMPILE_OPTIONS "-isystem;${NCCL_INCLUDE_DIR}")
  endif()
  # fmt 9's compile-time checks are beyond nvcc; g++ makes them of the same headers.
  target_compile_definitions(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:FMT_CONSTEVAL=> $<$<COMPILE_LANGUAGE:CUDA>:FMT_USE_CONSTEXPR=1>)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr --extended-lambda -Werror=all-warnings
                                           -Xcompiler=-ffp-contract=fast,-fno-math-errno,-fno-trapping-math>)
  set(launcher ${ccache})
  find_package(Python3 COMPONENTS Interpreter QUIET)
  if(Python3_FOUND)  # as they are compiled, kernels are held to their limits of registers and local memory
    set(check ${CMAKE_SOURCE_DIR}/scripts/check_kernels.py)
    list(PREPEND launcher ${Python3_EXECUTABLE} ${check} --build)
    set(kernels ${ARGN})
    list(FILTER kernels INCLUDE REGEX "\\.cu$")
    set_source_files_properties(${kernels} PROPERTIES OBJECT_DEPENDS "${check};${CMAKE_SOURCE_DIR}/scripts/kernel_limits.json")
  else()
    message(STATUS "no Python: kernels' registers and local memory are not checked")
  endif()
  set_target_properties(${target} PROPERTIES CUDA_COMPILER_LAUNCHER "${launcher}")
  target_link_libraries(${target} PRIVATE $<LINK_ONLY:CUDA::cudart_static>)
endfunction()
