foreach(fuzzer recipient_list_fuzzer campaign_file_fuzzer)
  tocsin_fuzzer(NAME ${fuzzer} DEPENDS tocsin::cli RUNS 20000)
endforeach()
