# sonograd_op_list(OUT): writes build/op_list.cpp, which calls register_<op>() of every folder ops/<op>/ and
# register_<op>_cpu() where the folder has <op>.cpu.cpp. Registration so never rests on static initialisers.
function(sonograd_op_list out)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ops/*/*.cpp)
  file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${CMAKE_SOURCE_DIR}/ops/*)
  set(folder_count 0)
  foreach(folder IN LISTS folders)
    if(IS_DIRECTORY ${folder})
      math(EXPR folder_count "${folder_count} + 1")
    endif()
  endforeach()
  set(declarations "")
  set(calls "")
  foreach(page IN LISTS pages)
    get_filename_component(file ${page} NAME)
    get_filename_component(folder ${page} DIRECTORY)
    get_filename_component(op ${folder} NAME)
    if(file STREQUAL "${op}.cpp")
      set(function register_${op})
    elseif(file STREQUAL "${op}.cpu.cpp")
      set(function register_${op}_cpu)
    else()
      continue()
    endif()
    string(APPEND declarations "void ${function}(Registry&);\n")
    string(APPEND calls "  ${function}(registry);\n")
  endforeach()
  set(list ${CMAKE_BINARY_DIR}/op_list.cpp)
  file(GENERATE OUTPUT ${list} CONTENT "// Made by cmake/OpRegistry.cmake from the folders under ops/.
#include \"autograd/registry.h\"
namespace sonograd {
${declarations}
void register_all_ops(Registry& registry) {
${calls}}
Int op_folders() {
  return ${folder_count};
}
}  // namespace sonograd
")
  set(${out} ${list} PARENT_SCOPE)
endfunction()
