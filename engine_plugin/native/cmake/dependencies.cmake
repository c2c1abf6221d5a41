# libzmq, static and position-independent, as fb_libzmq; nlohmann-json's headers as fb_nlohmann.
find_package(Threads REQUIRED)

add_library(fb_libzmq INTERFACE)
if(LIBZMQ_PREFIX)
  # By MSVC its name has the version in it: libzmq-v143-mt-s-4_3_5.lib
  file(GLOB versioned RELATIVE "${LIBZMQ_PREFIX}/lib" "${LIBZMQ_PREFIX}/lib/libzmq*-mt-s-*.lib")
  find_library(FB_LIBZMQ_FILE NAMES libzmq.a ${versioned} libzmq-static zmq libzmq PATHS "${LIBZMQ_PREFIX}/lib"
    NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  find_path(FB_LIBZMQ_INCLUDE zmq.h PATHS "${LIBZMQ_PREFIX}/include"
    NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  if(NOT FB_LIBZMQ_FILE OR NOT FB_LIBZMQ_INCLUDE)
    message(FATAL_ERROR "FB-LACKS LIBZMQ_PREFIX: expected lib/libzmq.a and include/zmq.h in "
      "${LIBZMQ_PREFIX}, found none. Name the folder where a static libzmq is installed.")
  endif()
  target_link_libraries(fb_libzmq INTERFACE "${FB_LIBZMQ_FILE}")
  target_include_directories(fb_libzmq SYSTEM INTERFACE "${FB_LIBZMQ_INCLUDE}")
  target_compile_definitions(fb_libzmq INTERFACE ZMQ_STATIC)
  if(WIN32)
    target_link_libraries(fb_libzmq INTERFACE ws2_32 iphlpapi rpcrt4)
  endif()
else()
  find_package(ZeroMQ CONFIG QUIET)
  if(NOT TARGET libzmq-static)
    message(FATAL_ERROR "FB-LACKS libzmq: expected a static, position-independent libzmq, found "
      "none. On Debian and Ubuntu `build.py` fetches and builds it; elsewhere install it (vcpkg: "
      "zeromq, Homebrew: zeromq) or name its folder: -DLIBZMQ_PREFIX=FOLDER.")
  endif()
  target_link_libraries(fb_libzmq INTERFACE libzmq-static)
endif()

# Its folder may be /usr/include, which a cross-build must not see: so a copy of the headers alone.
find_package(nlohmann_json 3.10 CONFIG QUIET)
set(hint "")
if(TARGET nlohmann_json::nlohmann_json)
  get_target_property(hint nlohmann_json::nlohmann_json INTERFACE_INCLUDE_DIRECTORIES)
endif()
find_path(FB_NLOHMANN_INCLUDE nlohmann/json.hpp HINTS ${hint} PATHS /usr/include /usr/local/include
  NO_CMAKE_FIND_ROOT_PATH)
if(NOT FB_NLOHMANN_INCLUDE)
  message(FATAL_ERROR "FB-LACKS nlohmann-json: expected nlohmann/json.hpp, found none. On Debian "
    "and Ubuntu: sudo apt-get install -y nlohmann-json3-dev (vcpkg, Homebrew: nlohmann-json)")
endif()
file(COPY "${FB_NLOHMANN_INCLUDE}/nlohmann" DESTINATION "${PROJECT_BINARY_DIR}/nlohmann")
add_library(fb_nlohmann INTERFACE)
target_include_directories(fb_nlohmann SYSTEM INTERFACE "${PROJECT_BINARY_DIR}/nlohmann")
