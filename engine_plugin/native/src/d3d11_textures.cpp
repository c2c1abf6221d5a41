#include "d3d11_textures.h"

#include <d3d11.h>

#include <array>
#include <cstdio>
#include <utility>

namespace framebridge {
namespace {

// A counted reference to an object of Direct3D.
template <typename Object>
class Counted {
 public:
  Counted() = default;
  ~Counted() { reset(); }
  Counted(const Counted &) = delete;
  Counted &operator=(const Counted &) = delete;

  void reset() {
    if (object_ != nullptr) object_->Release();
    object_ = nullptr;
  }
  Object **put() {
    reset();
    return &object_;
  }
  Object *get() const { return object_; }
  Object *operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  Object *object_ = nullptr;
};

constexpr const char *copy_first =
    "Copy it into a render texture of 8-bit RGBA or BGRA, without multisampling, and pass that.";

std::string hex(HRESULT result) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08lX", static_cast<unsigned long>(result));
  return text;
}

bool is_lost(HRESULT result) {
  return result == DXGI_ERROR_DEVICE_REMOVED || result == DXGI_ERROR_DEVICE_RESET ||
         result == DXGI_ERROR_DEVICE_HUNG;
}

// The order of channels in memory, where it is one of ours.
bool order_of(DXGI_FORMAT format, int32_t &pixel_format) {
  switch (format) {
    case DXGI_FORMAT_R8G8B8A8_TYPELESS:
    case DXGI_FORMAT_R8G8B8A8_UNORM:
    case DXGI_FORMAT_R8G8B8A8_UNORM_SRGB:
      pixel_format = FB_RGBA8;
      return true;
    case DXGI_FORMAT_B8G8R8A8_TYPELESS:
    case DXGI_FORMAT_B8G8R8A8_UNORM:
    case DXGI_FORMAT_B8G8R8A8_UNORM_SRGB:
      pixel_format = FB_BGRA8;
      return true;
    default:
      return false;
  }
}

const char *name_of(int32_t pixel_format) {
  return pixel_format == FB_BGRA8 ? "FB_BGRA8" : "FB_RGBA8";
}

struct Reading {
  Counted<ID3D11Texture2D> staging;
  Size staging_size;
  DXGI_FORMAT staging_format = DXGI_FORMAT_UNKNOWN;
  Size size;
  uint64_t frame_id = 0;
  uint64_t since_ns = 0;
};

class D3d11Textures final : public DeviceTextures {
 public:
  D3d11Textures(ID3D11Device *device, int32_t pixel_format) : pixel_format_(pixel_format) {
    device->AddRef();
    *device_.put() = device;
    device->GetImmediateContext(context_.put());
  }

  // An object of a device that is gone is still an object; it may be given back at any time.
  bool is_current() const override { return !lost_; }
  void enter() override {}
  void leave() override {}
  bool can_read() const override { return under_way_ < ring_size; }
  Outcome begin_reading(void *texture, const Size &size, uint64_t frame_id,
                        uint64_t since_ns) override;
  Outcome map_oldest(Readback &readback) override;
  void give_back_oldest() override;
  // The context keeps a copy of what it is given until the device has taken it.
  bool can_write() override { return true; }
  Outcome write(void *texture, const Size &size, const void *pixels, int64_t stride) override;
  void abandon() override {}

 private:
  Outcome look_at(const char *place, void *texture, const Size &size,
                  Counted<ID3D11Texture2D> &found, D3D11_TEXTURE2D_DESC &description);
  Outcome make_staging(Reading &reading, DXGI_FORMAT format);
  Outcome failed(const char *what, HRESULT result);
  void drop_oldest();

  Counted<ID3D11Device> device_;
  Counted<ID3D11DeviceContext> context_;
  int32_t pixel_format_;
  std::array<Reading, ring_size> readings_;
  int oldest_ = 0;
  int under_way_ = 0;
  bool lost_ = false;
};

Outcome D3d11Textures::begin_reading(void *texture, const Size &size, uint64_t frame_id,
                                     uint64_t since_ns) {
  Counted<ID3D11Texture2D> source;
  D3D11_TEXTURE2D_DESC description;
  Outcome outcome = look_at("source", texture, size, source, description);
  if (outcome.failed()) return outcome;
  Reading &reading = readings_[(oldest_ + under_way_) % ring_size];
  reading.size = size;
  reading.frame_id = frame_id;
  reading.since_ns = since_ns;
  outcome = make_staging(reading, description.Format);
  if (outcome.failed()) return outcome;
  context_->CopySubresourceRegion(reading.staging.get(), 0, 0, 0, 0, source.get(), 0, nullptr);
  ++under_way_;
  return {};
}

Outcome D3d11Textures::map_oldest(Readback &readback) {
  if (under_way_ == 0) return {FB_NOTHING, {}};
  Reading &reading = readings_[oldest_];
  D3D11_MAPPED_SUBRESOURCE mapped{};
  const HRESULT result =
      context_->Map(reading.staging.get(), 0, D3D11_MAP_READ, D3D11_MAP_FLAG_DO_NOT_WAIT, &mapped);
  if (result == DXGI_ERROR_WAS_STILL_DRAWING) return {FB_NOTHING, {}};
  if (FAILED(result)) {
    drop_oldest();
    return failed("to map a staging texture", result);
  }
  readback.pixels = mapped.pData;
  readback.stride = mapped.RowPitch;
  readback.size = reading.size;
  readback.frame_id = reading.frame_id;
  readback.since_ns = reading.since_ns;
  return {};
}

void D3d11Textures::give_back_oldest() {
  context_->Unmap(readings_[oldest_].staging.get(), 0);
  drop_oldest();
}

void D3d11Textures::drop_oldest() {
  oldest_ = (oldest_ + 1) % ring_size;
  --under_way_;
}

Outcome D3d11Textures::write(void *texture, const Size &size, const void *pixels, int64_t stride) {
  Counted<ID3D11Texture2D> target;
  D3D11_TEXTURE2D_DESC description;
  Outcome outcome = look_at("target", texture, size, target, description);
  if (outcome.failed()) return outcome;
  if (description.Usage == D3D11_USAGE_DEFAULT) {
    context_->UpdateSubresource(target.get(), 0, nullptr, pixels, static_cast<UINT>(stride), 0);
    return {};
  }
  if (description.Usage != D3D11_USAGE_DYNAMIC || description.MipLevels != 1) {
    return texture_error("target", "a texture that can be written",
                         "one that is immutable, or of several sizes in memory of its own",
                         "Make it a render texture, or one that is not fixed after loading.");
  }
  D3D11_MAPPED_SUBRESOURCE mapped{};
  const HRESULT result = context_->Map(target.get(), 0, D3D11_MAP_WRITE_DISCARD, 0, &mapped);
  if (FAILED(result)) return failed("to map the target", result);
  copy_rows(mapped.pData, mapped.RowPitch, pixels, stride, row_bytes(size), size.height);
  context_->Unmap(target.get(), 0);
  return {};
}

// The two-dimensional texture behind a pointer of the engine's, when it is one of ours.
Outcome D3d11Textures::look_at(const char *place, void *texture, const Size &size,
                               Counted<ID3D11Texture2D> &found, D3D11_TEXTURE2D_DESC &description) {
  if (FAILED(static_cast<IUnknown *>(texture)->QueryInterface(
          __uuidof(ID3D11Texture2D), reinterpret_cast<void **>(found.put())))) {
    return texture_error(place, "an ID3D11Texture2D", "another object", copy_first);
  }
  Counted<ID3D11Device> owner;
  found->GetDevice(owner.put());
  if (owner.get() != device_.get()) {
    return texture_error(place, "a texture of the engine's device", "one of another device",
                         "Pass the texture's native pointer of the device that renders.");
  }
  found->GetDesc(&description);
  const Size real{static_cast<int32_t>(description.Width),
                  static_cast<int32_t>(description.Height)};
  if (real != size) {
    return texture_error(place, "a texture of " + size.text() + " pixels, as the event says",
                         real.text(), "State the texture's own size in the event.");
  }
  int32_t order = 0;
  if (!order_of(description.Format, order) || description.SampleDesc.Count != 1) {
    return texture_error(place, "a texture of 8-bit RGBA or BGRA with one sample a pixel",
                         "DXGI format " + std::to_string(description.Format) + " with " +
                             std::to_string(description.SampleDesc.Count) + " samples",
                         copy_first);
  }
  if (order != pixel_format_) {
    return texture_error(
        place,
        std::string("channels in the order of the client's frames, ") + name_of(pixel_format_),
        name_of(order),
        std::string("Create the client with ") + name_of(order) +
            ", or make the texture in the other order.");
  }
  return {};
}

Outcome D3d11Textures::make_staging(Reading &reading, DXGI_FORMAT format) {
  if (reading.staging && reading.staging_size == reading.size && reading.staging_format == format) {
    return {};
  }
  D3D11_TEXTURE2D_DESC description{};
  description.Width = static_cast<UINT>(reading.size.width);
  description.Height = static_cast<UINT>(reading.size.height);
  description.MipLevels = 1;
  description.ArraySize = 1;
  description.Format = format;
  description.SampleDesc.Count = 1;
  description.Usage = D3D11_USAGE_STAGING;
  description.CPUAccessFlags = D3D11_CPU_ACCESS_READ;
  const HRESULT result = device_->CreateTexture2D(&description, nullptr, reading.staging.put());
  if (FAILED(result)) {
    return failed(("to make a staging texture of " + reading.size.text()).c_str(), result);
  }
  reading.staging_size = reading.size;
  reading.staging_format = format;
  return {};
}

// A lost device stays lost: the next event makes all anew, on the engine's new device.
Outcome D3d11Textures::failed(const char *what, HRESULT result) {
  lost_ = is_lost(result) || FAILED(device_->GetDeviceRemovedReason());
  return device_error(
      "Direct3D 11", what,
      lost_ ? "a lost device, " + hex(device_->GetDeviceRemovedReason()) : "error " + hex(result),
      lost_ ? "The driver was reset or updated; the engine has to begin anew."
            : "The device may have no memory left: use smaller frames.");
}

}  // namespace

MadeTextures make_d3d11_textures(void *device, int32_t pixel_format) {
  if (device == nullptr) {
    return {device_error("Direct3D 11", "the engine's ID3D11Device", "none",
                         "Wait for the first frame, or use fb_submit."),
            nullptr};
  }
  auto *real = static_cast<ID3D11Device *>(device);
  if (const HRESULT reason = real->GetDeviceRemovedReason(); FAILED(reason)) {
    return {device_error("Direct3D 11", "a device that works", "a lost one, " + hex(reason),
                         "The driver was reset or updated; the engine has to begin anew."),
            nullptr};
  }
  return {{}, std::make_unique<D3d11Textures>(real, pixel_format)};
}

}  // namespace framebridge
