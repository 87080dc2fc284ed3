include_guard(GLOBAL)

# connector_library(<layer>_<module> SRCS ... PUBLIC_DEPS ... PRIVATE_DEPS ...)
# connector_program(<name> LAYER <layer> SRCS ... DEPS ...)
# connector_test(<name> [TIMED] SRCS ... DEPS ... LABELS ...)
#
# <layer> is a top-level folder. A library's name without its layer names its folder. With no SRCS
# the library is header-only.

function(connector_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;PUBLIC_DEPS;PRIVATE_DEPS")
  if(arg_SRCS)
    add_library(${name} STATIC ${arg_SRCS})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC_DEPS} PRIVATE ${arg_PRIVATE_DEPS} connector_options)
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC_DEPS})
  endif()
  string(REGEX MATCH "^[a-z]+" layer ${name})
  set_property(TARGET ${name} PROPERTY CONNECTOR_LAYER ${layer})
  set_property(GLOBAL APPEND PROPERTY CONNECTOR_TARGETS ${name})
endfunction()

function(connector_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LAYER" "SRCS;DEPS")
  add_executable(${name} ${arg_SRCS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} connector_options)
  target_link_options(${name} PRIVATE -pie)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  set_property(TARGET ${name} PROPERTY CONNECTOR_LAYER ${arg_LAYER})
  set_property(GLOBAL APPEND PROPERTY CONNECTOR_TARGETS ${name})
endfunction()

# The target sanitized_tests builds what runs under AddressSanitizer: all test programs but those of
# the label `large`. All contract and integration tests, and unit tests that say so, have the label
# `threads`; the target threaded_tests builds them: ThreadSanitizer needs no others.
add_custom_target(sanitized_tests)
add_custom_target(threaded_tests)

function(connector_sanitized name)
  add_dependencies(sanitized_tests ${name})
endfunction()

# connector_add_test(<name> <TRUE if timed> <labels> <command> ...)
#
# Tests run side by side, more of them than there are processors: most of them wait most of the time.
# One that is timed promises how soon something happens, or how often. Only one of those runs at once,
# and all others give way to it.
function(connector_add_test name timed labels)
  if(timed)
    add_test(NAME ${name} COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK times)
  else()
    add_test(NAME ${name} COMMAND nice -n 10 ${ARGN})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT 120)
endfunction()

# Of binutils, as the usual one. Links a test in half of its time; what is shipped it does not link.
find_program(CONNECTOR_GOLD ld.gold)

function(connector_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TIMED" "" "SRCS;DEPS;LABELS")
  add_executable(${name} ${arg_SRCS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE
    ${arg_DEPS} GTest::gmock GTest::gtest_main connector_options)
  if(CONNECTOR_GOLD)
    target_link_options(${name} PRIVATE -fuse-ld=gold)
  endif()
  # Compiling a test costs more than running it.
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  # Four sources as one take half of the time. With more, a change of one would take too long.
  if(NOT CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
    target_compile_options(${name} PRIVATE -Wno-subobject-linkage)
  endif()
  if("contract" IN_LIST arg_LABELS OR "integration" IN_LIST arg_LABELS)
    list(APPEND arg_LABELS threads)
  endif()
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(threaded_tests ${name})
  endif()
  if(NOT "large" IN_LIST arg_LABELS)
    connector_sanitized(${name})
  endif()
  connector_add_test(${name} ${arg_TIMED} "${arg_LABELS}" $<TARGET_FILE:${name}>)
endfunction()

# What each layer may link. The broker is the only place where credentials are stored or minted, so
# nothing outside it may link its code.
set(CONNECTOR_LAYER_proto     proto)
set(CONNECTOR_LAYER_common    proto common)
set(CONNECTOR_LAYER_broker    proto common broker)
set(CONNECTOR_LAYER_dataplane proto common dataplane)
set(CONNECTOR_LAYER_cli       proto common cli)
set(CONNECTOR_LAYER_controller proto common controller)
set(CONNECTOR_LAYER_csi       proto common csi)

function(connector_check_layers)
  get_property(targets GLOBAL PROPERTY CONNECTOR_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(layer ${target} CONNECTOR_LAYER)
    set(deps)
    foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
      get_target_property(found ${target} ${property})
      if(found)
        list(APPEND deps ${found})
      endif()
    endforeach()
    foreach(dep IN LISTS deps)
      if(dep IN_LIST targets)
        get_target_property(dep_layer ${dep} CONNECTOR_LAYER)
        if(NOT dep_layer IN_LIST CONNECTOR_LAYER_${layer})
          message(FATAL_ERROR
            "${target} may not link ${dep}: layer '${layer}' may use only: ${CONNECTOR_LAYER_${layer}}")
        endif()
      endif()
    endforeach()
  endforeach()
endfunction()
