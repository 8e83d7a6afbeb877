# What is PostgreSQL's own: schema, statements, plans, sessions, concurrency.
tocsin_test(NAME db_test LABEL db
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/concurrency_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/fact_cache_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/live_tally_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/reporting_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/restored_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/schema_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/text_forms_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/transaction_test.cc
  DEPENDS tocsin_store_harness)
