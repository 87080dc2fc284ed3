include_guard(GLOBAL)

# connector_system_test(<name> FILE <test_x.py> [PARALLEL] LABELS ...)
#
# A pytest file that starts the programs of this build as real processes. Each runs alone: worlds are
# separate, but two cores are not enough for two of them to keep their timing promises. PARALLEL says
# that a test promises no times, so that others may run beside it.
function(connector_system_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PARALLEL" "FILE" "LABELS")
  if(arg_PARALLEL)
    set(alone FALSE)
  else()
    set(alone TRUE)
  endif()
  add_test(NAME ${name}
    COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FILE})
  set_tests_properties(${name} PROPERTIES
    LABELS "${arg_LABELS}" TIMEOUT 600 RUN_SERIAL ${alone}
    ENVIRONMENT "CONNECTOR_BIN=${PROJECT_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
endfunction()
