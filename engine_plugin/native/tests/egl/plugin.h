/* The library as an engine loads it, and the interfaces that Unity gives to a plugin. */
#pragma once

#include <dlfcn.h>
#include <framebridge.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct IUnityInterfaces {
  void *(*get_interface)(void);
  void (*register_interface)(void);
  void *(*get_interface_split)(unsigned long long high, unsigned long long low);
  void (*register_interface_split)(void);
};

typedef void (*device_callback)(int event);

struct unity_graphics {
  int (*get_renderer)(void);
  void (*register_callback)(device_callback callback);
  void (*unregister_callback)(device_callback callback);
  int (*reserve_event_ids)(int count);
};

enum { DEVICE_INITIALIZE = 0, DEVICE_SHUTDOWN = 1 };
enum { RENDERER_NONE = 4, RENDERER_GLES3 = 11, RENDERER_GL_CORE = 17, RENDERER_VULKAN = 21 };

static int engine_renderer = RENDERER_GL_CORE;
static device_callback engine_callback;

static int get_renderer(void) { return engine_renderer; }
static void register_callback(device_callback callback) { engine_callback = callback; }
static void unregister_callback(device_callback callback) {
  if (engine_callback == callback) engine_callback = NULL;
}
static int reserve_event_ids(int count) { return 1000 + 0 * count; }

static struct unity_graphics engine_graphics = {get_renderer, register_callback,
                                                unregister_callback, reserve_event_ids};

static void *get_interface_split(unsigned long long high, unsigned long long low) {
  const bool graphics = high == 0x7CBA0A9CA4DDB544ull && low == 0x8C5AD4926EB17B11ull;
  return graphics ? &engine_graphics : NULL;
}

static struct IUnityInterfaces engine_interfaces = {NULL, NULL, get_interface_split, NULL};

/* The functions of the library. */
static struct {
  void *handle;
  void (*load)(struct IUnityInterfaces *interfaces);
  void (*unload)(void);
  fb_render_function (*render_event_function)(void);
  fb_status (*create)(const fb_options *options, fb_client *client);
  fb_status (*destroy)(fb_client client);
  fb_status (*get_statistics)(fb_client client, fb_statistics *statistics);
  size_t (*last_error)(fb_client client, char *text, size_t size);
  fb_render_function event;
} plugin;

static void *plugin_function(const char *name) {
  void *found = dlsym(plugin.handle, name);
  if (found == NULL) {
    fprintf(stderr, "the library has no %s\n", name);
    exit(2);
  }
  return found;
}

static void open_plugin(const char *path) {
  plugin.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (plugin.handle == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
#define TAKE(member, name)                        \
  {                                               \
    void *found = plugin_function(name);          \
    memcpy(&plugin.member, &found, sizeof found); \
  }
  TAKE(load, "UnityPluginLoad")
  TAKE(unload, "UnityPluginUnload")
  TAKE(render_event_function, "fb_render_event_function")
  TAKE(create, "fb_create")
  TAKE(destroy, "fb_destroy")
  TAKE(get_statistics, "fb_get_statistics")
  TAKE(last_error, "fb_last_error")
#undef TAKE
  plugin.event = plugin.render_event_function();
}

/* In words, of a client, or of this thread's last call. */
static const char *words(fb_client client) {
  static char text[2048];
  text[0] = 0;
  plugin.last_error(client, text, sizeof text);
  return text;
}
