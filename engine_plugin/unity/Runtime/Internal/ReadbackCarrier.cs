using System;
using System.Collections.Generic;
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;
using UnityEngine;
using UnityEngine.Rendering;

namespace Framebridge.Internal {

// Where the library does not know the device (Vulkan, Metal, Direct3D 12): the engine reads frames
// back without a stall, and uploads results.
sealed class ReadbackCarrier : ICarrier
{
    const int MostInFlight = 4;

    sealed class Request
    {
        internal ulong id;
        internal int width, height;
        internal Action<AsyncGPUReadbackRequest> then; // made once, so that a frame allocates nothing
    }

    readonly Client _client;
    readonly TexturePool _pool = new TexturePool(Textures.NewUpload);
    readonly Stack<Request> _idle = new Stack<Request>();
    int _inFlight;
    bool _disposed;

    internal ReadbackCarrier(Client client)
    {
        _client = client;
        Unfit = SystemInfo.supportsAsyncGPUReadback ? "" :
            "This graphics device cannot be read without waiting. Choose another graphics API.";
    }

    public string Name { get { return "readback"; } }
    public string Unfit { get; private set; }
    public bool Behind { get { return false; } }

    public bool Exchange(CommandBuffer commands, Capture frame)
    {
        if (frame == null) return true;
        if (Unfit != "" || _inFlight >= MostInFlight) return false;
        var request = _idle.Count > 0 ? _idle.Pop() : NewRequest();
        request.id = frame.id;
        request.width = frame.picture.Width;
        request.height = frame.picture.Height;
        _inFlight++;
        commands.RequestAsyncReadback(frame.picture.texture, request.then);
        return true;
    }

    Request NewRequest()
    {
        var request = new Request();
        request.then = answer => Send(request, answer);
        return request;
    }

    unsafe void Send(Request request, AsyncGPUReadbackRequest answer)
    {
        _inFlight--;
        _idle.Push(request);
        if (_disposed || answer.hasError) return;
        var pixels = answer.GetData<byte>();
        if (pixels.Length < (long)request.width * request.height * 4) return;
        var frame = new fb_frame();
        frame.size = Native.SizeOf<fb_frame>();
        frame.width = request.width;
        frame.height = request.height;
        frame.frame_id = request.id;
        frame.pixels = (IntPtr)NativeArrayUnsafeUtility.GetUnsafeReadOnlyPtr(pixels);
        ulong id;
        Native.fb_submit(_client.Handle, ref frame, out id);
    }

    public bool Take(out Arrival arrival)
    {
        arrival = new Arrival();
        var result = new fb_result();
        result.size = Native.SizeOf<fb_result>();
        result.format.size = Native.SizeOf<fb_format>();
        while (Native.fb_poll(_client.Handle, ref result) == Fb.Ok)
        {
            if (result.origin != Fb.FromBridge || result.stride != 4L * result.format.width) continue;
            var picture = _pool.Rent(result.format.width, result.format.height);
            if (picture == null) continue;
            var upload = (Texture2D)picture.texture;
            upload.LoadRawTextureData(result.pixels, result.format.width * result.format.height * 4);
            upload.Apply(false, false);
            arrival.id = result.frame_id;
            arrival.picture = picture;
            return true;
        }
        return false;
    }

    public void Return(GpuTexture picture) { _pool.Return(picture); }

    public void Nudge() { AsyncGPUReadback.WaitAllRequests(); }

    public void Dispose()
    {
        _disposed = true;
        if (_inFlight > 0) AsyncGPUReadback.WaitAllRequests();
        _pool.Dispose();
    }
}

} // namespace Framebridge.Internal
