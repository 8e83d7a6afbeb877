tocsin_test(NAME base_test LABEL unit
  SOURCES
    unit/async_http_client_test.cc
    unit/host_port_test.cc
    unit/http_origin_test.cc
    unit/http_server_test.cc
    unit/idle_threads_test.cc
    unit/metrics_test.cc
    unit/served_certificate_test.cc
    unit/service_clock_test.cc
    unit/tls_test.cc
  DEPENDS tocsin::base tocsin_certificates tocsin_scripted_server)
