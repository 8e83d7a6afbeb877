tocsin_test(NAME config_test LABEL unit
  SOURCES unit/config_test.cc
  DEPENDS tocsin::app)
