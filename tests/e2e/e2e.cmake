# Stories told to the real binary, PostgreSQL and all; unittest of Python's own library.
foreach(story admin bad_input call_server_faults campaign database_faults ga leak operator serve
        texts tls)
  add_test(NAME e2e_${story}
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/e2e/${story}_test.py -v)
  set_tests_properties(e2e_${story} PROPERTIES
    LABELS e2e
    TIMEOUT 900
    ENVIRONMENT "E2E_BINARY=$<TARGET_FILE:tocsin>;E2E_SOURCE=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1")
endforeach()
# Each dialect by itself: they wait for callbacks that come an hour late, side by side.
foreach(dialect 2021_04 2021_05 ga)
  add_test(NAME e2e_every_fault_${dialect}
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/e2e/every_fault_test.py -v
      EveryFault.test_${dialect})
  set_tests_properties(e2e_every_fault_${dialect} PROPERTIES
    LABELS "e2e;slow"
    TIMEOUT 900
    COST 200
    ENVIRONMENT "E2E_BINARY=$<TARGET_FILE:tocsin>;E2E_SOURCE=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1")
endforeach()
# Once, in the release half: what mostly waits for what has been broken to be mended, and
# what rings crowds whose minute lasts a second, which a binary with sanitizers on a busy
# machine does not keep up with.
foreach(story admin call_server_faults campaign database_faults ga leak operator serve texts tls)
  set_tests_properties(e2e_${story} PROPERTIES LABELS "e2e;slow")
endforeach()
# Through the front of deploy/, with what its own test tries it with.
set_tests_properties(e2e_leak PROPERTIES
  ENVIRONMENT "E2E_BINARY=$<TARGET_FILE:tocsin>;E2E_SOURCE=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1;PYTHONPATH=${CMAKE_CURRENT_SOURCE_DIR}/deploy")
