# Each fuzzer twice: for libFuzzer where that is built, and as an ordinary test
# over the inputs that were worth keeping.
foreach(fuzzer events_fuzzer requests_fuzzer requests_ga_fuzzer)
  tocsin_fuzzer(NAME ${fuzzer} SOURCES fuzz/${fuzzer}.cc DEPENDS tocsin::wire)
  if(NOT TOCSIN_FUZZ)
    add_executable(${fuzzer}_replay fuzz/${fuzzer}.cc fuzz/replay_main.cc)
    target_compile_options(${fuzzer}_replay PRIVATE ${TOCSIN_WARNINGS})
    target_link_libraries(${fuzzer}_replay PRIVATE tocsin::wire)
    add_test(NAME ${fuzzer}_replay
      COMMAND ${fuzzer}_replay ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${fuzzer})
    set_tests_properties(${fuzzer}_replay PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endforeach()
