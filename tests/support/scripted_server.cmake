# Servers that behave as a test wants.
add_library(tocsin_scripted_server STATIC
  ${CMAKE_CURRENT_LIST_DIR}/scripted_server.cc
  ${CMAKE_CURRENT_LIST_DIR}/tls_server.cc)
target_link_libraries(tocsin_scripted_server
  PUBLIC tocsin::base tocsin_certificates fmt::fmt
  PRIVATE PkgConfig::HTTPLIB OpenSSL::SSL)
target_compile_options(tocsin_scripted_server PRIVATE ${TOCSIN_WARNINGS})
