# sonograd_add_cuda(TARGET SOURCES): compiles what a build with CUDA adds, *.cu by nvcc, into the target. The CUDA runtime is linked
# statically, so that the program starts where there is no driver and says that there is none.
function(sonograd_add_cuda target)
  find_package(CUDAToolkit 13 REQUIRED)
  target_sources(${target} PRIVATE ${ARGN})
  # fmt 9's compile-time checks are beyond nvcc; g++ makes them of the same headers.
  target_compile_definitions(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:FMT_CONSTEVAL=> $<$<COMPILE_LANGUAGE:CUDA>:FMT_USE_CONSTEXPR=1>)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr --extended-lambda -Werror=all-warnings
                                           -Xcompiler=-ffp-contract=fast,-fno-math-errno,-fno-trapping-math>)
  find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} REQUIRED)  # cuDNN and cuBLAS are opened at run time
  target_include_directories(${target} SYSTEM PRIVATE ${CUDNN_INCLUDE_DIR})
  target_link_libraries(${target} PRIVATE CUDA::cudart_static)
endfunction()
