# What the store does in a second; see the file. Not a test: run it by hand in a
# release build.
add_executable(store_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/store_bench.cc)
target_compile_options(store_bench PRIVATE ${TOCSIN_WARNINGS})
target_link_libraries(store_bench PRIVATE tocsin::db tocsin::pgcluster PkgConfig::PQXX)
