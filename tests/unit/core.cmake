tocsin_test(NAME core_test LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/attempt_step_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/calling_window_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/campaign_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/completion_fact_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/dial_guard_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/facts_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/fold_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/message_text_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/pacer_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/phone_number_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/recipient_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/trunk_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/sizing_test.cc
  DEPENDS tocsin::core tocsin::number_reader)

tocsin_test(NAME scheduler_test LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/breakers_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/pace_gate_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/scheduler_test.cc
  DEPENDS tocsin_in_memory_store tocsin::scheduler)
