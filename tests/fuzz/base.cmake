# Each input is a connection.
tocsin_fuzzer(NAME http_requests_fuzzer DEPENDS tocsin::base RUNS 5000)
