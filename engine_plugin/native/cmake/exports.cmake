# Nothing but the contract is seen from outside; libzmq inside an engine that has its own is harmless.
if(APPLE)
  target_link_options(framebridge PRIVATE "-Wl,-exported_symbol,_fb_*"
    "-Wl,-exported_symbol,_UnityPluginLoad" "-Wl,-exported_symbol,_UnityPluginUnload")
elseif(MINGW)
  # Without these the engine would need DLLs of the compiler beside ours.
  target_link_options(framebridge PRIVATE -static -static-libgcc -static-libstdc++
    -Wl,--exclude-all-symbols)
  set_target_properties(framebridge PROPERTIES PREFIX "")
elseif(UNIX)
  set(map "${CMAKE_CURRENT_LIST_DIR}/exports.map")
  target_link_options(framebridge PRIVATE "-Wl,--version-script=${map}" -Wl,--as-needed)
  set_target_properties(framebridge PROPERTIES LINK_DEPENDS "${map}")
  if(NOT FB_SANITIZE)
    # A sanitizer's symbols come from the program that loads the library.
    target_link_options(framebridge PRIVATE -Wl,-z,defs)
  endif()
endif()
