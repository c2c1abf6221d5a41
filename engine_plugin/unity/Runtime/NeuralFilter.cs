using System.Collections;
using Framebridge.Internal;
using UnityEngine;
using UnityEngine.Rendering;

namespace Framebridge {

// Takes frames of a camera, the game view or a texture through a model, and shows the results. The
// application never waits for them, but under FramePolicy.Lockstep.
[ExecuteInEditMode]
[DisallowMultipleComponent]
[AddComponentMenu("Framebridge/Neural Filter")]
public sealed partial class NeuralFilter : MonoBehaviour
{
    Session _session;
    CommandBuffer _commands;
    MaterialPropertyBlock _block;
    RenderTexture _shownOutput; // what the renderer's property was set to
    Renderer _shownRenderer;
    bool _running, _closed;
    bool _busy, _closeLater; // a listener may switch the filter off in the middle of a step
    int _hookedFrame; // when a camera last called

    #region MonoBehaviour

    void OnEnable()
    {
        _closed = false;
        _problem = "";
        _hookedFrame = Time.frameCount;
        _active.Add(this);
        Application.quitting -= CloseAll;
        Application.quitting += CloseAll;
        if (Application.isPlaying) StartCoroutine(CaptureGameView());
    }

    void OnDisable()
    {
        StopAllCoroutines();
        _active.Remove(this);
        Close();
    }

    void OnValidate()
    {
        _optionsChanged = true;
    }

    void LateUpdate()
    {
        _running = !_closed && (Application.isPlaying || _runInEditMode);
        if (!_running)
        {
            Close();
            return;
        }
        BuiltInHook.Attach(this, _source == FilterSource.Camera ? HookedCamera : null);
        if (_optionsChanged && _session != null && !_session.options.Same(Wanted())) Close();
        if (_optionsChanged || _model != _refusedModel) _problem = ""; // what was wrong may be mended
        _optionsChanged = false;
        _busy = true;
        Tick();
        Done();
        if (_source == FilterSource.Texture && _sourceTexture != null)
            FilterNow(_sourceTexture, _sourceTexture.width, _sourceTexture.height, false);
        if (_source == FilterSource.Camera && Time.frameCount - _hookedFrame > 120) TellUnhooked();
    }

    IEnumerator CaptureGameView()
    {
        for (var endOfFrame = new WaitForEndOfFrame();;)
        {
            yield return endOfFrame;
            if (!_running || _source != FilterSource.GameView) continue;
            var screen = RenderTexture.GetTemporary(Screen.width, Screen.height, 0);
            ScreenCapture.CaptureScreenshotIntoRenderTexture(screen);
            FilterNow(screen, screen.width, screen.height, SystemInfo.graphicsUVStartsAtTop);
            RenderTexture.ReleaseTemporary(screen);
        }
    }

    #endregion

    #region Frames

    internal Camera HookedCamera
    {
        get { return _sourceCamera != null ? _sourceCamera : GetComponent<Camera>(); }
    }

    // The running filter of a camera; null if there is none.
    internal static NeuralFilter Of(Camera camera)
    {
        foreach (var filter in _active)
            if (filter._running && filter._source == FilterSource.Camera && filter.HookedCamera == camera)
                return filter;
        return null;
    }

    // A pipeline's hook draws the frame between these two, in `commands` that run in this order.

    // Where to draw the frame; null if it is not wanted this time.
    internal RenderTexture BeginFrame(int width, int height)
    {
        _hookedFrame = Time.frameCount;
        if (_link != null) return _link.Begin(width, height);
        _busy = true;
        var capture = PrepareSession(width, height)
            ? _session.Begin(width, height, _maxSendRate, Look()) : null;
        return Done() ? capture : null;
    }

    // What to show instead of the frame; null if the frame is to be seen as it is.
    internal RenderTexture EndFrame(CommandBuffer commands, bool immediate)
    {
        _busy = true;
        var shown = _link != null ? _link.End()
            : _session != null ? _session.End(commands, Look(), immediate) : null;
        if (!Done()) return null;
        ShowOnTargets(commands, _link != null ? shown : output);
        return _source != FilterSource.Camera || _showOnCamera ? shown : null;
    }

    void FilterNow(Texture picture, int width, int height, bool upsideDown)
    {
        if (_commands == null) _commands = new CommandBuffer { name = "Framebridge" };
        _commands.Clear();
        var capture = BeginFrame(width, height);
        if (capture != null && upsideDown) _commands.Blit(picture, capture, new Vector2(1, -1), new Vector2(0, 1));
        else if (capture != null) _commands.Blit(picture, capture);
        EndFrame(_commands, true);
        if (_commands != null) Graphics.ExecuteCommandBuffer(_commands); // null: closed meanwhile
    }

    void ShowOnTargets(CommandBuffer commands, RenderTexture shown)
    {
        if (shown == null) return;
        if (_targetTexture != null) commands.Blit(shown, _targetTexture);
        if (_targetRenderer == null || string.IsNullOrEmpty(_targetProperty)) return;
        if (_shownOutput == shown && _shownRenderer == _targetRenderer) return;
        if (_block == null) _block = new MaterialPropertyBlock();
        _targetRenderer.GetPropertyBlock(_block);
        _block.SetTexture(_targetProperty, shown);
        _targetRenderer.SetPropertyBlock(_block);
        _shownOutput = shown;
        _shownRenderer = _targetRenderer;
    }

    #endregion

    #region Session

    bool PrepareSession(int width, int height)
    {
        if (_session != null) return true;
        if (string.IsNullOrEmpty(_model) || _problem != "" || !isActiveAndEnabled || _closed) return false;
        _session = Session.Open(Wanted(), _model, width, height, out _problem);
        if (_session == null)
        {
            _refusedModel = _model;
            Raise(Failed, _problem);
            return false;
        }
        _openedModel = _model;
        _session.frameReady = id => Raise(FrameReady, id);
        _session.failed = problem => Raise(Failed, problem);
        _session.tick = Tick;
        _session.prepared = () => _infoKnown;
        return true;
    }

    // The end of a step; false if a listener has switched the filter off meanwhile.
    bool Done()
    {
        _busy = false;
        if (!_closeLater) return true;
        _closeLater = false;
        Close();
        return false;
    }

    void Close()
    {
        if (_busy)
        {
            _closeLater = true;
            return;
        }
        BuiltInHook.Attach(this, null);
        if (_shownRenderer != null && _block != null)
        {
            _shownRenderer.GetPropertyBlock(_block);
            _block.Clear(); // the texture in it is about to be destroyed
            _shownRenderer.SetPropertyBlock(_block);
        }
        _shownRenderer = null;
        _shownOutput = null;
        if (_session != null) _session.Dispose();
        _session = null;
        ForgetStream();
        if (_commands != null) _commands.Release();
        _commands = null;
    }

    // The client that runs; null if none does.
    internal Client Client { get { return _session == null ? null : _session.client; } }

    // For a client that only asks questions, and opens a stream of next to nothing.
    internal ClientOptions QuestionOptions()
    {
        var options = Session.Opened(Wanted(), "passthrough", 16, 16);
        options.label = "questions";
        return options;
    }

    // Before a domain is reloaded, play mode left or the application quit: nothing may outlive it.
    internal static void CloseAll()
    {
        foreach (var filter in _active.ToArray())
        {
            filter._closed = true;
            filter._running = false;
            filter.Close();
        }
    }

    // Play mode has not been left after all, or edit mode goes on.
    internal static void OpenAll()
    {
        foreach (var filter in _active) filter._closed = false;
    }

    #endregion
}

} // namespace Framebridge
