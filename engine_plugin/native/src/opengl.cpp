#include "opengl.h"

#include <array>
#include <utility>

#include "opengl_functions.h"
#include "opengl_state.h"

namespace framebridge {
namespace {

using gl::Enum;
using gl::Int;
using gl::Name;

constexpr const char *copy_first = "Copy it into a render texture of 8-bit RGBA and pass that.";
constexpr const char *make_plain = "Make it a plain RGBA8 or sRGB8_ALPHA8 texture.";

Outcome not_mapped(gl::Address size) {
  return device_error("OpenGL", "to map a buffer of " + std::to_string(size) + " bytes", "nothing",
                      "The device has no memory left, or was lost: use smaller frames, or begin "
                      "anew.");
}

// A buffer of pixels, and the fence behind the last that the device was asked to do with it.
struct PixelBuffer {
  Name name = 0;
  gl::Address size = 0;
  gl::Sync fence = nullptr;
};

// Where a texture is on its way into memory.
struct Reading {
  enum Step { FREE, COPYING, READING };
  Step step = FREE;
  PixelBuffer buffer;
  Name copy = 0;  // a texture of our own; see `copies_first_`
  Size copy_size;
  Enum copy_kind = 0;
  Size size;
  uint64_t frame_id = 0;
  uint64_t since_ns = 0;
};

class OpenGlTextures final : public DeviceTextures {
 public:
  OpenGlTextures(const gl::Functions &functions, gl::CurrentContext current_context, Enum order,
                 bool embedded, bool copies_first);
  ~OpenGlTextures() override;

  bool is_current() const override;
  void enter() override;
  void leave() override;
  bool can_read() const override;
  Outcome begin_reading(void *texture, const Size &size, uint64_t frame_id,
                        uint64_t since_ns) override;
  Outcome map_oldest(Readback &readback) override;
  void give_back_oldest() override;
  bool can_write() override;
  Outcome write(void *texture, const Size &size, const void *pixels, int64_t stride) override;
  void abandon() override;

 private:
  Outcome check_name(const char *place, void *texture, Name &name);
  Outcome check_source(Name texture, const Size &size, Enum &kind);
  Outcome check_target(Name texture, const Size &size);
  Outcome check_size(const char *place, const Size &size);
  Outcome check_channels(const char *place, bool needs_alpha, Enum &kind);
  Outcome refused(const char *place, std::string expected, std::string found, std::string remedy);
  Outcome fill(PixelBuffer &buffer, const Size &size, const void *pixels, int64_t stride);
  void start_copy(Reading &reading, Enum kind);
  void start_read(Reading &reading, Name framebuffer);
  void start_reads_of_copies();
  void attach(Enum framebuffer, Name texture);
  void drop_fence(gl::Sync &fence);
  bool passed(gl::Sync &fence);

  gl::Functions gl_;
  gl::CurrentContext current_context_;
  void *context_;
  Enum order_;  // of channels, in memory
  bool embedded_;
  bool copies_first_;
  SavedState state_;
  Name read_framebuffer_ = 0;  // 0: abandoned
  Name copy_framebuffer_ = 0;
  std::array<Reading, ring_size> readings_;
  int oldest_ = 0;
  int under_way_ = 0;
  std::array<PixelBuffer, ring_size> uploads_;
  int next_upload_ = 0;
  Name known_target_ = 0;  // the last that was looked at in full
  Size known_size_;
};

OpenGlTextures::OpenGlTextures(const gl::Functions &functions, gl::CurrentContext current_context,
                               Enum order, bool embedded, bool copies_first)
    : gl_(functions),
      current_context_(current_context),
      context_(current_context()),
      order_(order),
      embedded_(embedded),
      copies_first_(copies_first),
      state_(embedded, copies_first) {
  gl_.gen_framebuffers(1, &read_framebuffer_);
  gl_.gen_framebuffers(1, &copy_framebuffer_);
  state_.save(gl_);
  gl_.bind_framebuffer(gl::READ_FRAMEBUFFER, read_framebuffer_);  // from here on it exists
  state_.restore(gl_);
}

OpenGlTextures::~OpenGlTextures() {
  if (read_framebuffer_ == 0) return;
  for (Reading &reading : readings_) {
    drop_fence(reading.buffer.fence);
    gl_.delete_buffers(1, &reading.buffer.name);
    gl_.delete_textures(1, &reading.copy);
  }
  for (PixelBuffer &upload : uploads_) {
    drop_fence(upload.fence);
    gl_.delete_buffers(1, &upload.name);
  }
  gl_.delete_framebuffers(1, &read_framebuffer_);
  gl_.delete_framebuffers(1, &copy_framebuffer_);
}

// A new context may lie where one lay that is gone; then our framebuffer is none of its.
bool OpenGlTextures::is_current() const {
  return current_context_() == context_ && gl_.is_framebuffer(read_framebuffer_) != 0;
}

void OpenGlTextures::enter() { state_.save(gl_); }

void OpenGlTextures::leave() { state_.restore(gl_); }

bool OpenGlTextures::can_read() const { return under_way_ < ring_size; }

Outcome OpenGlTextures::begin_reading(void *texture, const Size &size, uint64_t frame_id,
                                      uint64_t since_ns) {
  Name name = 0;
  if (Outcome outcome = check_name("source", texture, name); outcome.failed()) return outcome;
  gl_.bind_framebuffer(gl::READ_FRAMEBUFFER, read_framebuffer_);
  attach(gl::READ_FRAMEBUFFER, name);
  Enum kind = gl::RGBA8;
  Outcome outcome = check_source(name, size, kind);
  if (!outcome.failed()) {
    Reading &reading = readings_[(oldest_ + under_way_) % ring_size];
    reading.size = size;
    reading.frame_id = frame_id;
    reading.since_ns = since_ns;
    if (copies_first_) {
      start_copy(reading, kind);
    } else {
      start_read(reading, read_framebuffer_);
    }
    ++under_way_;
  }
  // An attachment would keep the texture alive after its owner has deleted it.
  gl_.bind_framebuffer(gl::READ_FRAMEBUFFER, read_framebuffer_);
  attach(gl::READ_FRAMEBUFFER, 0);
  return outcome;
}

Outcome OpenGlTextures::map_oldest(Readback &readback) {
  start_reads_of_copies();
  Reading &reading = readings_[oldest_];
  if (under_way_ == 0 || reading.step != Reading::READING || !passed(reading.buffer.fence)) {
    return {FB_NOTHING, {}};
  }
  gl_.bind_buffer(gl::PIXEL_PACK_BUFFER, reading.buffer.name);
  const gl::Address size = reading.buffer.size;
  readback.pixels = gl_.map_buffer_range(gl::PIXEL_PACK_BUFFER, 0, size, gl::MAP_READ);
  if (readback.pixels == nullptr) {
    give_back_oldest();
    return not_mapped(size);
  }
  readback.stride = row_bytes(reading.size);
  readback.size = reading.size;
  readback.frame_id = reading.frame_id;
  readback.since_ns = reading.since_ns;
  return {};
}

void OpenGlTextures::give_back_oldest() {
  Reading &reading = readings_[oldest_];
  gl_.bind_buffer(gl::PIXEL_PACK_BUFFER, reading.buffer.name);
  gl_.unmap_buffer(gl::PIXEL_PACK_BUFFER);
  reading.step = Reading::FREE;
  oldest_ = (oldest_ + 1) % ring_size;
  --under_way_;
}

bool OpenGlTextures::can_write() {
  for (int tried = 0; tried < ring_size; ++tried) {
    if (passed(uploads_[next_upload_].fence)) return true;
    next_upload_ = (next_upload_ + 1) % ring_size;
  }
  return false;
}

Outcome OpenGlTextures::write(void *texture, const Size &size, const void *pixels, int64_t stride) {
  Name name = 0;
  if (Outcome outcome = check_name("target", texture, name); outcome.failed()) return outcome;
  if (Outcome outcome = check_target(name, size); outcome.failed()) return outcome;
  PixelBuffer &upload = uploads_[next_upload_];
  if (Outcome outcome = fill(upload, size, pixels, stride); outcome.status != FB_OK) {
    return outcome;
  }
  gl_.tex_sub_image(gl::TEXTURE_2D, 0, 0, 0, size.width, size.height, order_, gl::UNSIGNED_BYTE,
                    nullptr);
  upload.fence = gl_.fence_sync(gl::SYNC_GPU_COMMANDS_COMPLETE, 0);
  if (gl_.get_tex_level == nullptr && gl_.get_error() != 0) {
    known_target_ = 0;
    return refused("target", "a texture of " + size.text() + " pixels, as the event says",
                   "a smaller one", "State the texture's own size in the event.");
  }
  next_upload_ = (next_upload_ + 1) % ring_size;
  return {};
}

void OpenGlTextures::abandon() { read_framebuffer_ = 0; }

Outcome OpenGlTextures::check_name(const char *place, void *texture, Name &name) {
  const auto number = reinterpret_cast<uintptr_t>(texture);
  name = static_cast<Name>(number);
  if (name == number && gl_.is_texture(name) != 0) return {};
  return texture_error(place, "the name of an OpenGL texture",
                       std::to_string(number) + ", which is none",
                       "Pass the texture's native pointer, only while the texture lives.");
}

Outcome OpenGlTextures::check_source(Name texture, const Size &size, Enum &kind) {
  if (gl_.check_framebuffer_status(gl::READ_FRAMEBUFFER) != gl::FRAMEBUFFER_COMPLETE) {
    return refused("source", "a two-dimensional texture of 8-bit RGBA",
                   "one that OpenGL does not read from", copy_first);
  }
  Outcome outcome = check_channels("source", false, kind);
  if (!outcome.failed() && gl_.get_tex_level != nullptr) {
    gl_.bind_texture(gl::TEXTURE_2D, texture);
    outcome = check_size("source", size);
  }
  return outcome;
}

// Leaves the target bound.
Outcome OpenGlTextures::check_target(Name texture, const Size &size) {
  const bool known = known_target_ == texture && known_size_ == size;
  known_target_ = 0;
  gl_.bind_texture(gl::TEXTURE_2D, texture);
  Int bound = 0;
  gl_.get_integers(gl::TEXTURE_BINDING_2D, &bound);
  if (static_cast<Name>(bound) != texture) {
    return refused("target", "a two-dimensional texture", "one of another kind", make_plain);
  }
  if (gl_.get_tex_level != nullptr) {
    if (Outcome outcome = check_size("target", size); outcome.failed()) return outcome;
  }
  if (!known) {
    gl_.bind_framebuffer(gl::READ_FRAMEBUFFER, read_framebuffer_);
    attach(gl::READ_FRAMEBUFFER, texture);
    Outcome outcome;
    if (gl_.check_framebuffer_status(gl::READ_FRAMEBUFFER) != gl::FRAMEBUFFER_COMPLETE) {
      outcome = refused("target", "a texture of 8-bit RGBA", "one that OpenGL cannot draw into",
                        make_plain);
    } else {
      Enum kind = 0;
      outcome = check_channels("target", true, kind);
    }
    attach(gl::READ_FRAMEBUFFER, 0);
    if (outcome.failed()) return outcome;
  }
  known_target_ = texture;
  known_size_ = size;
  return {};
}

// Of the texture that is bound.
Outcome OpenGlTextures::check_size(const char *place, const Size &size) {
  Size found;
  gl_.get_tex_level(gl::TEXTURE_2D, 0, gl::TEXTURE_WIDTH, &found.width);
  gl_.get_tex_level(gl::TEXTURE_2D, 0, gl::TEXTURE_HEIGHT, &found.height);
  if (found == size) return {};
  return texture_error(place, "a texture of " + size.text() + " pixels, as the event says",
                       found.text(), "State the texture's own size in the event.");
}

// Of the texture that is attached for reading.
Outcome OpenGlTextures::check_channels(const char *place, bool needs_alpha, Enum &kind) {
  const auto ask = [this](Enum what) {
    Int value = 0;
    gl_.get_attachment(gl::READ_FRAMEBUFFER, gl::COLOR_ATTACHMENT0, what, &value);
    return value;
  };
  const auto is = [&ask](Enum what, Enum value) { return static_cast<Enum>(ask(what)) == value; };
  const Int red = ask(gl::ATTACHMENT_RED_SIZE);
  const Int green = ask(gl::ATTACHMENT_GREEN_SIZE);
  const Int blue = ask(gl::ATTACHMENT_BLUE_SIZE);
  const Int alpha = ask(gl::ATTACHMENT_ALPHA_SIZE);
  const bool plain = is(gl::ATTACHMENT_COMPONENT_TYPE, gl::UNSIGNED_NORMALIZED);
  if (plain && red == 8 && green == 8 && blue == 8 && (alpha == 8 || !needs_alpha)) {
    kind = is(gl::ATTACHMENT_COLOR_ENCODING, gl::SRGB) ? gl::SRGB8_ALPHA8 : gl::RGBA8;
    return {};
  }
  const std::string bits = std::to_string(red) + ", " + std::to_string(green) + ", " +
                           std::to_string(blue) + " and " + std::to_string(alpha) + " bits";
  return refused(place, "8 bits each of red, green, blue and alpha (RGBA8 or sRGB8_ALPHA8)",
                 bits + (plain ? "" : " of floats or integers"),
                 needs_alpha ? make_plain : copy_first);
}

// What was tried may have left errors, which the engine would take for its own.
Outcome OpenGlTextures::refused(const char *place, std::string expected, std::string found,
                                std::string remedy) {
  for (int drained = 0; drained < 16 && gl_.get_error() != 0; ++drained) {
  }
  return texture_error(place, std::move(expected), std::move(found), std::move(remedy));
}

// Leaves the buffer bound for unpacking.
Outcome OpenGlTextures::fill(PixelBuffer &buffer, const Size &size, const void *pixels,
                             int64_t stride) {
  const gl::Address row = row_bytes(size);
  const gl::Address whole = row * size.height;
  if (buffer.name == 0) gl_.gen_buffers(1, &buffer.name);
  gl_.bind_buffer(gl::PIXEL_UNPACK_BUFFER, buffer.name);
  if (buffer.size != whole) {
    gl_.buffer_data(gl::PIXEL_UNPACK_BUFFER, whole, nullptr, gl::STREAM_DRAW);
    buffer.size = whole;
  }
  // Unsynchronized: its fence has said that the device is done with it.
  void *mapped =
      gl_.map_buffer_range(gl::PIXEL_UNPACK_BUFFER, 0, whole,
                           gl::MAP_WRITE | gl::MAP_INVALIDATE_BUFFER | gl::MAP_UNSYNCHRONIZED);
  if (mapped == nullptr) {
    buffer.size = 0;
    return not_mapped(whole);
  }
  copy_rows(mapped, row, pixels, stride, row, size.height);
  // False: what was written is lost, as when the screen's mode changes.
  return {gl_.unmap_buffer(gl::PIXEL_UNPACK_BUFFER) != 0 ? FB_OK : FB_NOTHING};
}

// Where the processor draws, glReadPixels itself waits until all is drawn. There the texture, which
// is attached for reading, is copied first, which only queues, and is read once the copy is there:
// a frame later, with nothing to wait for.
void OpenGlTextures::start_copy(Reading &reading, Enum kind) {
  if (reading.copy == 0) gl_.gen_textures(1, &reading.copy);
  if (reading.copy_size != reading.size || reading.copy_kind != kind) {
    gl_.bind_texture(gl::TEXTURE_2D, reading.copy);
    gl_.bind_buffer(gl::PIXEL_UNPACK_BUFFER, 0);
    gl_.tex_image(gl::TEXTURE_2D, 0, static_cast<Int>(kind), reading.size.width,
                  reading.size.height, 0, gl::RGBA, gl::UNSIGNED_BYTE, nullptr);
    reading.copy_size = reading.size;
    reading.copy_kind = kind;
  }
  gl_.bind_framebuffer(gl::DRAW_FRAMEBUFFER, copy_framebuffer_);
  attach(gl::DRAW_FRAMEBUFFER, reading.copy);
  gl_.blit_framebuffer(0, 0, reading.size.width, reading.size.height, 0, 0, reading.size.width,
                       reading.size.height, gl::COLOR_BUFFER, gl::NEAREST);
  reading.buffer.fence = gl_.fence_sync(gl::SYNC_GPU_COMMANDS_COMPLETE, 0);
  reading.step = Reading::COPYING;
}

void OpenGlTextures::start_read(Reading &reading, Name framebuffer) {
  PixelBuffer &buffer = reading.buffer;
  const gl::Address whole = row_bytes(reading.size) * reading.size.height;
  if (buffer.name == 0) gl_.gen_buffers(1, &buffer.name);
  gl_.bind_framebuffer(gl::READ_FRAMEBUFFER, framebuffer);
  gl_.bind_buffer(gl::PIXEL_PACK_BUFFER, buffer.name);
  if (buffer.size != whole) {
    gl_.buffer_data(gl::PIXEL_PACK_BUFFER, whole, nullptr, gl::STREAM_READ);
    buffer.size = whole;
  }
  gl_.read_pixels(0, 0, reading.size.width, reading.size.height, order_, gl::UNSIGNED_BYTE,
                  nullptr);
  buffer.fence = gl_.fence_sync(gl::SYNC_GPU_COMMANDS_COMPLETE, 0);
  reading.step = Reading::READING;
}

void OpenGlTextures::start_reads_of_copies() {
  for (int turn = 0; turn < under_way_; ++turn) {
    Reading &reading = readings_[(oldest_ + turn) % ring_size];
    if (reading.step != Reading::COPYING || !passed(reading.buffer.fence)) continue;
    gl_.bind_framebuffer(gl::READ_FRAMEBUFFER, copy_framebuffer_);
    attach(gl::READ_FRAMEBUFFER, reading.copy);
    start_read(reading, copy_framebuffer_);
  }
}

void OpenGlTextures::attach(Enum framebuffer, Name texture) {
  gl_.framebuffer_texture(framebuffer, gl::COLOR_ATTACHMENT0, gl::TEXTURE_2D, texture, 0);
}

void OpenGlTextures::drop_fence(gl::Sync &fence) {
  if (fence == nullptr) return;
  gl_.delete_sync(fence);
  fence = nullptr;
}

// Whether the device has passed a fence; looks, and never waits. A fence that cannot be asked is as
// good as passed: its context is lost, and whatever is tried next says so.
bool OpenGlTextures::passed(gl::Sync &fence) {
  if (fence == nullptr) return true;
  if (gl_.client_wait_sync(fence, gl::SYNC_FLUSH_COMMANDS, 0) == gl::TIMEOUT_EXPIRED) return false;
  drop_fence(fence);
  return true;
}

bool draws_on_the_processor(const std::string &renderer) {
  for (const char *name : {"llvmpipe", "softpipe", "SwiftShader", "GDI Generic"}) {
    if (renderer.find(name) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

MadeTextures make_opengl_textures(int32_t pixel_format) {
  const gl::CurrentContext current_context = gl::find_current_context();
  if (current_context == nullptr) {
    return {device_error("OpenGL", "a context that is current on the event's thread", "none",
                         "Issue the event on the thread that renders, or use fb_submit."),
            nullptr};
  }
  gl::Functions functions;
  if (const std::string missing = gl::load(functions); !missing.empty()) {
    return {device_error("OpenGL", "the functions of OpenGL 3.3 or OpenGL ES 3.0", "no " + missing,
                         "Update the graphics driver, or use fb_submit."),
            nullptr};
  }
  const auto text = [&functions](Enum what) {
    const auto *found = reinterpret_cast<const char *>(functions.get_string(what));
    return std::string(found == nullptr ? "" : found);
  };
  const std::string version = text(gl::VERSION);
  const bool embedded = version.rfind("OpenGL ES", 0) == 0;
  Int major = 0;
  Int minor = 0;
  functions.get_integers(gl::MAJOR_VERSION, &major);
  functions.get_integers(gl::MINOR_VERSION, &minor);
  const int number = major * 10 + minor;
  if (number < (embedded ? 30 : 33)) {
    return {device_error("OpenGL", "3.3 or ES 3.0, or later", version,
                         "Ask for a newer context, or use fb_submit."),
            nullptr};
  }
  if (embedded && pixel_format == FB_BGRA8) {
    return {device_error("OpenGL ES", "a client of FB_RGBA8 frames, which it reads and writes",
                         "FB_BGRA8", "Create the client with FB_RGBA8."),
            nullptr};
  }
  if (embedded && number < 31) functions.get_tex_level = nullptr;  // the driver knows more
  return {{},
          std::make_unique<OpenGlTextures>(functions, current_context,
                                           pixel_format == FB_BGRA8 ? gl::BGRA : gl::RGBA, embedded,
                                           draws_on_the_processor(text(gl::RENDERER)))};
}

}  // namespace framebridge
