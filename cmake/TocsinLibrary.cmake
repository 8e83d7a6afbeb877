# The flags that every target of ours is compiled with: a warning is an error.
# A designated initializer names only what differs from the default; GCC takes
# the strings and vectors left out for forgotten ones.
set(TOCSIN_WARNINGS
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Werror
  -Wno-missing-field-initializers)
# GCC 12 sees overlapping copies in std::string that are not there (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND TOCSIN_WARNINGS -Wno-restrict)
endif()
# libstdc++ 12 uses in std::stable_sort what it has itself marked as deprecated;
# clang says so where the template is made.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND TOCSIN_WARNINGS -Wno-deprecated-declarations)
endif()

option(TOCSIN_ASAN "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(TOCSIN_TSAN "Build with ThreadSanitizer" OFF)
option(TOCSIN_FUZZ "Build the fuzzers (needs clang)" OFF)
if(TOCSIN_ASAN)
  # GCC 12 cannot follow the instrumented code of std::regex and std::function,
  # and says so as a warning about memory that may be uninitialized.
  list(APPEND TOCSIN_WARNINGS -Wno-maybe-uninitialized)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(TOCSIN_TSAN)
  # It does not see the fences of Boost's Asio, which are there besides locks.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND TOCSIN_WARNINGS -Wno-tsan)
  endif()
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(TOCSIN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined
    -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(MOLD mold)
if(MOLD AND NOT TOCSIN_FUZZ)
  add_link_options(-fuse-ld=mold)
endif()

# tocsin_library(NAME core SOURCES ... DEPENDS ...)
#
# One folder, one library, one line of allowed dependencies. DEPENDS is the
# architecture: core/ cannot call PostgreSQL because it does not link it.
function(tocsin_library)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;DEPENDS")
  add_library(tocsin_${arg_NAME} STATIC ${arg_SOURCES})
  add_library(tocsin::${arg_NAME} ALIAS tocsin_${arg_NAME})
  target_include_directories(tocsin_${arg_NAME} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(tocsin_${arg_NAME} PRIVATE ${TOCSIN_WARNINGS})
  target_link_libraries(tocsin_${arg_NAME} PUBLIC ${arg_DEPENDS})
endfunction()

# tocsin_test(NAME wire_test LABEL unit SOURCES ... DEPENDS ...)
#
# One binary of GoogleTests, registered with CTest as one test. LABEL is the
# kind: unit, store, db, sim, e2e.
function(tocsin_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;LABEL" "SOURCES;DEPENDS")
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_include_directories(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${arg_NAME} PRIVATE ${TOCSIN_WARNINGS})
  target_link_libraries(${arg_NAME} PRIVATE ${arg_DEPENDS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME} --gtest_color=no)
  set_tests_properties(${arg_NAME} PROPERTIES LABELS ${arg_LABEL} TIMEOUT 600)
endfunction()

# tocsin_fuzzer(NAME events_fuzzer DEPENDS tocsin::wire RUNS 20000)
#
# tests/fuzz/<NAME>.cc twice. With TOCSIN_FUZZ a libFuzzer binary, which script/fuzz
# runs. Else a test of every build, the sanitizers' too: over the inputs that were
# worth keeping (tests/fuzz/corpus/<NAME>), and RUNS inputs made from them.
if(TOCSIN_FUZZ)
  add_custom_target(tocsin_fuzzers)
endif()
function(tocsin_fuzzer)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;RUNS" "DEPENDS")
  set(target ${arg_NAME}_replay)
  if(TOCSIN_FUZZ)
    set(target ${arg_NAME})
  endif()
  add_executable(${target} fuzz/${arg_NAME}.cc)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${target} PRIVATE ${TOCSIN_WARNINGS})
  target_link_libraries(${target} PRIVATE ${arg_DEPENDS})
  if(TOCSIN_FUZZ)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_dependencies(tocsin_fuzzers ${target})
    return()
  endif()
  target_sources(${target} PRIVATE fuzz/replay_main.cc)
  add_test(NAME ${target}
    COMMAND ${target} --mutations ${arg_RUNS} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${arg_NAME})
  set_tests_properties(${target} PROPERTIES LABELS "unit;fuzz" TIMEOUT 300)
endfunction()
