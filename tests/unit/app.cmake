foreach(what config config_check trunk_file)
  tocsin_test(NAME ${what}_test LABEL unit
    SOURCES unit/${what}_test.cc
    DEPENDS tocsin::app)
  target_compile_definitions(${what}_test PRIVATE TOCSIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endforeach()
tocsin_test(NAME tls_settings_test LABEL unit
  SOURCES unit/tls_settings_test.cc
  DEPENDS tocsin::app tocsin_certificates)
