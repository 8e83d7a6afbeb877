tocsin_test(NAME cli_test LABEL unit
  SOURCES
    unit/campaign_file_test.cc
    unit/csv_reader_test.cc
    unit/recipient_file_test.cc
    unit/terminal_output_test.cc
  DEPENDS tocsin::cli)
tocsin_test(NAME campaign_command_test LABEL unit
  SOURCES unit/campaign_command_test.cc
  DEPENDS tocsin::cli tocsin::api tocsin::number_reader tocsin_in_memory_store)
