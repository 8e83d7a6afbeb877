tocsin_fuzzer(NAME operator_files_fuzzer DEPENDS tocsin::app RUNS 5000)
