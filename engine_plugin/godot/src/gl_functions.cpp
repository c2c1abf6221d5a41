#include "gl_functions.h"

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <dlfcn.h>

#include <initializer_list>
#endif

namespace framebridge_godot::gl {

namespace {

using Function = void (*)();

#ifdef _WIN32

Function find(const char *name) {
    HMODULE library = GetModuleHandleW(L"opengl32.dll");
    if (library == nullptr) return nullptr;
    using Get = PROC(WINAPI *)(LPCSTR);
    const auto get =
        reinterpret_cast<Get>(reinterpret_cast<void *>(GetProcAddress(library, "wglGetProcAddress")));
    const PROC found = get == nullptr ? nullptr : get(name);
    // What OpenGL 1.1 has is in the library alone, and some drivers say so by small numbers.
    const auto number = reinterpret_cast<intptr_t>(found);
    if (number >= -1 && number <= 3) {
        return reinterpret_cast<Function>(reinterpret_cast<void *>(GetProcAddress(library, name)));
    }
    return reinterpret_cast<Function>(reinterpret_cast<void *>(found));
}

#else

Function find(const char *name) {
    void *found = dlsym(RTLD_DEFAULT, name);
    // Godot loads OpenGL for itself alone, where the search of the whole process does not look.
    for (const char *file : {"libGL.so.1", "libOpenGL.so.0", "libGLESv2.so.2"}) {
        if (found != nullptr) break;
        void *library = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
        if (library != nullptr) found = dlsym(library, name);
    }
    return reinterpret_cast<Function>(found);
}

#endif

template <typename Member> bool fetch(const char *name, Member &member) {
    member = reinterpret_cast<Member>(find(name));
    return member != nullptr;
}

} // namespace

bool load(Functions &functions) {
    bool whole = true;
#define FB_GODOT_FETCH(name, result, arguments) whole = fetch("gl" #name, functions.name) && whole;
    FB_GODOT_GL_FUNCTIONS(FB_GODOT_FETCH)
#undef FB_GODOT_FETCH
    return whole;
}

} // namespace framebridge_godot::gl
