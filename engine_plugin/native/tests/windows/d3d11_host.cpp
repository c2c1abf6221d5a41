/* Plays Unity's part with Direct3D 11: loads framebridge.dll, tells it of a device, issues render
 * events with live textures, and compares what comes back.
 *
 *   d3d11_host [FRAMES [MODEL RESULTS]]
 *
 * Without a model frames pass through unchanged, and each result has to be its own frame, byte for
 * byte. With one, RESULTS is written as tests/egl/egl_host.c does. FRAMEBRIDGE_TEST_START: how to
 * start a bridge; without it, it is found. Standard output: one line of JSON.
 */
#include <d3d11.h>
#include <framebridge.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int width = 64, height = 48, bars = 32, bar_row = 34, bar_height = 4;
constexpr int in_flight = 3, watchdog_ms = 290000, patience = 5000;
constexpr HRESULT lost = DXGI_ERROR_DEVICE_REMOVED;

using Pixels = std::vector<unsigned char>;

// Without ExitProcess: under Wine that may wait for ever, for threads of Direct3D that it has
// ended.
[[noreturn]] void leave(UINT status) {
  std::fflush(nullptr);
  TerminateProcess(GetCurrentProcess(), status);
  std::abort();
}

[[noreturn]] void fail(const std::string &what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  leave(1);
}

void expect(bool holds, const std::string &what) {
  if (!holds) fail(what);
}

void check(HRESULT result, const char *what) {
  if (FAILED(result)) fail(std::string(what) + ": " + std::to_string(result));
}

DWORD WINAPI watch(void *) {
  Sleep(watchdog_ms);
  fail("watchdog: it takes too long");
}

// The library's functions.
struct Plugin {
  decltype(&UnityPluginLoad) load;
  decltype(&UnityPluginUnload) unload;
  decltype(&fb_create) create;
  decltype(&fb_destroy) destroy;
  decltype(&fb_get_statistics) statistics;
  decltype(&fb_last_error) last_error;
  fb_render_function event;
} plugin;

template <typename Function>
void take(HMODULE library, const char *name, Function &function) {
  const FARPROC found = GetProcAddress(library, name);
  expect(found != nullptr, std::string("the library has no ") + name);
  std::memcpy(&function, &found, sizeof function);
}

std::string words(fb_client client) {
  char text[2048] = "";
  plugin.last_error(client, text, sizeof text);
  return text;
}

// The device, and what Unity gives to a plugin.
ID3D11Device *device;
ID3D11DeviceContext *context;

using DeviceCallback = void(FB_CALL *)(int event);
DeviceCallback callback;
int renderer = 2;  // Direct3D 11
bool has_device = true;

int FB_CALL get_renderer() { return renderer; }
void FB_CALL register_callback(DeviceCallback given) { callback = given; }
void FB_CALL unregister_callback(DeviceCallback) { callback = nullptr; }
int FB_CALL reserve_event_ids(int) { return 1000; }
ID3D11Device *FB_CALL get_device() { return has_device ? device : nullptr; }

struct Graphics {
  int(FB_CALL *renderer)() = get_renderer;
  void(FB_CALL *add)(DeviceCallback) = register_callback;
  void(FB_CALL *remove)(DeviceCallback) = unregister_callback;
  int(FB_CALL *reserve)(int) = reserve_event_ids;
} graphics;

struct GraphicsD3d11 {
  ID3D11Device *(FB_CALL *device)() = get_device;
} graphics_d3d11;

void *FB_CALL get_interface(unsigned long long high, unsigned long long low) {
  if (high == 0x7CBA0A9CA4DDB544u && low == 0x8C5AD4926EB17B11u) return &graphics;
  if (high == 0xAAB37EF87A87D748u && low == 0xBF76967F07EFB177u) return &graphics_d3d11;
  return nullptr;
}

struct Interfaces {
  void *by_value[2] = {};
  void *(FB_CALL *get)(unsigned long long, unsigned long long) = get_interface;
  void *more = nullptr;
} interfaces;

// What the library asks of the context that would wait; from between the two.
struct {
  bool on = false, loses_device = false;
  unsigned maps = 0, waits = 0;
} spied;

using Map = HRESULT(STDMETHODCALLTYPE *)(ID3D11DeviceContext *, ID3D11Resource *, UINT, D3D11_MAP,
                                         UINT, D3D11_MAPPED_SUBRESOURCE *);
Map real_map;

HRESULT STDMETHODCALLTYPE spy_map(ID3D11DeviceContext *self, ID3D11Resource *resource, UINT part,
                                  D3D11_MAP kind, UINT flags, D3D11_MAPPED_SUBRESOURCE *mapped) {
  if (spied.on) {
    ++spied.maps;
    const bool reads = kind == D3D11_MAP_READ || kind == D3D11_MAP_READ_WRITE;
    if (kind == D3D11_MAP_WRITE || (reads && (flags & D3D11_MAP_FLAG_DO_NOT_WAIT) == 0)) {
      ++spied.waits;
    }
    if (spied.loses_device) return lost;
  }
  return real_map(self, resource, part, kind, flags, mapped);
}

void begin_to_spy() {
  constexpr int place_of_map = 14;  // in ID3D11DeviceContext
  void **functions = *reinterpret_cast<void ***>(context);
  DWORD before = 0;
  VirtualProtect(functions + place_of_map, sizeof *functions, PAGE_EXECUTE_READWRITE, &before);
  std::memcpy(&real_map, functions + place_of_map, sizeof real_map);
  const Map ours = spy_map;
  std::memcpy(functions + place_of_map, &ours, sizeof ours);
}

void make_device() {
  for (const D3D_DRIVER_TYPE kind : {D3D_DRIVER_TYPE_HARDWARE, D3D_DRIVER_TYPE_WARP}) {
    if (SUCCEEDED(D3D11CreateDevice(nullptr, kind, nullptr, 0, nullptr, 0, D3D11_SDK_VERSION,
                                    &device, nullptr, &context))) {
      return;
    }
  }
  std::fprintf(stderr, "no Direct3D 11 here\n");
  leave(3);
}

struct Kind {
  DXGI_FORMAT format = DXGI_FORMAT_R8G8B8A8_UNORM;
  D3D11_USAGE usage = D3D11_USAGE_DEFAULT;
  int width = ::width, height = ::height;
  UINT samples = 1;
};

ID3D11Texture2D *make_texture(const Kind &kind) {
  D3D11_TEXTURE2D_DESC description{};
  description.Width = static_cast<UINT>(kind.width);
  description.Height = static_cast<UINT>(kind.height);
  description.MipLevels = description.ArraySize = 1;
  description.Format = kind.format;
  description.SampleDesc.Count = kind.samples;
  description.Usage = kind.usage;
  description.BindFlags = D3D11_BIND_SHADER_RESOURCE;
  if (kind.usage == D3D11_USAGE_DEFAULT) description.BindFlags |= D3D11_BIND_RENDER_TARGET;
  if (kind.usage == D3D11_USAGE_DYNAMIC) description.CPUAccessFlags = D3D11_CPU_ACCESS_WRITE;
  const Pixels zeros(static_cast<size_t>(kind.width * kind.height * 16));
  D3D11_SUBRESOURCE_DATA first{};
  first.pSysMem = zeros.data();
  first.SysMemPitch = static_cast<UINT>(kind.width * 16);
  ID3D11Texture2D *texture = nullptr;
  check(device->CreateTexture2D(&description, kind.samples == 1 ? &first : nullptr, &texture),
        "CreateTexture2D");
  return texture;
}

Pixels pixels_of(ID3D11Texture2D *texture) {
  D3D11_TEXTURE2D_DESC description;
  texture->GetDesc(&description);
  description.Usage = D3D11_USAGE_STAGING;
  description.BindFlags = 0;
  description.CPUAccessFlags = D3D11_CPU_ACCESS_READ;
  ID3D11Texture2D *staging = nullptr;
  check(device->CreateTexture2D(&description, nullptr, &staging), "CreateTexture2D");
  context->CopyResource(staging, texture);
  D3D11_MAPPED_SUBRESOURCE mapped;
  check(context->Map(staging, 0, D3D11_MAP_READ, 0, &mapped), "Map");
  const size_t row = description.Width * 4u;
  Pixels pixels(row * description.Height);
  for (UINT y = 0; y < description.Height; ++y) {
    std::memcpy(&pixels[y * row], static_cast<char *>(mapped.pData) + y * mapped.RowPitch, row);
  }
  context->Unmap(staging, 0);
  staging->Release();
  return pixels;
}

// Of numbered bars, ramps, and corners of which no two are the same; rows from the top, RGBA.
Pixels frame(uint64_t id) {
  Pixels pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool bar = y >= bar_row && y < bar_row + bar_height;
      const auto shade = static_cast<unsigned char>(id >> (x * bars / width) & 1 ? 255 : 0);
      const unsigned char own[] = {
          static_cast<unsigned char>(x * 4), static_cast<unsigned char>(y * 5),
          static_cast<unsigned char>(255 - x * 3), static_cast<unsigned char>(255 - y)};
      const unsigned char barred[] = {shade, shade, shade, 255};
      pixels.insert(pixels.end(), bar ? barred : own, (bar ? barred : own) + 4);
    }
  }
  return pixels;
}

void draw(ID3D11Texture2D *texture, const Pixels &pixels) {
  context->UpdateSubresource(texture, 0, nullptr, pixels.data(), width * 4, 0);
}

fb_client start(const char *model, int pixel_format, bool waits) {
  static std::string start_command;
  const char *given = std::getenv("FRAMEBRIDGE_TEST_START");
  start_command = given == nullptr ? "" : given;
  fb_options options{};
  options.size = sizeof options;
  options.abi_version = FB_ABI_VERSION;
  options.source.size = sizeof options.source;
  options.source.width = width;
  options.source.height = height;
  options.source.pixel_format = pixel_format;
  options.model = model;
  options.client_name = "d3d11 host";
  options.policy = FB_LOCKSTEP;
  options.every = 1;
  options.when_gone = waits ? FB_HOLD : FB_PASS_THROUGH;
  if (waits && !start_command.empty()) options.start_command = start_command.c_str();
  fb_client client = 0;
  if (plugin.create(&options, &client) != FB_OK) fail("fb_create: " + words(0));
  fb_statistics statistics{};
  statistics.size = sizeof statistics;
  while (waits && statistics.state != FB_LIVE) {
    Sleep(5);
    plugin.statistics(client, &statistics);
    if (statistics.state == FB_FAILED) fail(words(client));
  }
  return client;
}

fb_render_event event_of(fb_client client, void *source, void *target) {
  fb_render_event event{};
  event.size = sizeof event;
  event.status = 99;
  event.client = client;
  event.source = source;
  event.target = target;
  event.width = event.target_width = width;
  event.height = event.target_height = height;
  return event;
}

fb_status issue(fb_render_event &event) {
  spied.on = true;
  plugin.event(FB_EVENT_FRAME, &event);
  spied.on = false;
  context->Flush();  // as presenting does
  return event.status;
}

void end(fb_client client) {
  fb_render_event event = event_of(client, nullptr, nullptr);
  plugin.event(FB_EVENT_CLOSE, &event);
  expect(event.status == FB_OK, "it does not close");
  expect(plugin.destroy(client) == FB_OK, "it is not destroyed");
}

// Send frames and compare, or keep, what the target shows. Returns how many results came.
int play(int frames, const char *model, int pixel_format, DXGI_FORMAT format, D3D11_USAGE usage,
         std::FILE *results) {
  const fb_client client = start(model, pixel_format, true);
  ID3D11Texture2D *source = make_texture({format});
  ID3D11Texture2D *target = nullptr;
  fb_render_event event = event_of(client, source, nullptr);
  uint64_t drawn = 0, last = 0;
  int count = 0;
  while (count < frames) {
    const bool draws =
        drawn < static_cast<uint64_t>(frames) && drawn - static_cast<uint64_t>(count) < in_flight;
    if (draws) draw(source, frame(++drawn));
    event.source = draws ? source : nullptr;
    event.frame_id = draws ? drawn : 0;
    event.target = target;
    if (issue(event) < 0) fail("status " + std::to_string(event.status) + ": " + words(client));
    expect(event.status != FB_SKIPPED, "a frame was skipped");
    if (event.result_width > 0 && (target == nullptr || event.target_width != event.result_width ||
                                   event.target_height != event.result_height)) {
      if (target != nullptr) target->Release();
      target = make_texture({format, usage, event.result_width, event.result_height});
      event.target_width = event.result_width;
      event.target_height = event.result_height;
    } else if (target != nullptr && event.result_id > last) {
      expect(event.origin == FB_FROM_BRIDGE, "it is not from the bridge");
      expect(event.result_id == last + 1, "a frame is missing");
      last = event.result_id;
      ++count;
      const Pixels pixels = pixels_of(target);
      if (results == nullptr) {
        expect(pixels == frame(last), "frame " + std::to_string(last) + " has changed");
      } else {
        const uint32_t head[] = {0, static_cast<uint32_t>(event.target_width),
                                 static_cast<uint32_t>(event.target_height)};
        std::fwrite(&last, sizeof last, 1, results);
        std::fwrite(head, sizeof head, 1, results);
        std::fwrite(pixels.data(), 1, pixels.size(), results);
      }
    }
    Sleep(1);
  }
  end(client);
  source->Release();
  target->Release();
  return count;
}

// An event that has to be refused so, with words that hold `part`.
void refused(fb_render_event event, fb_status status, const std::string &part) {
  issue(event);
  const std::string said = words(0);
  if (event.status != status || said.find(part) == std::string::npos) {
    fail("status " + std::to_string(event.status) + ", expected " + std::to_string(status) +
         "; words '" + said + "', expected '" + part + "' in them");
  }
}

// A frame that passes through, since there is no bridge.
void passes(fb_client client, ID3D11Texture2D *source, ID3D11Texture2D *target,
            const Pixels &expected) {
  fb_render_event event = event_of(client, source, target);
  expect(issue(event) >= 0, "a frame: " + words(0));
  event.source = nullptr;
  for (int turn = 0; turn < patience; ++turn) {
    expect(issue(event) >= 0, "its result: " + words(0));
    if (event.result_id != 0 && pixels_of(target) == expected) return;
    Sleep(1);
  }
  fail("the target never shows the source");
}

// A frame whose result cannot be written into the target.
void refused_target(fb_client client, ID3D11Texture2D *source, ID3D11Texture2D *target) {
  fb_render_event event = event_of(client, source, target);
  for (int turn = 0; turn < patience && issue(event) >= 0; ++turn) {
    event.source = nullptr;
    Sleep(1);
  }
  refused(event_of(client, nullptr, target), FB_ERROR_FORMAT, "target");
}

template <typename Object>
void let_go(Object *object) {
  object->Release();
}

void textures_that_cannot_be_used() {
  const fb_client client = start("passthrough", FB_RGBA8, false);
  ID3D11Texture2D *good = make_texture({});
  const Pixels picture = frame(7);
  draw(good, picture);
  const Kind kinds[] = {{DXGI_FORMAT_R16G16B16A16_FLOAT},
                        {DXGI_FORMAT_R8_UNORM},
                        {DXGI_FORMAT_R8G8B8A8_UNORM, D3D11_USAGE_DEFAULT, width, height, 4}};
  for (const Kind &kind : kinds) {
    ID3D11Texture2D *texture = make_texture(kind);
    refused(event_of(client, texture, nullptr), FB_ERROR_FORMAT, "8-bit RGBA");
    let_go(texture);
  }
  ID3D11Texture2D *swapped = make_texture({DXGI_FORMAT_B8G8R8A8_UNORM});
  refused(event_of(client, swapped, nullptr), FB_ERROR_FORMAT, "FB_BGRA8");
  let_go(swapped);

  D3D11_BUFFER_DESC description{};
  description.ByteWidth = 64;
  description.BindFlags = D3D11_BIND_VERTEX_BUFFER;
  ID3D11Buffer *buffer = nullptr;
  check(device->CreateBuffer(&description, nullptr, &buffer), "CreateBuffer");
  refused(event_of(client, buffer, nullptr), FB_ERROR_FORMAT, "ID3D11Texture2D");
  let_go(buffer);

  fb_render_event event = event_of(client, good, nullptr);
  event.width = 32;
  refused(event, FB_ERROR_FORMAT, "64 x 48");
  event.width = 0;
  refused(event, FB_ERROR_ARGUMENT, "16384");
  refused(event_of(client + 512, good, nullptr), FB_ERROR_HANDLE, "client");

  // Each usage and format that a target may have, and the source destroyed before it is read.
  const Kind targets[] = {{DXGI_FORMAT_R8G8B8A8_UNORM, D3D11_USAGE_DYNAMIC},
                          {DXGI_FORMAT_R8G8B8A8_UNORM_SRGB},
                          {DXGI_FORMAT_R8G8B8A8_TYPELESS}};
  for (const Kind &kind : targets) {
    ID3D11Texture2D *target = make_texture(kind);
    passes(client, good, target, picture);
    let_go(target);
  }
  ID3D11Texture2D *fixed = make_texture({DXGI_FORMAT_R8G8B8A8_UNORM, D3D11_USAGE_IMMUTABLE});
  refused_target(client, good, fixed);
  let_go(fixed);
  ID3D11Texture2D *target = make_texture({});
  event = event_of(client, good, nullptr);
  expect(issue(event) >= 0, "a frame");
  let_go(good);
  good = make_texture({});
  draw(good, frame(8));
  passes(client, good, target, frame(8));
  ID3D11Texture2D *small = make_texture({DXGI_FORMAT_R8G8B8A8_UNORM, D3D11_USAGE_DEFAULT, 8, 8});
  event = event_of(client, nullptr, small);
  event.target_width = event.target_height = 8;
  expect(issue(event) == FB_NOTHING && event.result_width == width, "a target that is too small");
  let_go(small);

  // The device is lost and is there again.
  event = event_of(client, good, target);
  expect(issue(event) >= 0, "a frame");
  spied.loses_device = true;
  refused(event_of(client, good, target), FB_ERROR_GRAPHICS, "lost");
  spied.loses_device = false;
  passes(client, good, target, frame(8));
  has_device = false;
  callback(1);
  callback(0);
  refused(event_of(client, good, target), FB_ERROR_GRAPHICS, "ID3D11Device");
  has_device = true;
  passes(client, good, target, frame(8));
  callback(1);
  renderer = 18;
  callback(0);
  refused(event_of(client, good, target), FB_ERROR_GRAPHICS, "Direct3D 12");
  renderer = 2;
  callback(0);
  end(client);
  let_go(good);
  let_go(target);
}

}  // namespace

int main(int count, char **arguments) {
  const int frames = count > 1 ? std::atoi(arguments[1]) : 300;
  CreateThread(nullptr, 0, watch, nullptr, 0, nullptr);
  const HMODULE library = LoadLibraryW(L"framebridge.dll");
  if (library == nullptr) fail("framebridge.dll is not beside the program");
  take(library, "UnityPluginLoad", plugin.load);
  take(library, "UnityPluginUnload", plugin.unload);
  take(library, "fb_create", plugin.create);
  take(library, "fb_destroy", plugin.destroy);
  take(library, "fb_get_statistics", plugin.statistics);
  take(library, "fb_last_error", plugin.last_error);
  decltype(&fb_render_event_function) get_event = nullptr;
  take(library, "fb_render_event_function", get_event);
  plugin.event = get_event();

  make_device();
  begin_to_spy();
  plugin.load(reinterpret_cast<IUnityInterfaces *>(&interfaces));
  expect(callback != nullptr, "no callback is registered");

  int results = 0;
  if (count > 3) {
    std::FILE *file = std::fopen(arguments[3], "wb");
    expect(file != nullptr, "the results cannot be written");
    results =
        play(frames, arguments[2], FB_RGBA8, DXGI_FORMAT_R8G8B8A8_UNORM, D3D11_USAGE_DEFAULT, file);
    std::fclose(file);
  } else {
    textures_that_cannot_be_used();
    results = play(frames, "passthrough", FB_RGBA8, DXGI_FORMAT_R8G8B8A8_UNORM_SRGB,
                   D3D11_USAGE_DEFAULT, nullptr);
    results +=
        play(20, "passthrough", FB_BGRA8, DXGI_FORMAT_B8G8R8A8_UNORM, D3D11_USAGE_DYNAMIC, nullptr);
  }
  expect(spied.maps > 0, "the library has not been watched");
  expect(spied.waits == 0, "it may wait: Map without D3D11_MAP_FLAG_DO_NOT_WAIT");
  callback(1);
  plugin.unload();
  expect(callback == nullptr, "the callback is still registered");
  std::printf("{\"results\": %d, \"maps\": %u, \"waits\": %u}\n", results, spied.maps, spied.waits);
  leave(0);
}
