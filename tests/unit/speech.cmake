tocsin_test(NAME speech_test LABEL unit
  SOURCES unit/speech_test.cc
  DEPENDS tocsin::speech)
