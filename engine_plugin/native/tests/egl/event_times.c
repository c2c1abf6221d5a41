/* What a render event takes of the thread that renders, beside the same event without a client and
 * beside the plain way, a glReadPixels of the frame just drawn. tests/bench/render_events.py runs
 * it.
 *
 *   event_times LIBRARY WIDTH HEIGHT ROUNDS PERIOD_MS
 *
 * In each round a frame is drawn by a shader that takes its time, and then one of the three
 * follows; their order is drawn anew for every three rounds. Prints for each three: seconds of the
 * event, of the event without a client, of the glReadPixels, of one memcpy of the frame; and, on
 * the last line, the device and how many results were shown.
 */
#define _GNU_SOURCE
#define GL_GLEXT_PROTOTYPES

#include <GL/glcorearb.h>
#include <time.h>
#include <unistd.h>

#include "context.h"
#include "plugin.h"

enum { KINDS = 3, WARM_UP = 10, WATCHDOG_S = 280 };
enum { EVENT, NO_CLIENT, PLAIN };

static int width, height;

static double now_s(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void sleep_s(double seconds) {
  if (seconds <= 0) return;
  const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&time, NULL);
}

static GLuint make_texture(void) {
  GLuint texture = 0;
  glGenTextures(1, &texture);
  glBindTexture(GL_TEXTURE_2D, texture);
  glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, width, height, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  return texture;
}

static GLuint make_shader(GLenum kind, const char *text) {
  const GLuint shader = glCreateShader(kind);
  glShaderSource(shader, 1, &text, NULL);
  glCompileShader(shader);
  return shader;
}

/* A picture of waves over the whole frame. */
static void use_drawing(void) {
  const GLuint program = glCreateProgram();
  glAttachShader(program, make_shader(GL_VERTEX_SHADER,
                                      "#version 330\n"
                                      "void main() {\n"
                                      "  vec2 at = vec2(gl_VertexID % 2, gl_VertexID / 2);\n"
                                      "  gl_Position = vec4(at * 4.0 - 1.0, 0.0, 1.0);\n"
                                      "}\n"));
  glAttachShader(program, make_shader(GL_FRAGMENT_SHADER,
                                      "#version 330\n"
                                      "out vec4 colour;\n"
                                      "void main() {\n"
                                      "  float sum = 0.0;\n"
                                      "  for (int i = 1; i < 12; ++i)\n"
                                      "    sum += sin(gl_FragCoord.x * 0.01 * float(i));\n"
                                      "  colour = vec4(sum, fract(sum), 0.5, 1.0);\n"
                                      "}\n"));
  glLinkProgram(program);
  glUseProgram(program);
  GLuint vertices = 0;
  glGenVertexArrays(1, &vertices);
  glBindVertexArray(vertices);
  glViewport(0, 0, width, height);
}

static void draw(GLuint framebuffer) {
  glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
  glDrawArrays(GL_TRIANGLES, 0, 3);
}

static void shuffle(int *order) {
  for (int i = KINDS - 1; i > 0; --i) {
    const int other = rand() % (i + 1), kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
}

int main(int count, char **arguments) {
  if (count < 6) return 2;
  alarm(WATCHDOG_S);
  width = atoi(arguments[2]);
  height = atoi(arguments[3]);
  const int rounds = atoi(arguments[4]);
  const double period_s = atoi(arguments[5]) * 1e-3;
  use_context(make_context(false, 3, 3));
  open_plugin(arguments[1]);
  plugin.load(&engine_interfaces);

  fb_options options = {
      .size = sizeof options, .abi_version = FB_ABI_VERSION, .model = "passthrough"};
  options.source.size = sizeof options.source;
  options.source.width = width;
  options.source.height = height;
  fb_client client = 0;
  if (plugin.create(&options, &client) != FB_OK) {
    fprintf(stderr, "%s\n", words(0));
    return 1;
  }
  const GLuint source = make_texture(), target = make_texture();
  GLuint framebuffer = 0;
  glGenFramebuffers(1, &framebuffer);
  glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
  glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, source, 0);
  use_drawing();
  const size_t bytes = (size_t)width * (size_t)height * 4;
  void *pixels = malloc(bytes), *copy = malloc(bytes);
  memset(pixels, 1, bytes);

  fb_render_event event = {.size = sizeof event,
                           .source = (void *)(uintptr_t)source,
                           .target = (void *)(uintptr_t)target,
                           .width = width,
                           .height = height,
                           .target_width = width,
                           .target_height = height};
  uint64_t last = 0;
  unsigned shown = 0;
  int order[KINDS] = {EVENT, NO_CLIENT, PLAIN};
  for (int round = -WARM_UP; round < rounds; round += last != 0 || round >= 0 ? 1 : 0) {
    double taken[KINDS] = {0};
    shuffle(order);
    for (int turn = 0; turn < KINDS; ++turn) {
      const int kind = order[turn];
      const double start = now_s();
      draw(framebuffer);
      const double before = now_s();
      if (kind == PLAIN) {
        glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
      } else {
        event.client = kind == EVENT ? client : 0;
        plugin.event(FB_EVENT_FRAME, &event);
      }
      taken[kind] = now_s() - before;
      if (kind == EVENT && event.status < 0) {
        fprintf(stderr, "%s\n", words(client));
        return 1;
      }
      if (kind == EVENT && event.result_id != last) {
        last = event.result_id;
        ++shown;
      }
      glFlush();
      sleep_s(period_s - (now_s() - start));
    }
    const double before = now_s();
    memcpy(copy, pixels, bytes);
    const double copied = now_s() - before;
    if (round >= 0) {
      printf("%.9f %.9f %.9f %.9f\n", taken[EVENT], taken[NO_CLIENT], taken[PLAIN], copied);
    }
  }
  event.client = client;
  plugin.event(FB_EVENT_CLOSE, &event);
  plugin.destroy(client);
  plugin.unload();
  printf("%u %s\n", shown, glGetString(GL_RENDERER));
  return 0;
}
