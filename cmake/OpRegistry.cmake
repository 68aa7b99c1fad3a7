# sonograd_op_list(OUT): writes build/op_list.cpp, which calls register_<op>() of every folder ops/<op>/ and
# register_<op>_cpu() where the folder has <op>.cpu.cpp. Registration so never rests on static initialisers.
function(sonograd_op_list out)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ops/*/*.cpp)
  set(declarations "")
  set(folders "")
  set(kernels "")
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
  set(${out} ${list} PARENT_SCOPE)
endfunction()
