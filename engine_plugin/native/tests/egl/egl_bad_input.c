/* What an engine may do wrong on the thread that renders: each ends in a status and words.
 *
 *   egl_bad_input LIBRARY
 *
 * No bridge runs: frames pass through, so what the target shows is the source.
 */
#define _GNU_SOURCE
#define GL_GLEXT_PROTOTYPES

#include <pthread.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "context.h"
#include "plugin.h"
#include "waits.h"

enum { WIDTH = 64, HEIGHT = 48, WATCHDOG_S = 290, PATIENCE = 2000 };

static uint64_t frame_id;
static const char *now;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", now, what);
  exit(1);
}

static void expect(bool holds, const char *what) {
  if (!holds) fail(what);
}

static fb_client start(int pixel_format) {
  fb_options options = {.size = sizeof options,
                        .abi_version = FB_ABI_VERSION,
                        .model = "passthrough",
                        .when_gone = FB_PASS_THROUGH};
  options.source.size = sizeof options.source;
  options.source.width = WIDTH;
  options.source.height = HEIGHT;
  options.source.pixel_format = pixel_format;
  fb_client client = 0;
  if (plugin.create(&options, &client) != FB_OK) fail(words(0));
  frame_id = 0;
  return client;
}

static GLuint make_texture(GLint format, int width, int height, const void *pixels) {
  GLuint texture = 0;
  glGenTextures(1, &texture);
  glBindTexture(GL_TEXTURE_2D, texture);
  GLenum of = GL_RGBA, type = GL_UNSIGNED_BYTE;
  if (format == GL_RGBA8UI) of = GL_RGBA_INTEGER;
  if (format == GL_DEPTH_COMPONENT24) of = GL_DEPTH_COMPONENT, type = GL_UNSIGNED_INT;
  glTexImage2D(GL_TEXTURE_2D, 0, format, width, height, 0, of, type, pixels);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  glBindTexture(GL_TEXTURE_2D, 0);
  return texture;
}

static GLuint grey_texture(int width, int height, unsigned char grey) {
  char *pixels = malloc((size_t)(width * height * 4));
  memset(pixels, grey, (size_t)(width * height * 4));
  const GLuint texture = make_texture(GL_RGBA8, width, height, pixels);
  free(pixels);
  return texture;
}

/* The grey that a texture shows, or -1: of several. */
static int grey_of(GLuint texture, int width, int height) {
  unsigned char *pixels = malloc((size_t)(width * height * 4));
  GLuint framebuffer = 0;
  glGenFramebuffers(1, &framebuffer);
  glBindFramebuffer(GL_READ_FRAMEBUFFER, framebuffer);
  glFramebufferTexture2D(GL_READ_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
  glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
  glBindFramebuffer(GL_READ_FRAMEBUFFER, 0);
  glDeleteFramebuffers(1, &framebuffer);
  int grey = pixels[0];
  for (int i = 0; i < width * height * 4; ++i) {
    if (pixels[i] != grey) grey = -1;
  }
  free(pixels);
  return grey;
}

static fb_render_event event_of(fb_client client, uintptr_t source, uintptr_t target) {
  return (fb_render_event){.size = sizeof(fb_render_event),
                           .status = 99,
                           .client = client,
                           .source = (void *)source,
                           .target = (void *)target,
                           .width = WIDTH,
                           .height = HEIGHT,
                           .target_width = WIDTH,
                           .target_height = HEIGHT,
                           .frame_id = source == 0 ? 0 : ++frame_id};
}

static fb_status issue(fb_render_event *event) {
  plugin.event(FB_EVENT_FRAME, event);
  expect(glGetError() == GL_NO_ERROR, "an OpenGL error is left");
  return event->status;
}

/* An event that has to be refused so, with words that hold `part`. */
static void refused(fb_render_event event, fb_status status, const char *part) {
  issue(&event);
  const char *said = words(0);
  if (event.status != status || strstr(said, part) == NULL || strlen(said) < 40) {
    fprintf(stderr, "%s: status %d, expected %d; words '%s', expected '%s' in them\n", now,
            event.status, status, said, part);
    exit(1);
  }
  if (status == FB_ERROR_FORMAT || status == FB_ERROR_GRAPHICS) {
    /* That there is no bridge is told first. */
    const char *of_client = words(event.client);
    expect(strstr(of_client, part) != NULL || strstr(of_client, "FB-E071") != NULL,
           "the client's error does not tell it");
  }
}

static void refused_source(fb_client client, uintptr_t source, const char *part) {
  refused(event_of(client, source, 0), FB_ERROR_FORMAT, part);
}

static void rest(void) {
  const struct timespec pause = {0, 1000000};
  nanosleep(&pause, NULL);
}

/* A frame whose result has to be refused by the target. */
static void refused_target(fb_client client, GLuint source, uintptr_t target, const char *part) {
  fb_render_event event = event_of(client, source, target);
  for (int turn = 0; turn < PATIENCE && issue(&event) >= 0; ++turn) {
    event.source = NULL;
    rest();
  }
  refused(event_of(client, 0, target), FB_ERROR_FORMAT, part);
}

/* Events without a source, until the target shows what it has to. */
static fb_render_event until_shown(fb_client client, GLuint target, int width, int height,
                                   uint64_t id) {
  for (int turn = 0; turn < PATIENCE; ++turn) {
    fb_render_event event = event_of(client, 0, target);
    event.target_width = width;
    event.target_height = height;
    expect(issue(&event) >= 0, words(client));
    if (event.result_id == id) return event;
    rest();
  }
  fail("the target never shows it");
  return (fb_render_event){0};
}

static void end(fb_client client) {
  fb_render_event event = event_of(client, 0, 0);
  plugin.event(FB_EVENT_CLOSE, &event);
  expect(event.status == FB_OK, "it does not close");
  expect(plugin.destroy(client) == FB_OK, "it is not destroyed");
}

static void events_that_are_none(void) {
  const fb_client client = start(FB_RGBA8);
  plugin.event(FB_EVENT_FRAME, NULL);
  expect(strstr(words(0), "null") != NULL, "nothing is said of a null event");
  plugin.event(77, NULL);

  const uint32_t sizes[] = {0, 1, 3, 4097, 0xFFFFFFFFu};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    fb_render_event event = event_of(client, 0, 0);
    event.size = sizes[i];
    plugin.event(FB_EVENT_FRAME, &event);
    expect(event.status == (sizes[i] < 8 ? 99 : FB_ERROR_ARGUMENT), "a size that cannot be");
  }
  fb_render_event event = event_of(client, 0, 0);
  plugin.event(0, &event);
  expect(event.status == FB_ERROR_ARGUMENT, "event 0");
  event.status = 99;
  plugin.event(-5, &event);
  expect(event.status == FB_ERROR_ARGUMENT, "event -5");

  struct {
    fb_render_event event;
    char more[64];
  } newer;
  memset(&newer, 0, sizeof newer);
  newer.event = event_of(client, 0, 0);
  newer.event.size = sizeof newer;
  expect(issue(&newer.event) == FB_OK, "a newer struct with nothing new in it");
  newer.more[63] = 1;
  expect(issue(&newer.event) == FB_ERROR_VERSION, "a newer struct");
  fb_render_event older = event_of(client, 0, 0);
  older.size = offsetof(fb_render_event, target);
  older.result_width = 1234;
  expect(issue(&older) == FB_OK, "an older struct");
  expect(older.result_width == 1234, "beyond the end of an older struct");
  end(client);
}

static void handles_that_are_none(void) {
  refused(event_of(0, 0, 0), FB_ERROR_HANDLE, "client");
  refused(event_of(0xDEADBEEF, 0, 0), FB_ERROR_HANDLE, "client");
  const fb_client client = start(FB_RGBA8);
  const GLuint source = grey_texture(WIDTH, HEIGHT, 9);
  fb_render_event event = event_of(client, source, 0);
  expect(issue(&event) >= 0, "a good event");
  expect(plugin.destroy(client) == FB_OK, "destroy without FB_EVENT_CLOSE");
  refused(event_of(client, source, 0), FB_ERROR_HANDLE, "client");
  event = event_of(client, 0, 0);
  plugin.event(FB_EVENT_CLOSE, &event);
  expect(event.status == FB_ERROR_HANDLE, "close of what is gone");
  /* More clients than there are places, none of them closed. */
  for (int i = 0; i < 40; ++i) {
    const fb_client another = start(FB_RGBA8);
    event = event_of(another, source, 0);
    expect(issue(&event) >= 0, "a place for each client");
    plugin.destroy(another);
  }
  glDeleteTextures(1, &source);
}

static void sources_that_cannot_be_read(void) {
  const fb_client client = start(FB_RGBA8);
  GLuint name = 0;
  refused_source(client, 54321, "none");
  refused_source(client, (uintptr_t)1 << 40, "none");
  glGenTextures(1, &name);
  refused_source(client, name, "none"); /* never bound */
  glDeleteTextures(1, &name);
  name = grey_texture(WIDTH, HEIGHT, 1);
  glDeleteTextures(1, &name);
  refused_source(client, name, "none"); /* destroyed */

  const GLint formats[] = {GL_RGBA16F, GL_R8, GL_RGBA8UI, GL_DEPTH_COMPONENT24, GL_RGB10_A2};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; ++i) {
    name = make_texture(formats[i], WIDTH, HEIGHT, NULL);
    refused_source(client, name, "8-bit RGBA");
    glDeleteTextures(1, &name);
  }
  const GLenum kinds[] = {GL_TEXTURE_CUBE_MAP, GL_TEXTURE_2D_ARRAY, GL_TEXTURE_3D,
                          GL_TEXTURE_2D_MULTISAMPLE};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    glGenTextures(1, &name);
    glBindTexture(kinds[i], name);
    refused_source(client, name, "two-dimensional");
    glDeleteTextures(1, &name);
  }

  name = grey_texture(WIDTH, HEIGHT, 3);
  const int sides[][2] = {{WIDTH, HEIGHT + 1}, {32, 32}, {16384, 16384}};
  for (size_t i = 0; i < sizeof sides / sizeof *sides; ++i) {
    fb_render_event event = event_of(client, name, 0);
    event.width = sides[i][0];
    event.height = sides[i][1];
    refused(event, FB_ERROR_FORMAT, "64 x 48");
  }
  const int wrong[][2] = {{0, 48}, {64, -1}, {16385, 48}, {0x7FFFFFFF, 0x7FFFFFFF}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    fb_render_event event = event_of(client, name, 0);
    event.width = wrong[i][0];
    event.height = wrong[i][1];
    refused(event, FB_ERROR_ARGUMENT, "16384");
  }
  fb_render_event event = event_of(client, name, 0);
  expect(issue(&event) == FB_OK, words(client));
  expect(words(client)[0] == 0 || strstr(words(client), "source") == NULL,
         "an error is told that is none any more");
  event.frame_id = 1;
  refused(event, FB_ERROR_ARGUMENT, "larger than any before");
  glDeleteTextures(1, &name);
  end(client);
}

static void targets_that_cannot_be_written(void) {
  const fb_client client = start(FB_RGBA8);
  const GLuint source = grey_texture(WIDTH, HEIGHT, 77);
  fb_render_event event = event_of(client, source, 0);
  expect(issue(&event) == FB_OK, "a frame");
  const GLuint target = grey_texture(WIDTH, HEIGHT, 0);
  until_shown(client, target, WIDTH, HEIGHT, 1);
  expect(grey_of(target, WIDTH, HEIGHT) == 77, "the target does not show the source");

  /* Another target is given the same result, though there is none newer. */
  GLuint other = grey_texture(WIDTH, HEIGHT, 0);
  until_shown(client, other, WIDTH, HEIGHT, 1);
  expect(grey_of(other, WIDTH, HEIGHT) == 77, "the other target does not show it");
  glDeleteTextures(1, &other);
  refused_target(client, source, other, "none");

  const GLint formats[] = {GL_RGBA16F, GL_R8, GL_RGBA8UI, GL_DEPTH_COMPONENT24, GL_RGB8};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; ++i) {
    other = make_texture(formats[i], WIDTH, HEIGHT, NULL);
    refused_target(client, source, other, "target");
    glDeleteTextures(1, &other);
  }
  glGenTextures(1, &other);
  glBindTexture(GL_TEXTURE_CUBE_MAP, other);
  refused_target(client, source, other, "two-dimensional");
  glDeleteTextures(1, &other);

  /* It is smaller than the event says: nothing may be written beyond it. */
  other = grey_texture(8, 8, 5);
  refused_target(client, source, other, "8 x 8");
  /* It is smaller than the result, as the event says: the engine is told the size. */
  event = event_of(client, 0, other);
  event.target_width = event.target_height = 8;
  expect(issue(&event) == FB_NOTHING, "a target of another size than the result");
  expect(event.result_width == WIDTH && event.result_height == HEIGHT, "the size is not told");
  expect(event.result_id == 0, "it shows nothing");
  expect(grey_of(other, 8, 8) == 5, "it was written into");
  glDeleteTextures(1, &other);
  glDeleteTextures(1, &target);
  glDeleteTextures(1, &source);
  end(client);
}

static void textures_that_go_while_they_are_used(void) {
  const fb_client client = start(FB_RGBA8);
  GLuint target = grey_texture(WIDTH, HEIGHT, 0);
  for (int round = 0; round < 5; ++round) {
    const GLuint source = grey_texture(WIDTH, HEIGHT, (unsigned char)(100 + round));
    fb_render_event event = event_of(client, source, target);
    expect(issue(&event) >= 0, "a frame");
    glDeleteTextures(1, &source); /* before it was read */
    glDeleteTextures(1, &target); /* before the result came */
    target = grey_texture(WIDTH, HEIGHT, 0);
    until_shown(client, target, WIDTH, HEIGHT, frame_id);
    expect(grey_of(target, WIDTH, HEIGHT) == 100 + round, "it is not the source");
  }
  glDeleteTextures(1, &target);
  end(client);
}

static void sizes_that_change_while_frames_are_under_way(void) {
  const fb_client client = start(FB_RGBA8);
  const int sizes[][2] = {{64, 48}, {32, 16}, {1, 1}, {200, 3}, {64, 48}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    const int width = sizes[i][0], height = sizes[i][1];
    const GLuint source = grey_texture(width, height, (unsigned char)(50 + i));
    for (int twice = 0; twice < 2; ++twice) {
      fb_render_event event = event_of(client, source, 0);
      event.width = width;
      event.height = height;
      expect(issue(&event) >= 0, "a frame of another size");
    }
    const GLuint target = grey_texture(width, height, 0);
    until_shown(client, target, width, height, frame_id);
    expect(grey_of(target, width, height) == 50 + (int)i, "it is not the source");
    glDeleteTextures(1, &source);
    glDeleteTextures(1, &target);
  }
  end(client);
}

static void contexts_that_come_and_go(void) {
  const EGLContext first = eglGetCurrentContext();
  const fb_client client = start(FB_RGBA8);
  GLuint source = grey_texture(WIDTH, HEIGHT, 20);
  fb_render_event event = event_of(client, source, 0);
  expect(issue(&event) == FB_OK, "a frame");
  glDeleteTextures(1, &source);
  for (int round = 0; round < 4; ++round) {
    EGLContext another = make_context(round % 2 == 1, 3, round % 2 == 1 ? 0 : 3);
    use_context(another);
    source = grey_texture(WIDTH, HEIGHT, (unsigned char)(30 + round));
    GLuint target = grey_texture(WIDTH, HEIGHT, 0);
    event = event_of(client, source, target);
    expect(issue(&event) >= 0, words(client));
    until_shown(client, target, WIDTH, HEIGHT, frame_id);
    expect(grey_of(target, WIDTH, HEIGHT) == 30 + round, "it is not the source");
    use_context(EGL_NO_CONTEXT);
    eglDestroyContext(context_display, another);
    event = event_of(client, 4, 5);
    plugin.event(FB_EVENT_FRAME, &event);
    expect(event.status == FB_ERROR_GRAPHICS, "no context");
    expect(strstr(words(0), "current") != NULL, "nothing is said of the context");
  }
  event = event_of(client, 0, 0);
  plugin.event(FB_EVENT_CLOSE, &event); /* without a context */
  expect(event.status == FB_OK, "it does not close");
  plugin.destroy(client);
  use_context(first);
}

static void devices_that_are_not_known(void) {
  const fb_client client = start(FB_RGBA8);
  const GLuint source = grey_texture(WIDTH, HEIGHT, 1);
  plugin.load(NULL);
  plugin.unload();
  struct IUnityInterfaces empty = {0};
  plugin.load(&empty);
  plugin.unload();
  const int renderers[] = {RENDERER_VULKAN, 16, 18, RENDERER_NONE, 0, -7, 12345};
  const char *names[] = {"Vulkan", "Metal", "Direct3D 12", "no graphics device",
                         "0",      "-7",    "12345"};
  for (size_t i = 0; i < sizeof renderers / sizeof *renderers; ++i) {
    engine_renderer = renderers[i];
    plugin.load(&engine_interfaces);
    refused(event_of(client, source, 0), FB_ERROR_GRAPHICS, names[i]);
    refused(event_of(client, source, 0), FB_ERROR_GRAPHICS, "fb_submit");
    plugin.unload();
  }
  /* The device comes after the plugin, goes, and comes again. */
  engine_renderer = RENDERER_NONE;
  plugin.load(&engine_interfaces);
  engine_renderer = RENDERER_GL_CORE;
  for (int round = 0; round < 3; ++round) {
    engine_callback(DEVICE_INITIALIZE);
    fb_render_event event = event_of(client, source, 0);
    expect(issue(&event) >= 0, "a frame");
    engine_callback(DEVICE_SHUTDOWN);
    refused(event_of(client, source, 0), FB_ERROR_GRAPHICS, "no graphics device");
  }
  plugin.unload();
  glDeleteTextures(1, &source);
  end(client);
}

static void drivers_that_lack_something(void) {
  const GLuint source = grey_texture(WIDTH, HEIGHT, 1);
  fb_client client = start(FB_RGBA8);
  spy_says_version = 21;
  refused(event_of(client, source, 0), FB_ERROR_GRAPHICS, "3.3");
  spy_says_version = 0;
  end(client);
  glDeleteTextures(1, &source);

  const EGLContext first = eglGetCurrentContext();
  const EGLContext embedded = make_context(true, 3, 0);
  use_context(embedded);
  client = start(FB_BGRA8);
  refused(event_of(client, 1, 0), FB_ERROR_GRAPHICS, "FB_BGRA8");
  end(client);
  use_context(first);
  eglDestroyContext(context_display, embedded);
}

struct crowd {
  fb_client client;
  EGLContext context;
};

static void *issue_many(void *given) {
  const struct crowd *crowd = given;
  use_context(crowd->context);
  const GLuint source = grey_texture(WIDTH, HEIGHT, 1), target = grey_texture(WIDTH, HEIGHT, 0);
  for (int i = 0; i < 200; ++i) {
    fb_render_event event = event_of(crowd->client, source, target);
    event.frame_id = 0;
    plugin.event(FB_EVENT_FRAME, &event);
    if (event.status < 0 && event.status != FB_ERROR_ARGUMENT && event.status != FB_ERROR_HANDLE) {
      return given;
    }
  }
  use_context(EGL_NO_CONTEXT);
  return NULL;
}

static void two_threads_at_once_and_a_client_that_goes_meanwhile(void) {
  const EGLContext first = eglGetCurrentContext();
  use_context(EGL_NO_CONTEXT);
  for (int round = 0; round < 3; ++round) {
    const fb_client client = start(FB_RGBA8);
    struct crowd crowd[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
      crowd[i] = (struct crowd){client, make_context(false, 3, 3)};
      pthread_create(&threads[i], NULL, issue_many, &crowd[i]);
    }
    if (round > 0) {
      const struct timespec pause = {0, 20000000};
      nanosleep(&pause, NULL);
      plugin.destroy(client);
    }
    for (int i = 0; i < 2; ++i) {
      void *result = NULL;
      pthread_join(threads[i], &result);
      expect(result == NULL, "another status than refusal");
      eglDestroyContext(context_display, crowd[i].context);
    }
    if (round == 0) plugin.destroy(client);
  }
  use_context(first);
}

int main(int count, char **arguments) {
  if (count < 2) return 2;
  alarm(WATCHDOG_S);
  open_plugin(arguments[1]);
  use_context(make_context(false, 3, 3));
  const struct {
    const char *name;
    void (*run)(void);
  } cases[] = {
#define CASE(function) {#function, function}
      CASE(events_that_are_none),
      CASE(handles_that_are_none),
      CASE(sources_that_cannot_be_read),
      CASE(targets_that_cannot_be_written),
      CASE(textures_that_go_while_they_are_used),
      CASE(sizes_that_change_while_frames_are_under_way),
      CASE(contexts_that_come_and_go),
      CASE(devices_that_are_not_known),
      CASE(drivers_that_lack_something),
      CASE(two_threads_at_once_and_a_client_that_goes_meanwhile),
#undef CASE
  };
  for (int cards = 0; cards < 2; ++cards) {
    spy_says_graphics_card = cards == 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
      now = cases[i].name;
      cases[i].run();
      printf("%s\n", now);
      fflush(stdout);
    }
  }
  return 0;
}
