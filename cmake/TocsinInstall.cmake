# What `cmake --install build/release --prefix /usr` lays down: the binary, the units,
# and everything that docs/operating.md takes by its place.
install(TARGETS tocsin DESTINATION bin)
install(FILES deploy/systemd/tocsin@.service deploy/systemd/tocsin-migrate.service
  DESTINATION lib/systemd/system)
install(FILES deploy/systemd/tocsin.sysusers DESTINATION lib/sysusers.d RENAME tocsin.conf)
install(FILES deploy/systemd/tocsin.tmpfiles DESTINATION lib/tmpfiles.d RENAME tocsin.conf)
install(DIRECTORY docs/ DESTINATION share/doc/tocsin)
install(DIRECTORY examples deploy DESTINATION share/doc/tocsin USE_SOURCE_PERMISSIONS
  PATTERN secrets EXCLUDE
  PATTERN secret.environment EXCLUDE)
