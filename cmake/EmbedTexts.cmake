# sonograd_embed(OUT FILES HEADER TYPE FUNCTION): writes build/FUNCTION.cpp, which defines HEADER's function
# `const std::vector<TYPE>& FUNCTION()` with the name (less its suffix) and the text of each file that FILES, a pattern, finds: the
# installed program needs no files beside it.
function(sonograd_embed out files header type function)
  file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${files})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${found})
  set(entries "")
  foreach(file IN LISTS found)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND entries "      {\"${name}\", R\"embedded(${text})embedded\"},\n")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/${function}.cpp)
  file(GENERATE OUTPUT ${source} CONTENT "// Made by cmake/EmbedTexts.cmake from ${files}.
#include \"${header}\"
namespace sonograd {
const std::vector<${type}>& ${function}() {
  static const std::vector<${type}> all = {
${entries}  };
  return all;
}
}  // namespace sonograd
")
  set(${out} ${source} PARENT_SCOPE)
endfunction()
