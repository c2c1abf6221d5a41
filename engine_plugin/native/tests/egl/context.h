/* An OpenGL context without a window or a screen, on Mesa's surfaceless platform. */
#pragma once

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static EGLDisplay context_display;

/* A context that shares nothing; not yet current. Ends the program where there is none. */
static EGLContext make_context(bool embedded, int major, int minor) {
  if (context_display == EGL_NO_DISPLAY) {
    PFNEGLGETPLATFORMDISPLAYEXTPROC display_of =
        (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress("eglGetPlatformDisplayEXT");
    if (display_of != NULL) {
      context_display = display_of(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    }
    if (context_display == EGL_NO_DISPLAY || !eglInitialize(context_display, NULL, NULL)) {
      fprintf(stderr, "no surfaceless EGL here\n");
      exit(3);
    }
  }
  eglBindAPI(embedded ? EGL_OPENGL_ES_API : EGL_OPENGL_API);
  const EGLint wanted[] = {EGL_RENDERABLE_TYPE, embedded ? EGL_OPENGL_ES3_BIT : EGL_OPENGL_BIT,
                           EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_NONE};
  EGLConfig config = NULL;
  EGLint configs = 0;
  eglChooseConfig(context_display, wanted, &config, 1, &configs);
  const EGLint version[] = {EGL_CONTEXT_MAJOR_VERSION, major, EGL_CONTEXT_MINOR_VERSION, minor,
                            EGL_NONE};
  EGLContext context = eglCreateContext(context_display, config, EGL_NO_CONTEXT, version);
  if (context == EGL_NO_CONTEXT) {
    fprintf(stderr, "no OpenGL%s %d.%d here\n", embedded ? " ES" : "", major, minor);
    exit(3);
  }
  return context;
}

static void use_context(EGLContext context) {
  if (!eglMakeCurrent(context_display, EGL_NO_SURFACE, EGL_NO_SURFACE, context)) {
    fprintf(stderr, "the context cannot be used\n");
    exit(3);
  }
}
