tocsin_test(NAME simulation_test LABEL sim
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/simulation_test.cc ${CMAKE_CURRENT_LIST_DIR}/world.cc
  DEPENDS tocsin_in_memory_store tocsin::scheduler tocsin::core)
# Begun first: with sanitizers it takes as long as all the others together.
set_tests_properties(simulation_test PROPERTIES COST 300)
