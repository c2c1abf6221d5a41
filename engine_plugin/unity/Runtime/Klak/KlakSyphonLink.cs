#if FRAMEBRIDGE_KLAK_SYPHON
using Klak.Syphon;
using UnityEngine;

namespace Framebridge {

// KlakSyphon carries the pixels (macOS). Both components belong on the same object; the bridge
// listens to the server's name and answers under the client's.
[AddComponentMenu("Framebridge/KlakSyphon Link")]
[RequireComponent(typeof(SyphonServer), typeof(SyphonClient))]
public sealed class KlakSyphonLink : PixelLink
{
    public override string Transport { get { return "KlakSyphon"; } }

    protected override void Send(RenderTexture frame)
    {
        var server = GetComponent<SyphonServer>();
        // Each of these starts the server anew, so only when something has changed.
        if (server.CaptureMethod != CaptureMethod.Texture) server.CaptureMethod = CaptureMethod.Texture;
        if (server.SourceTexture != frame) server.SourceTexture = frame;
    }

    protected override Texture Received { get { return GetComponent<SyphonClient>().Texture; } }
}

} // namespace Framebridge
#endif
