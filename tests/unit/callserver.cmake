tocsin_test(NAME callserver_test LABEL unit
  SOURCES
    unit/audio_file_test.cc
    unit/call_history_test.cc
    unit/call_server_faults_test.cc
    unit/call_server_input_test.cc
    unit/call_server_test.cc
    unit/call_simulation_ga_test.cc
    unit/call_simulation_test.cc
    unit/callback_faults_test.cc
    unit/faults_test.cc
    unit/held_answers_test.cc
    unit/ledger_test.cc
    unit/population_test.cc
    unit/repeated_answers_test.cc
  DEPENDS tocsin::callserver)
