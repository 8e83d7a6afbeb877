# deploy/ and docs/operating.md, held to what really reads them: systemd, promtool,
# nginx, PostgreSQL, and the schemas of Kubernetes, Compose and Grafana.
foreach(what files running front restore walk)
  add_test(NAME deploy_${what}
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/deploy/${what}_test.py -v)
  set_tests_properties(deploy_${what} PROPERTIES
    LABELS deploy
    TIMEOUT 600
    ENVIRONMENT "E2E_BINARY=$<TARGET_FILE:tocsin>;E2E_SOURCE=${PROJECT_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1;PYTHONPATH=${CMAKE_CURRENT_SOURCE_DIR}/e2e")
endforeach()
# Once, in the release half: what a build with sanitizers links is nobody's image.
foreach(what files running front restore walk)
  set_tests_properties(deploy_${what} PROPERTIES LABELS "deploy;slow")
endforeach()

# Fetches its packages the first time: once, in the release half.
add_test(NAME deploy_schemas
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/deploy/schemas ${CMAKE_BINARY_DIR}/schemas)
set_tests_properties(deploy_schemas PROPERTIES LABELS "deploy;slow" SKIP_RETURN_CODE 77 TIMEOUT 300)
