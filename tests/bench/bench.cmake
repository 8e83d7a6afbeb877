# The programs that script/bench starts, and a test that it still works. They are built
# with everything else, so that they cannot rot, but not for a sanitizer: what it measures
# would be the sanitizer.
if(TOCSIN_ASAN OR TOCSIN_TSAN OR TOCSIN_FUZZ)
  return()
endif()
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)

add_custom_target(tocsin_bench)
function(tocsin_bench name)
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/bench/${name}.cc)
  target_compile_options(${name} PRIVATE ${TOCSIN_WARNINGS})
  target_link_libraries(${name} PRIVATE tocsin::core ${ARGN})
  add_dependencies(tocsin_bench ${name})
endfunction()
tocsin_bench(store_bench tocsin::db PkgConfig::LIBPQ)
tocsin_bench(raw_sql_bench PkgConfig::LIBPQ)
tocsin_bench(import_bench tocsin::proto)
tocsin_bench(receiver_bench tocsin::dialer tocsin::db)
tocsin_bench(create_call_stub)
tocsin_bench(callserver_bench tocsin::callserver)
add_dependencies(tocsin_bench tocsin)

add_test(NAME bench_test
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_test.py
    --build ${CMAKE_BINARY_DIR})
set_tests_properties(bench_test PROPERTIES
  LABELS "bench;slow" TIMEOUT 600 ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
