# Certificates of a test's own authority.
add_library(tocsin_certificates STATIC ${CMAKE_CURRENT_LIST_DIR}/certificates.cc)
target_link_libraries(tocsin_certificates PUBLIC tocsin::base OpenSSL::SSL)
target_compile_options(tocsin_certificates PRIVATE ${TOCSIN_WARNINGS})
