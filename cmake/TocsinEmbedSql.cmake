# tocsin_embed_sql(TARGET tocsin_db DIR ${PROJECT_SOURCE_DIR}/db/queries OUTPUT db/queries.gen.h)
# tocsin_embed_sql(TARGET tocsin_db DIR ${PROJECT_SOURCE_DIR}/migrations OUTPUT db/migrations.gen.h)
#
# Makes the header OUTPUT (below the build directory, which TARGET and what links
# it may then include from) of the SQL files in DIR; a DIR by the name migrations
# holds migrations. tools/embed_sql.py tells the form of both. A new file, like a
# changed one, makes the header anew.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# What has to be made before a source can be read: for clang-tidy.
add_custom_target(tocsin_generated)

function(tocsin_embed_sql)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;DIR;OUTPUT" "")
  set(generator ${PROJECT_SOURCE_DIR}/tools/embed_sql.py)
  set(header ${PROJECT_BINARY_DIR}/gen/${arg_OUTPUT})
  file(GLOB files CONFIGURE_DEPENDS ${arg_DIR}/*.sql)
  get_filename_component(kind ${arg_DIR} NAME)
  if(NOT kind STREQUAL "migrations")
    set(kind queries)
  endif()
  add_custom_command(
    OUTPUT ${header}
    COMMAND Python3::Interpreter ${generator} ${kind} ${files} -o ${header}
    DEPENDS ${generator} ${files}
    COMMENT "Embedding ${kind}"
    VERBATIM)
  target_sources(${arg_TARGET} PRIVATE ${header})
  string(MAKE_C_IDENTIFIER generate_${arg_OUTPUT} target)
  add_custom_target(${target} DEPENDS ${header})
  add_dependencies(tocsin_generated ${target})
  target_include_directories(${arg_TARGET} PUBLIC ${PROJECT_BINARY_DIR}/gen)
endfunction()
