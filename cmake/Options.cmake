# The flags that every target of ours is compiled with; not part of the installed package.
add_library(sonograd_options INTERFACE)
# nvcc is given its own, see Cuda.cmake.
target_compile_options(sonograd_options INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Werror>)

# No fast-math: a sum has the order that the code states. Fused multiply-adds are used where the instruction set has them. The
# fast kernels (*.cpu.cpp) are the loops that the compiler vectorises: they get -O3, see CMakeLists.txt. That nobody reads errno or
# traps floating-point exceptions lets square roots and selections become vector instructions; it changes no value.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
target_compile_options(sonograd_options INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=fast -fno-math-errno -fno-trapping-math>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(sonograd_options INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wno-restrict>)  # false alarms on std::string (GCC bug 105651)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(sonograd_options INTERFACE -Wno-pass-failed)
endif()

if(SONOGRAD_SANITIZE)
  set(flags -fsanitize=${SONOGRAD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -O1 -g1)
  target_compile_options(sonograd_options INTERFACE ${flags})
  target_link_options(sonograd_options INTERFACE -fsanitize=${SONOGRAD_SANITIZE})
  # No function clones (their resolver runs before a sanitizer is ready) and no pool (it would hide overruns).
  target_compile_definitions(sonograd_options INTERFACE SONOGRAD_SANITIZED)
endif()

find_program(ccache ccache)
if(ccache)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ccache})
endif()
find_program(mold mold)
if(mold)
  add_link_options(-fuse-ld=mold)
endif()
