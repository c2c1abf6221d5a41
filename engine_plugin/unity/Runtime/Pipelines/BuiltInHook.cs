using Framebridge.Internal;
using UnityEngine;
using UnityEngine.Rendering;

namespace Framebridge {

// The built-in pipeline's hook: OnRenderImage on the camera's own object. It is put there by the
// filter, is not seen and not saved.
[ExecuteInEditMode]
[AddComponentMenu("")]
sealed class BuiltInHook : MonoBehaviour
{
    NeuralFilter _filter;
    CommandBuffer _commands;

    // Have a filter called by a camera, and by no other; null: by none. Other pipelines call by
    // themselves.
    internal static void Attach(NeuralFilter filter, Camera camera)
    {
        if (GraphicsSettings.currentRenderPipeline != null) camera = null;
        var hook = filter.hook;
        if (hook != null && camera != null && hook.gameObject == camera.gameObject) return;
        Textures.Destroy(hook);
        filter.hook = null;
        if (camera == null) return;
        hook = camera.gameObject.AddComponent<BuiltInHook>();
        hook.hideFlags = HideFlags.HideAndDontSave;
        hook._filter = filter;
        filter.hook = hook;
    }

    void OnRenderImage(RenderTexture source, RenderTexture destination)
    {
        RenderTexture shown = null;
        if (_filter != null && _filter.isActiveAndEnabled)
        {
            if (_commands == null) _commands = new CommandBuffer { name = "Framebridge" };
            _commands.Clear();
            var capture = _filter.BeginFrame(source.width, source.height);
            if (capture != null) _commands.Blit(source, capture);
            shown = _filter.EndFrame(_commands, true);
            Graphics.ExecuteCommandBuffer(_commands);
        }
        if (shown != null) Graphics.Blit(shown, destination);
        else Graphics.Blit(source, destination);
    }

    // One that has outlived its filter, as a domain reload may have it.
    void LateUpdate()
    {
        if (_filter == null) Textures.Destroy(this);
    }

    void OnDestroy()
    {
        if (_commands != null) _commands.Release();
        _commands = null;
    }
}

// The hook that a filter has put on its camera.
partial class NeuralFilter
{
    internal BuiltInHook hook { get; set; }
}

} // namespace Framebridge
