tocsin_fuzzer(NAME provider_answers_fuzzer DEPENDS tocsin::dialer RUNS 50000)
