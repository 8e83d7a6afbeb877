# See wire.cmake.
foreach(fuzzer recipient_list_fuzzer campaign_file_fuzzer)
  tocsin_fuzzer(NAME ${fuzzer} SOURCES fuzz/${fuzzer}.cc DEPENDS tocsin::cli)
  if(NOT TOCSIN_FUZZ)
    add_executable(${fuzzer}_replay fuzz/${fuzzer}.cc fuzz/replay_main.cc)
    target_compile_options(${fuzzer}_replay PRIVATE ${TOCSIN_WARNINGS})
    target_link_libraries(${fuzzer}_replay PRIVATE tocsin::cli)
    add_test(NAME ${fuzzer}_replay
      COMMAND ${fuzzer}_replay ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${fuzzer})
    set_tests_properties(${fuzzer}_replay PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endforeach()
