/* Plays Unity's part: loads the library, tells it of a graphics device, and issues render events
 * with live textures; keeps what comes back in them, for whoever compares.
 *
 *   egl_host LIBRARY PICTURE RESULTS MODEL [name=value ...]
 *
 * PICTURE: 4 * width * height bytes, RGBA, as the source texture holds them; into each frame a bar
 * code of its id is drawn. RESULTS: for each result its id (8 bytes), origin, width, height (4
 * each) and the target's RGBA bytes. Standard output: one line of JSON.
 */
#define _GNU_SOURCE
#define GL_GLEXT_PROTOTYPES

#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "context.h"
#include "engine_state.h"
#include "plugin.h"
#include "waits.h"

enum { BARS = 32, IN_FLIGHT = 3, WATCHDOG_S = 290 };

static struct {
  int width, height, frames;
  int bgra, bottom_first, linear, opaque; /* of the client's frames */
  int srgb;                               /* the textures are sRGB8_ALPHA8 */
  int es;                                 /* OpenGL ES 3.0 */
  int unity;                              /* 0: no UnityPluginLoad, as other engines */
  int lockstep;                           /* every frame is answered; else the newest wins */
  int bar_row, bar_height;                /* in rows of the texture */
  int pause_us;                           /* between frames */
  int graphics_card; /* the library believes that it is no processor that draws */
  int es_3_0;        /* it believes that ES is no newer */
} setting = {
    .width = 64, .height = 48, .frames = 100, .unity = 1, .bar_height = 4, .pause_us = 500};

static void read_setting(const char *text) {
  const struct {
    const char *name;
    int *value;
  } known[] = {
      {"width", &setting.width},
      {"height", &setting.height},
      {"frames", &setting.frames},
      {"bgra", &setting.bgra},
      {"linear", &setting.linear},
      {"bottom_first", &setting.bottom_first},
      {"opaque", &setting.opaque},
      {"srgb", &setting.srgb},
      {"es", &setting.es},
      {"unity", &setting.unity},
      {"lockstep", &setting.lockstep},
      {"bar_row", &setting.bar_row},
      {"pause_us", &setting.pause_us},
      {"bar_height", &setting.bar_height},
      {"graphics_card", &setting.graphics_card},
      {"es_3_0", &setting.es_3_0},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    const size_t length = strlen(known[i].name);
    if (strncmp(text, known[i].name, length) == 0 && text[length] == '=') {
      *known[i].value = atoi(text + length + 1);
      return;
    }
  }
  fprintf(stderr, "unknown setting %s\n", text);
  exit(2);
}

static fb_client watched;

/* By the watchdog. What it calls may not be called from a signal, but there is nothing to lose. */
static void tell_where(int number) {
  fb_statistics statistics = {.size = sizeof statistics};
  plugin.get_statistics(watched, &statistics);
  fprintf(stderr, "watchdog: state %d, sent %llu, returned %llu, last result %llu; %s\n",
          statistics.state, (unsigned long long)statistics.sent,
          (unsigned long long)statistics.returned, (unsigned long long)statistics.last_result_id,
          words(watched));
  _exit(number);
}

static void sleep_us(long us) {
  const struct timespec time = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&time, NULL);
}

static GLuint make_texture(int width, int height) {
  GLuint texture = 0;
  glGenTextures(1, &texture);
  glBindTexture(GL_TEXTURE_2D, texture);
  glTexImage2D(GL_TEXTURE_2D, 0, setting.srgb ? GL_SRGB8_ALPHA8 : GL_RGBA8, width, height, 0,
               GL_RGBA, GL_UNSIGNED_BYTE, NULL);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  return texture;
}

static void attach(GLuint framebuffer, GLuint texture) {
  glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
  glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
}

/* The picture, and in it the frame's id: bar i is white where bit i is set, else black. */
static void draw_frame(GLuint framebuffer, GLuint texture, const void *picture, uint64_t id) {
  glBindTexture(GL_TEXTURE_2D, texture);
  glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, setting.width, setting.height, GL_RGBA, GL_UNSIGNED_BYTE,
                  picture);
  attach(framebuffer, texture);
  glEnable(GL_SCISSOR_TEST);
  const int bar = setting.width / BARS;
  for (int i = 0; i < BARS; ++i) {
    const float value = id >> i & 1 ? 1.0f : 0.0f;
    glScissor(i * bar, setting.bar_row, bar, setting.bar_height);
    glClearColor(value, value, value, 1.0f);
    glClear(GL_COLOR_BUFFER_BIT);
  }
  glDisable(GL_SCISSOR_TEST);
}

static void keep_result(FILE *file, GLuint framebuffer, GLuint texture,
                        const fb_render_event *event, void *pixels) {
  const uint32_t head[] = {(uint32_t)event->origin, (uint32_t)event->target_width,
                           (uint32_t)event->target_height};
  attach(framebuffer, texture);
  glReadPixels(0, 0, event->target_width, event->target_height, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
  fwrite(&event->result_id, sizeof event->result_id, 1, file);
  fwrite(head, sizeof head, 1, file);
  fwrite(pixels, 4, (size_t)event->target_width * (size_t)event->target_height, file);
}

static fb_client start_client(const char *model) {
  fb_options options = {.size = sizeof options,
                        .abi_version = FB_ABI_VERSION,
                        .model = model,
                        .client_name = "egl host",
                        .policy = setting.lockstep ? FB_LOCKSTEP : FB_LATEST,
                        .when_gone = FB_HOLD,
                        .every = setting.lockstep};
  options.source.size = sizeof options.source;
  options.source.width = setting.width;
  options.source.height = setting.height;
  options.source.pixel_format = setting.bgra ? FB_BGRA8 : FB_RGBA8;
  options.source.rows = setting.bottom_first ? FB_BOTTOM_FIRST : FB_TOP_FIRST;
  options.source.transfer = setting.linear ? FB_LINEAR : FB_SRGB;
  options.source.alpha = setting.opaque ? FB_OPAQUE : FB_STRAIGHT;
  fb_client client = 0;
  if (plugin.create(&options, &client) != FB_OK) {
    fprintf(stderr, "fb_create: %s\n", words(0));
    exit(1);
  }
  watched = client;
  fb_statistics statistics = {.size = sizeof statistics};
  while (plugin.get_statistics(client, &statistics) == FB_OK && statistics.state != FB_LIVE) {
    sleep_us(2000);
  }
  return client;
}

/* An event between two looks at the engine's state, which is unusual meanwhile. */
static void issue(fb_render_event *event, GLuint texture, GLuint framebuffer, GLuint buffer) {
  struct engine_state before, after;
  make_state_unusual(setting.es, framebuffer, texture, buffer);
  const bool own_error = event->frame_id == 5;
  if (own_error) glEnable(0xFFFF);
  read_state(setting.es, &before);
  spy_begin_event();
  spy_counts = true;
  plugin.event(FB_EVENT_FRAME, event);
  read_state(setting.es, &after);
  const GLenum error = glGetError();
  make_state_plain(setting.es);
  if (!same_state(&before, &after)) exit(1);
  if (error != (own_error ? GL_INVALID_ENUM : GL_NO_ERROR)) {
    fprintf(stderr, "OpenGL error 0x%04x after the event\n", error);
    exit(1);
  }
  if (event->status < 0) {
    fprintf(stderr, "status %d: %s\n", event->status, words(event->client));
    exit(1);
  }
}

int main(int count, char **arguments) {
  if (count < 5) return 2;
  for (int i = 5; i < count; ++i) read_setting(arguments[i]);
  signal(SIGALRM, tell_where);
  alarm(WATCHDOG_S);
  spy_says_graphics_card = setting.graphics_card;
  if (setting.es_3_0) spy_says_version = 30;

  use_context(make_context(setting.es, 3, setting.es ? 0 : 3));
  char *const picture = malloc((size_t)setting.width * (size_t)setting.height * 4);
  FILE *file = fopen(arguments[2], "rb");
  if (file == NULL || fread(picture, 4, (size_t)(setting.width * setting.height), file) !=
                          (size_t)(setting.width * setting.height)) {
    fprintf(stderr, "%s holds no picture of that size\n", arguments[2]);
    return 2;
  }
  fclose(file);
  file = fopen(arguments[3], "wb");

  open_plugin(arguments[1]);
  if (setting.unity) {
    engine_renderer = setting.es ? RENDERER_GLES3 : RENDERER_GL_CORE;
    plugin.load(&engine_interfaces);
  }
  const fb_client client = start_client(arguments[4]);

  GLuint framebuffer = 0, buffer = 0, vertices = 0;
  glGenFramebuffers(1, &framebuffer);
  glGenBuffers(1, &buffer);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, buffer);
  glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
  glGenVertexArrays(1, &vertices);
  glBindVertexArray(vertices);
  const GLuint source = make_texture(setting.width, setting.height);
  GLuint target = 0;
  attach(framebuffer, source);

  fb_render_event event = {.size = sizeof event, .client = client};
  void *pixels = NULL;
  uint64_t drawn = 0, last = 0;
  unsigned results = 0, skipped = 0, events = 0;
  while (setting.lockstep ? results < (unsigned)setting.frames : last < (uint64_t)setting.frames) {
    /* With the newest winning, the last frame may be one that is skipped: then there is one more.
     */
    const bool draws =
        !setting.lockstep || (drawn < (uint64_t)setting.frames && drawn - results < IN_FLIGHT);
    if (draws) draw_frame(framebuffer, source, picture, ++drawn);
    event.source = draws ? (void *)(uintptr_t)source : NULL;
    event.frame_id = draws ? drawn : 0;
    event.width = setting.width;
    event.height = setting.height;
    event.target = (void *)(uintptr_t)target;
    issue(&event, source, framebuffer, buffer);
    ++events;
    if (event.status == FB_SKIPPED) ++skipped;
    if (event.result_width > 0 && (target == 0 || event.result_width != event.target_width ||
                                   event.result_height != event.target_height)) {
      if (target != 0) glDeleteTextures(1, &target);
      target = make_texture(event.result_width, event.result_height);
      event.target_width = event.result_width;
      event.target_height = event.result_height;
      pixels = realloc(pixels, (size_t)event.result_width * (size_t)event.result_height * 4);
    } else if (target != 0 && event.result_id != 0 && event.result_id != last) {
      last = event.result_id;
      ++results;
      keep_result(file, framebuffer, target, &event, pixels);
    }
    glFlush(); /* as a swap of buffers does */
    sleep_us(setting.pause_us);
  }
  fclose(file);

  plugin.event(FB_EVENT_CLOSE, &event);
  if (event.status != FB_OK) return 1;
  plugin.destroy(client);
  if (setting.unity) {
    if (engine_callback == NULL) return 1;
    engine_callback(DEVICE_SHUTDOWN);
    plugin.unload();
    if (engine_callback != NULL) return 1;
  }
  printf(
      "{\"renderer\": \"%s\", \"version\": \"%s\", \"events\": %u, \"results\": %u, "
      "\"skipped\": %u, \"asked\": %u, \"waits\": %u, \"looks\": %u, \"reads\": %u, "
      "\"maps\": %u, \"writes\": %u}\n",
      glGetString(GL_RENDERER), glGetString(GL_VERSION), events, results, skipped, spied.asked,
      spied.waits, spied.looks, spied.reads, spied.maps, spied.writes);
  return 0;
}
