# The next version, for the story of an upgrade: one migration more.
add_executable(tocsin_next ${PROJECT_SOURCE_DIR}/app/main.cc
  ${CMAKE_CURRENT_LIST_DIR}/next_migrations.cc)
target_compile_options(tocsin_next PRIVATE ${TOCSIN_WARNINGS})
target_link_libraries(tocsin_next PRIVATE tocsin::app)

# Stories of several nodes, whose seconds have to be seconds: in the release half only.
foreach(story nodes upgrade)
  add_test(NAME e2e_${story}
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_LIST_DIR}/${story}_test.py -v)
  set_tests_properties(e2e_${story} PROPERTIES
    LABELS "e2e;slow"
    TIMEOUT 900
    COST 300
    ENVIRONMENT "E2E_BINARY=$<TARGET_FILE:tocsin>;E2E_NEXT_BINARY=$<TARGET_FILE:tocsin_next>;E2E_SOURCE=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1")
endforeach()
