using UnityEngine;

namespace Framebridge.Editor {

// What the inspector's warning box says: the first thing that is in the way, and what to do about it.
static class Advice
{
    internal static string For(NeuralFilter filter)
    {
        if (filter.model == "" && filter.link == null)
            return "No model is chosen. Ask the bridge which ones there are, below, and choose one.";
        if (filter.source == FilterSource.Texture && filter.sourceTexture == null)
            return "There is no texture to filter. Give one in Source Texture.";
        if (filter.source == FilterSource.Camera && filter.HookedCamera == null)
            return "There is no camera to take frames from. Name one, or put the filter on a camera.";
        var shown = filter.source == FilterSource.Camera && filter.showOnCamera;
        if (!shown && filter.targetTexture == null && filter.targetRenderer == null)
            return "The result is shown nowhere. Give a target texture or a target renderer, unless a "
                + "script takes `output`.";
        if (filter.source == FilterSource.Texture && filter.sourceTexture == filter.targetTexture)
            return "Source and target are one texture, so that results are filtered again and again. "
                + "Give another target.";
        if (filter.policy == FramePolicy.Lockstep)
        {
            var problem = filter.state.problem;
            return "Lockstep makes the application wait for each result. It is for offline rendering; "
                + "choose Latest or Delay for live use." + (problem == "" ? "" : "\n" + problem);
        }
        return filter.state.problem;
    }
}

} // namespace Framebridge.Editor
