add_executable(callserver_bench EXCLUDE_FROM_ALL bench/callserver_bench.cc)
target_compile_options(callserver_bench PRIVATE ${TOCSIN_WARNINGS})
target_link_libraries(callserver_bench PRIVATE tocsin::callserver)
