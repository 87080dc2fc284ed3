include_guard(GLOBAL)

# connector_library(<layer>_<module> SRCS ... PUBLIC_DEPS ... PRIVATE_DEPS ...)
# connector_program(<name> LAYER <layer> SRCS ... DEPS ...)
# connector_test(<name> SRCS ... DEPS ... LABELS ...)
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

function(connector_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;DEPS;LABELS")
  add_executable(${name} ${arg_SRCS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE
    ${arg_DEPS} GTest::gmock GTest::gtest_main connector_options)
  # Compiling a test costs more than running it.
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  add_test(NAME ${name} COMMAND ${name})
  if("contract" IN_LIST arg_LABELS OR "integration" IN_LIST arg_LABELS)
    list(APPEND arg_LABELS threads)
  endif()
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(threaded_tests ${name})
  endif()
  if(NOT "large" IN_LIST arg_LABELS)
    connector_sanitized(${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 120)
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
