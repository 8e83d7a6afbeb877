# Everything that is not ours, all of it from the distribution's packages
# (script/bootstrap installs them).
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost REQUIRED)        # Asio and Beast, which are headers alone
find_package(Protobuf REQUIRED)     # module mode: the distribution ships no config file
find_package(gRPC CONFIG REQUIRED)  # after Protobuf, which it refers to
find_package(absl CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(mimalloc CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(GTest CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)

# libphonenumber comes with neither a CMake nor a pkg-config file.
add_library(tocsin_phonenumber INTERFACE)
target_link_libraries(tocsin_phonenumber INTERFACE phonenumber icuuc protobuf::libprotobuf)
add_library(tocsin::phonenumber ALIAS tocsin_phonenumber)

find_program(CCACHE ccache)
if(CCACHE)
  # What one checkout has compiled, another one elsewhere need not.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()
