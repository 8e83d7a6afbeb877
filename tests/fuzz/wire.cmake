foreach(fuzzer events_fuzzer requests_fuzzer requests_ga_fuzzer)
  tocsin_fuzzer(NAME ${fuzzer} DEPENDS tocsin::wire RUNS 50000)
endforeach()
