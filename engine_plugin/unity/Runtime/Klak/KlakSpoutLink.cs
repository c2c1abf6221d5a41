#if FRAMEBRIDGE_KLAK_SPOUT
using Klak.Spout;
using UnityEngine;

namespace Framebridge {

// KlakSpout carries the pixels (Windows). Both components belong on the same object; the bridge
// listens to the sender's name and answers under the receiver's.
[AddComponentMenu("Framebridge/KlakSpout Link")]
[RequireComponent(typeof(SpoutSender), typeof(SpoutReceiver))]
public sealed class KlakSpoutLink : PixelLink
{
    public override string Transport { get { return "KlakSpout"; } }

    protected override void Send(RenderTexture frame)
    {
        var sender = GetComponent<SpoutSender>();
        sender.captureMethod = CaptureMethod.Texture;
        sender.sourceTexture = frame;
    }

    protected override Texture Received { get { return GetComponent<SpoutReceiver>().receivedTexture; } }
}

} // namespace Framebridge
#endif
