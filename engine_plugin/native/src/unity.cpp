// Unity's plugin interface: which graphics device the engine has, and the function of its render
// events. Its few structs are declared here as its documentation describes them.
#include <framebridge.h>

#include <atomic>

#include "opengl.h"
#include "render_events.h"
#ifdef _WIN32
#include "d3d11_textures.h"
#endif

// What UnityPluginLoad is given. Its first two functions take identifiers by value and are left
// alone; these take their halves.
struct IUnityInterfaces {
  void *unused[2];
  void *(FB_CALL *get_interface)(unsigned long long high, unsigned long long low);
  void *unused_either;
};

namespace framebridge {
namespace {

enum DeviceEvent { INITIALIZE = 0, SHUTDOWN = 1, BEFORE_RESET = 2, AFTER_RESET = 3 };

// As Unity numbers what it draws with.
enum Renderer {
  NO_ENGINE = -1,  // no Unity: whatever context is current when an event comes
  D3D11 = 2,
  NO_DEVICE = 4,
  OPENGL_ES_3 = 11,
  METAL = 16,
  OPENGL_CORE = 17,
  D3D12 = 18,
  VULKAN = 21
};

using DeviceCallback = void(FB_CALL *)(int event);

struct UnityGraphics {
  int(FB_CALL *get_renderer)();
  void(FB_CALL *register_callback)(DeviceCallback callback);
  void(FB_CALL *unregister_callback)(DeviceCallback callback);
  int(FB_CALL *reserve_event_ids)(int count);
};

struct UnityGraphicsD3d11 {
  void *(FB_CALL *get_device)();
};

std::atomic<IUnityInterfaces *> interfaces{nullptr};
std::atomic<UnityGraphics *> graphics{nullptr};
std::atomic<int> renderer{NO_ENGINE};

void FB_CALL on_device_event(int event) {
  UnityGraphics *const engine = graphics;
  if (event == INITIALIZE && engine != nullptr) {
    renderer = engine->get_renderer();
  } else if (event == SHUTDOWN) {
    give_back_all();
    renderer = NO_DEVICE;
  } else if (event == BEFORE_RESET) {
    give_back_all();
  }
}

std::string name_of(int number) {
  switch (number) {
    case METAL:
      return "Metal";
    case D3D12:
      return "Direct3D 12";
    case VULKAN:
      return "Vulkan";
    case NO_DEVICE:
      return "no graphics device";
    default:
      return "renderer " + std::to_string(number);
  }
}

#ifdef _WIN32
MadeTextures make_for_d3d11(int32_t pixel_format) {
  IUnityInterfaces *const engine = interfaces;
  auto *found = engine == nullptr ? nullptr
                                  : static_cast<UnityGraphicsD3d11 *>(engine->get_interface(
                                        0xAAB37EF87A87D748u, 0xBF76967F07EFB177u));
  return make_d3d11_textures(found == nullptr ? nullptr : found->get_device(), pixel_format);
}
#endif

}  // namespace

MadeTextures make_textures(int32_t pixel_format) {
  const int number = renderer;
  switch (number) {
    case NO_ENGINE:
    case OPENGL_ES_3:
    case OPENGL_CORE:
      return make_opengl_textures(pixel_format);
#ifdef _WIN32
    case D3D11:
      return make_for_d3d11(pixel_format);
#endif
    default:
      return {device_error("graphics device",
                           "OpenGL core 3.3, OpenGL ES 3 or Direct3D 11, whose textures are read "
                           "in place",
                           name_of(number),
                           "Send pixels: AsyncGPUReadback and fb_submit, then fb_poll; or choose "
                           "one of these in the player's graphics settings."),
              nullptr};
  }
}

}  // namespace framebridge

using framebridge::graphics;
using framebridge::interfaces;
using framebridge::renderer;

void FB_CALL UnityPluginLoad(IUnityInterfaces *loaded) {
  if (loaded == nullptr || loaded->get_interface == nullptr) return;
  auto *found = static_cast<framebridge::UnityGraphics *>(
      loaded->get_interface(0x7CBA0A9CA4DDB544u, 0x8C5AD4926EB17B11u));
  if (found == nullptr) return;
  interfaces = loaded;
  graphics = found;
  found->register_callback(framebridge::on_device_event);
  // The device may have been there before the callback was.
  framebridge::on_device_event(framebridge::INITIALIZE);
}

void FB_CALL UnityPluginUnload() {
  framebridge::UnityGraphics *const found = graphics.exchange(nullptr);
  if (found != nullptr) found->unregister_callback(framebridge::on_device_event);
  framebridge::give_back_all();
  interfaces = nullptr;
  renderer = framebridge::NO_ENGINE;
}

fb_render_function FB_CALL fb_render_event_function() { return framebridge::on_render_event; }
