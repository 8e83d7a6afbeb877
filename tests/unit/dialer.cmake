tocsin_test(NAME dialer_test LABEL unit
  SOURCES
    unit/action_sender_test.cc
    unit/credentials_test.cc
    unit/dialer_test.cc
    unit/endpoint_test.cc
    unit/event_facts_test.cc
    unit/event_receiver_test.cc
    unit/fact_recorder_test.cc
    unit/http_call_gateway_test.cc
    unit/lag_gauge_test.cc
    unit/protocol_test.cc
    unit/text_prompts_test.cc
    unit/token_verifier_test.cc
    unit/wake_heap_test.cc
  DEPENDS tocsin::dialer tocsin_scripted_server)

# With our own call server at the other end.
tocsin_test(NAME preflight_test LABEL unit
  SOURCES unit/preflight_test.cc
  DEPENDS tocsin::dialer tocsin::callserver tocsin_scripted_server)
