#if FRAMEBRIDGE_HDRP
using System;
using UnityEngine;
using UnityEngine.Rendering;
using UnityEngine.Rendering.HighDefinition;

namespace Framebridge {

// HDRP's hook: a custom pass, to be added to a Custom Pass Volume whose injection point is After Post
// Process. It serves every camera that has a NeuralFilter.
[Serializable]
public sealed class NeuralFilterPass : CustomPass
{
    RTHandle _capture, _shown;

    protected override void Execute(CustomPassContext context)
    {
        var filter = NeuralFilter.Of(context.hdCamera.camera);
        if (filter == null) return;
        var capture = filter.BeginFrame(context.hdCamera.actualWidth, context.hdCamera.actualHeight);
        // HDRP's own buffers are texture arrays, which CommandBuffer.Blit does not read.
        if (capture != null)
            HDUtils.BlitCameraTexture(context.cmd, context.cameraColorBuffer, Handle(ref _capture, capture));
        var shown = filter.EndFrame(context.cmd, false);
        if (shown != null)
            Blitter.BlitCameraTexture2D(context.cmd, Handle(ref _shown, shown), context.cameraColorBuffer);
    }

    protected override void Cleanup()
    {
        RTHandles.Release(_capture);
        RTHandles.Release(_shown);
        _capture = _shown = null;
    }

    static RTHandle Handle(ref RTHandle handle, RenderTexture texture)
    {
        if (handle != null && handle.rt == texture) return handle;
        RTHandles.Release(handle);
        handle = RTHandles.Alloc(texture);
        return handle;
    }
}

} // namespace Framebridge
#endif
