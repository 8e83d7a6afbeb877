tocsin_test(NAME wire_test LABEL unit
  SOURCES
    unit/callback_url_test.cc
    unit/calls_2021_test.cc
    unit/calls_ga_test.cc
    unit/events_ga_test.cc
    unit/events_test.cc
    unit/identifier_test.cc
    unit/json_text_test.cc
    unit/json_web_token_test.cc
    unit/paths_ga_test.cc
    unit/paths_test.cc
    unit/request_signing_test.cc
    unit/result_codes_test.cc
    unit/tones_test.cc
  DEPENDS tocsin::wire tocsin::core)
