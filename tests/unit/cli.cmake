tocsin_test(NAME cli_test LABEL unit
  SOURCES
    unit/campaign_file_test.cc
    unit/csv_reader_test.cc
    unit/recipient_file_test.cc
    unit/terminal_output_test.cc
  DEPENDS tocsin::cli)
