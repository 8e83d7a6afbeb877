# What is PostgreSQL's own: schema, statements, plans, sessions, concurrency.
tocsin_test(NAME db_test LABEL db
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/concurrency_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/connection_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/fact_cache_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/live_tally_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/nodes_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/reporting_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/restored_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/schema_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/text_forms_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/transaction_test.cc
  DEPENDS tocsin_store_harness)

# What arrives over HTTP and what becomes of it there.
tocsin_test(NAME callbacks_test LABEL db
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/callbacks_test.cc
  DEPENDS tocsin::dialer tocsin_store_harness tocsin_scripted_server)
