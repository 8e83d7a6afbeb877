# A throw-away PostgreSQL for tests that need one (tests/support/postgres.h).
add_library(tocsin_test_postgres STATIC support/postgres.cc)
target_include_directories(tocsin_test_postgres PUBLIC ${PROJECT_SOURCE_DIR})
target_compile_options(tocsin_test_postgres PRIVATE ${TOCSIN_WARNINGS})
target_link_libraries(tocsin_test_postgres PUBLIC tocsin::pgcluster PkgConfig::PQXX)

tocsin_test(NAME pg_cluster_test LABEL db
  SOURCES db/pg_cluster_test.cc
  DEPENDS tocsin_test_postgres)
