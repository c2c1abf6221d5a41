#include "opengl_functions.h"

#include <type_traits>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace framebridge::gl {

using Function = void (*)();

#ifdef _WIN32

namespace {

// Never loads OpenGL: whoever has a context has loaded it.
Function in_library(const char *name) {
  HMODULE library = GetModuleHandleW(L"opengl32.dll");
  return library == nullptr ? nullptr : reinterpret_cast<Function>(GetProcAddress(library, name));
}

Function find(const char *name) {
  using Get = PROC(WINAPI *)(LPCSTR);
  const auto get = reinterpret_cast<Get>(in_library("wglGetProcAddress"));
  const auto found = get == nullptr ? nullptr : get(name);
  // What OpenGL 1.1 has is in the library alone, and some drivers say so by small numbers.
  const auto number = reinterpret_cast<intptr_t>(found);
  return number >= -1 && number <= 3 ? in_library(name) : reinterpret_cast<Function>(found);
}

}  // namespace

CurrentContext find_current_context() {
  const auto get = reinterpret_cast<CurrentContext>(in_library("wglGetCurrentContext"));
  return get != nullptr && get() != nullptr ? get : nullptr;
}

#else

namespace {

#ifdef __APPLE__
constexpr const char *CGL[] = {"/System/Library/Frameworks/OpenGL.framework/OpenGL", nullptr};
#else
constexpr const char *EGL[] = {"libEGL.so.1", "libEGL.so", nullptr};
constexpr const char *GLX[] = {"libGLX.so.0", "libGL.so.1", "libGL.so", nullptr};
constexpr const char *ALL[] = {"libOpenGL.so.0", "libGL.so.1", "libGLESv2.so.2", "libGLESv2.so",
                               nullptr};
#endif

// A function of a library that is in this process already. An engine may have loaded it for itself
// alone, where the search of the whole process does not look; it stays loaded from then on.
void *in_process(const char *function, const char *const *libraries) {
  if (void *found = dlsym(RTLD_DEFAULT, function); found != nullptr) {
    return found;
  }
  for (; *libraries != nullptr; ++libraries) {
    void *library = dlopen(*libraries, RTLD_LAZY | RTLD_NOLOAD);
    if (void *found = library == nullptr ? nullptr : dlsym(library, function)) {
      return found;
    }
  }
  return nullptr;
}

CurrentContext with_context(const char *function, const char *const *libraries) {
  const auto get = reinterpret_cast<CurrentContext>(in_process(function, libraries));
  return get != nullptr && get() != nullptr ? get : nullptr;
}

Function find(const char *name) {
#ifdef __APPLE__
  return reinterpret_cast<Function>(in_process(name, CGL));
#else
  using Get = Function (*)(const char *);
  const bool egl = with_context("eglGetCurrentContext", EGL) != nullptr;
  const auto get = reinterpret_cast<Get>(egl ? in_process("eglGetProcAddress", EGL)
                                             : in_process("glXGetProcAddressARB", GLX));
  const Function found = get == nullptr ? nullptr : get(name);
  // EGL before 1.5 gives extensions alone.
  return found != nullptr ? found : reinterpret_cast<Function>(in_process(name, ALL));
#endif
}

}  // namespace

CurrentContext find_current_context() {
#ifdef __APPLE__
  return with_context("CGLGetCurrentContext", CGL);
#else
  const CurrentContext egl = with_context("eglGetCurrentContext", EGL);
  return egl != nullptr ? egl : with_context("glXGetCurrentContext", GLX);
#endif
}

#endif

std::string load(Functions &functions) {
  std::string missing;
  const auto fill = [&missing](auto &member, const char *name) {
    member = reinterpret_cast<std::decay_t<decltype(member)>>(find(name));
    if (member == nullptr) {
      missing += missing.empty() ? name : std::string(", ") + name;
    }
  };
#define FB_FILL(name, member, result, arguments) fill(functions.member, #name);
  FB_GL_FUNCTIONS(FB_FILL)
#undef FB_FILL
  functions.get_tex_level =
      reinterpret_cast<decltype(functions.get_tex_level)>(find("glGetTexLevelParameteriv"));
  return missing;
}

}  // namespace framebridge::gl
