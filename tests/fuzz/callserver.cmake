tocsin_fuzzer(NAME call_server_files_fuzzer DEPENDS tocsin::callserver RUNS 10000)
