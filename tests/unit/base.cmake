tocsin_test(NAME base_test LABEL unit
  SOURCES
    unit/host_port_test.cc
    unit/http_server_test.cc
    unit/metrics_test.cc
  DEPENDS tocsin::base)
