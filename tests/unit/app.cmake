tocsin_test(NAME config_test LABEL unit
  SOURCES unit/config_test.cc
  DEPENDS tocsin::app)
target_compile_definitions(config_test PRIVATE TOCSIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
