add_executable(receiver_bench EXCLUDE_FROM_ALL bench/receiver_bench.cc)
target_compile_options(receiver_bench PRIVATE ${TOCSIN_WARNINGS})
target_link_libraries(receiver_bench PRIVATE tocsin::dialer tocsin::db tocsin_test_postgres)
