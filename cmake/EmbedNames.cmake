# sonograd_name_maps(OUT): writes build/name_maps.cpp, which holds every models/names/<family>.txt as a string, so that the
# installed program needs no files beside it.
function(sonograd_name_maps out)
  file(GLOB maps CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/models/names/*.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${maps})
  set(entries "")
  foreach(map IN LISTS maps)
    get_filename_component(family ${map} NAME_WE)
    file(READ ${map} text)
    string(APPEND entries "      {\"${family}\", R\"names(${text})names\"},\n")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/name_maps.cpp)
  file(GENERATE OUTPUT ${source} CONTENT "// Made by cmake/EmbedNames.cmake from models/names/.
#include \"models/weights/name_map.h\"
namespace sonograd {
const std::vector<EmbeddedNames>& embedded_names() {
  static const std::vector<EmbeddedNames> all = {
${entries}  };
  return all;
}
}  // namespace sonograd
")
  set(${out} ${source} PARENT_SCOPE)
endfunction()
