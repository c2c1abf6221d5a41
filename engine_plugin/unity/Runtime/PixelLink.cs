using UnityEngine;

namespace Framebridge {

// Something else than Framebridge's library that carries pixels to a bridge and back. It knows no
// frame ids: nothing is blended, delayed or counted, and the bridge is started by somebody else.
public abstract class PixelLink : MonoBehaviour
{
    RenderTexture _frame;

    // As the inspector shows it.
    public abstract string Transport { get; }

    // Publish a frame. The texture is the same until the size changes.
    protected abstract void Send(RenderTexture frame);

    // The result that came last; null before the first.
    protected abstract Texture Received { get; }

    RenderTexture _shown;

    internal RenderTexture Begin(int width, int height)
    {
        if (_frame == null || _frame.width != width || _frame.height != height)
        {
            Internal.Textures.Destroy(_frame);
            _frame = Internal.Textures.NewTarget(width, height, "Framebridge source");
        }
        return _frame;
    }

    internal RenderTexture End()
    {
        if (_frame != null) Send(_frame);
        var received = Received;
        if (received == null) return null;
        if (_shown == null || _shown.width != received.width || _shown.height != received.height)
        {
            Internal.Textures.Destroy(_shown);
            _shown = Internal.Textures.NewTarget(received.width, received.height, "Framebridge output");
        }
        Graphics.Blit(received, _shown);
        return _shown;
    }

    protected virtual void OnDisable()
    {
        Internal.Textures.Destroy(_frame);
        Internal.Textures.Destroy(_shown);
        _frame = _shown = null;
    }
}

} // namespace Framebridge
