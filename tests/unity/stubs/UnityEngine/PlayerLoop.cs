using System.Collections.Generic;

namespace UnityEngine {

// One frame of the engine, in its order: updates, cameras with their image effects, end of frame,
// and what was destroyed goes.
static class PlayerLoop
{
    internal static void Frame()
    {
        Time.frameCount++;
        Rendering.AsyncGPUReadback.Update();
        Send("Update");
        Send("LateUpdate");
        foreach (var it in GameObject.All.ToArray())
        {
            var camera = it.GetComponent<Camera>();
            if (camera != null && camera.enabled && camera.Picture != null) Render(camera);
        }
        foreach (var behaviour in Behaviours()) behaviour.EndOfFrame();
        foreach (var doomed in Object.Doomed.ToArray()) Object.DestroyImmediate(doomed);
        Object.Doomed.Clear();
        RenderThread.EndFrame();
    }

    static void Render(Camera camera)
    {
        var from = RenderTexture.GetTemporary(camera.Picture.width, camera.Picture.height, 0);
        Graphics.Blit(camera.Picture, from);
        if (camera.Screen == null || camera.Screen.width != from.width || camera.Screen.height != from.height)
        {
            camera.Screen = RenderTexture.GetTemporary(from.width, from.height, 0);
        }
        var effect = false;
        foreach (var component in camera.gameObject.Components.ToArray())
        {
            var behaviour = component as MonoBehaviour;
            if (behaviour == null || !behaviour.enabled || !behaviour.Answers("OnRenderImage") || !behaviour.RunsNow) continue;
            if (Rendering.GraphicsSettings.currentRenderPipeline != null) continue;
            behaviour.Send("OnRenderImage", from, camera.Screen);
            effect = true;
        }
        if (!effect) Graphics.Blit(from, camera.Screen);
        RenderTexture.ReleaseTemporary(from);
    }

    static void Send(string message)
    {
        foreach (var behaviour in Behaviours())
            if (behaviour != null && behaviour.enabled && behaviour.RunsNow) behaviour.Send(message);
    }

    static List<MonoBehaviour> Behaviours()
    {
        var found = new List<MonoBehaviour>();
        foreach (var it in GameObject.All)
            foreach (var component in it.Components)
            {
                var behaviour = component as MonoBehaviour;
                if (behaviour != null) found.Add(behaviour);
            }
        return found;
    }
}

} // namespace UnityEngine
