# What tests over a store share, and the store in PostgreSQL for them.
add_library(tocsin_store_harness STATIC
  ${CMAKE_CURRENT_LIST_DIR}/store_harness.cc
  ${CMAKE_CURRENT_LIST_DIR}/pg_store_kind.cc)
target_include_directories(tocsin_store_harness PUBLIC ${PROJECT_SOURCE_DIR})
target_compile_options(tocsin_store_harness PRIVATE ${TOCSIN_WARNINGS})
target_link_libraries(tocsin_store_harness
  PUBLIC tocsin_test_postgres tocsin::db tocsin::core GTest::gmock GTest::gtest)

# The conformance suite: each test over each store.
tocsin_test(NAME store_test LABEL store
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/store_kinds.cc
    ${CMAKE_CURRENT_LIST_DIR}/campaigns_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/claims_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/facts_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/imports_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/intents_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/straight_path_test.cc
  DEPENDS tocsin_store_harness tocsin_in_memory_store)
