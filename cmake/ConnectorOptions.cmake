include_guard(GLOBAL)

# Compiler settings for every target of this project. Sanitizers are chosen by CONNECTOR_SANITIZE:
# "address" (with undefined behaviour) or "thread".
set(CONNECTOR_SANITIZE "" CACHE STRING "Sanitizer set: empty, address or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The sanitizer presets compile several sources as one (CMAKE_UNITY_BUILD): most of the time of a
# source is its headers'. So no two sources of a target may have the same name in their anonymous
# namespaces.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)

add_library(connector_options INTERFACE)
target_compile_options(connector_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Werror
  -fstack-protector-strong -fcf-protection -fno-omit-frame-pointer)
target_link_options(connector_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false positives of these inside coroutine frames and std::string.
  target_compile_options(connector_options INTERFACE
    -Wno-maybe-uninitialized -Wno-restrict -Wno-mismatched-new-delete)
  target_compile_options(connector_options INTERFACE -ftrivial-auto-var-init=zero)
  if(CMAKE_UNITY_BUILD)
    # A coroutine's frame may have a member of an anonymous namespace in the main file only.
    target_compile_options(connector_options INTERFACE -Wno-subobject-linkage)
  endif()
endif()

if(CONNECTOR_SANITIZE STREQUAL "address")
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(APPEND flags -fno-sanitize=function)  # Clang 14 mistakes coroutine resume pointers.
  else()
    # A quarter of the compile time. What reads or writes by such a pointer, AddressSanitizer sees;
    # the fuzz targets (Clang) have these checks too.
    list(APPEND flags -fno-sanitize=null,alignment,object-size,vptr)
  endif()
elseif(CONNECTOR_SANITIZE STREQUAL "thread")
  set(flags -fsanitize=thread)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND flags -Wno-tsan)  # atomic_thread_fence inside Asio.
    # Protobuf's map fields have one more member where this macro is set, and the distribution's
    # library was built without it. The standard library keeps knowing by its own macro.
    list(APPEND flags -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
elseif(NOT CONNECTOR_SANITIZE STREQUAL "")
  message(FATAL_ERROR "CONNECTOR_SANITIZE must be empty, address or thread")
endif()
if(flags)
  target_compile_options(connector_options INTERFACE ${flags})
  target_link_options(connector_options INTERFACE ${flags})
else()
  target_compile_definitions(connector_options INTERFACE
    $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()

find_program(CONNECTOR_CCACHE ccache)
if(CONNECTOR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CONNECTOR_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CONNECTOR_CCACHE})
endif()
