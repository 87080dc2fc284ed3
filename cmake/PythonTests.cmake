include_guard(GLOBAL)

# connector_system_test(<name> FILE <test_x.py> [TIMED] [COST <seconds>] LABELS ...)
#
# A pytest file that starts the programs of this build as real processes, in worlds of its own: any
# two may run side by side. TIMED: see connector_add_test.
function(connector_system_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TIMED" "FILE;COST" "LABELS")
  connector_add_python_test(${name} ${arg_TIMED} "${arg_COST}" "${arg_LABELS}"
    -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FILE})
endfunction()

# The same for any arguments of Python.
function(connector_add_python_test name timed cost labels)
  connector_add_test(${name} ${timed} "${labels}" /usr/bin/python3 ${ARGN})
  set_tests_properties(${name} PROPERTIES
    TIMEOUT 600
    ENVIRONMENT "CONNECTOR_BIN=${PROJECT_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
  if(cost)
    set_tests_properties(${name} PROPERTIES COST ${cost})
  endif()
endfunction()
