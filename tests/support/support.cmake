add_library(tocsin_in_memory_store STATIC ${CMAKE_CURRENT_LIST_DIR}/in_memory_store.cc)
target_link_libraries(tocsin_in_memory_store PUBLIC tocsin::core)
target_compile_options(tocsin_in_memory_store PRIVATE ${TOCSIN_WARNINGS})
