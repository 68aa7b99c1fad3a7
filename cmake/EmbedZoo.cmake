# sonograd_zoo_families(OUT): writes build/zoo_families.cpp, which holds every models/zoo/<family>.json as a string, so that the
# installed program needs no files beside it.
function(sonograd_zoo_families out)
  file(GLOB families CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/models/zoo/*.json)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${families})
  set(entries "")
  foreach(family IN LISTS families)
    get_filename_component(name ${family} NAME_WE)
    file(READ ${family} text)
    string(APPEND entries "      {\"${name}\", R\"json(${text})json\"},\n")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/zoo_families.cpp)
  file(GENERATE OUTPUT ${source} CONTENT "// Made by cmake/EmbedZoo.cmake from models/zoo/.
#include \"models/zoo.h\"
namespace sonograd {
const std::vector<EmbeddedFamily>& embedded_families() {
  static const std::vector<EmbeddedFamily> all = {
${entries}  };
  return all;
}
}  // namespace sonograd
")
  set(${out} ${source} PARENT_SCOPE)
endfunction()
