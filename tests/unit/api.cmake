tocsin_test(NAME api_messages_test LABEL unit
  SOURCES
    unit/api_messages_test.cc
    unit/block_number_reader_test.cc
  DEPENDS tocsin::api tocsin::number_reader)
tocsin_test(NAME api_service_test LABEL unit
  SOURCES
    unit/api_service_test.cc
    unit/progress_board_test.cc
  DEPENDS tocsin::api tocsin::number_reader tocsin_in_memory_store)
