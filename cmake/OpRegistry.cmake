# sonograd_op_list(OUT GPU_OUT): writes build/op_list.cpp, which calls register_<op>() of every folder ops/<op>/ and
# register_<op>_cpu() where the folder has <op>.cpu.cpp, and build/gpu_op_list.cpp, which calls register_<op>_gpu() where it has <op>.cu
# or <op>.gpu.cpp. Registration so never rests on static initialisers.
function(sonograd_op_list out gpu_out)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ops/*/*.cpp ${CMAKE_SOURCE_DIR}/ops/*/*.cu)
  set(declarations "")
  set(folders "")
  set(kernels "")
  set(on_gpu "")
  foreach(page IN LISTS pages)
    get_filename_component(file ${page} NAME)
    get_filename_component(folder ${page} DIRECTORY)
    get_filename_component(op ${folder} NAME)
    if(file STREQUAL "${op}.cpp")
      set(function register_${op})
      string(APPEND folders "      {\"${op}\", ${function}},\n")
    elseif(file STREQUAL "${op}.cpu.cpp")
      set(function register_${op}_cpu)
      string(APPEND kernels "  ${function}(registry);\n")
    else()
      if(file STREQUAL "${op}.cu" OR file STREQUAL "${op}.gpu.cpp")
        list(APPEND on_gpu register_${op}_gpu)
      endif()
      continue()
    endif()
    string(APPEND declarations "void ${function}(Registry&);\n")
  endforeach()
  set(list ${CMAKE_BINARY_DIR}/op_list.cpp)
  file(GENERATE OUTPUT ${list} CONTENT "// Made by cmake/OpRegistry.cmake from the folders under ops/.
#include \"autograd/registry.h\"
namespace sonograd {
${declarations}
const std::vector<OpFolder>& op_folders() {
  static const std::vector<OpFolder> all{
${folders}  };
  return all;
}
void register_all_ops(Registry& registry) {
  for (const OpFolder& folder : op_folders()) folder.add(registry);
${kernels}}
}  // namespace sonograd
")
  list(REMOVE_DUPLICATES on_gpu)
  list(TRANSFORM on_gpu REPLACE "(.+)" "void \\1(Registry&)@" OUTPUT_VARIABLE gpu_declarations)
  list(TRANSFORM on_gpu REPLACE "(.+)" "  \\1(registry)@" OUTPUT_VARIABLE gpu_calls)
  string(REPLACE ";" "" gpu_declarations "${gpu_declarations}")
  string(REPLACE ";" "" gpu_calls "${gpu_calls}")
  string(REPLACE "@" ";\n" gpu_declarations "${gpu_declarations}")
  string(REPLACE "@" ";\n" gpu_calls "${gpu_calls}")
  set(gpu_list ${CMAKE_BINARY_DIR}/gpu_op_list.cpp)
  file(GENERATE OUTPUT ${gpu_list} CONTENT "// Made by cmake/OpRegistry.cmake from the folders under ops/.
#include \"autograd/registry.h\"
namespace sonograd {
${gpu_declarations}
void register_gpu_ops(Registry& registry) {
${gpu_calls}}
}  // namespace sonograd
")
  set(${out} ${list} PARENT_SCOPE)
  set(${gpu_out} ${gpu_list} PARENT_SCOPE)
endfunction()
