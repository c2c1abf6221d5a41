#if FRAMEBRIDGE_URP
using UnityEngine;
using UnityEngine.Rendering;
using UnityEngine.Rendering.Universal;
#if FRAMEBRIDGE_URP_GRAPH
using UnityEngine.Rendering.RenderGraphModule;
#endif

namespace Framebridge {

// URP's hook: a renderer feature, to be added to the renderer asset once. It serves every camera that
// has a NeuralFilter, after post processing.
public sealed class NeuralFilterFeature : ScriptableRendererFeature
{
    FilterPass _pass;

    public override void Create()
    {
        _pass = new FilterPass();
        _pass.renderPassEvent = RenderPassEvent.AfterRenderingPostProcessing;
    }

    public override void AddRenderPasses(ScriptableRenderer renderer, ref RenderingData renderingData)
    {
        if (NeuralFilter.Of(renderingData.cameraData.camera) != null) renderer.EnqueuePass(_pass);
    }

    sealed class FilterPass : ScriptableRenderPass
    {
        #if FRAMEBRIDGE_URP_GRAPH

        sealed class PassData
        {
            internal TextureHandle color;
            internal NeuralFilter filter;
            internal int width, height;
        }

        internal FilterPass() { requiresIntermediateTexture = true; }

        public override void RecordRenderGraph(RenderGraph graph, ContextContainer frame)
        {
            var camera = frame.Get<UniversalCameraData>();
            var filter = NeuralFilter.Of(camera.camera);
            var resources = frame.Get<UniversalResourceData>();
            if (filter == null || resources.isActiveTargetBackBuffer) return;
            PassData data;
            using (var builder = graph.AddUnsafePass<PassData>("Framebridge", out data))
            {
                data.color = resources.activeColorTexture;
                data.filter = filter;
                data.width = camera.cameraTargetDescriptor.width;
                data.height = camera.cameraTargetDescriptor.height;
                builder.UseTexture(data.color, AccessFlags.ReadWrite);
                builder.AllowPassCulling(false);
                builder.AllowGlobalStateModification(true);
                builder.SetRenderFunc((PassData pass, UnsafeGraphContext context) => Filter(
                    CommandBufferHelpers.GetNativeCommandBuffer(context.cmd), pass.filter, pass.color,
                    pass.width, pass.height));
            }
        }

        #else

        public override void Execute(ScriptableRenderContext context, ref RenderingData renderingData)
        {
            var filter = NeuralFilter.Of(renderingData.cameraData.camera);
            if (filter == null) return;
            var size = renderingData.cameraData.cameraTargetDescriptor;
            var commands = CommandBufferPool.Get("Framebridge");
            Filter(commands, filter, renderingData.cameraData.renderer.cameraColorTargetHandle,
                size.width, size.height);
            context.ExecuteCommandBuffer(commands);
            CommandBufferPool.Release(commands);
        }

        #endif

        static void Filter(CommandBuffer commands, NeuralFilter filter, RTHandle color, int width, int height)
        {
            // By its identifier: a handle need not have a texture of its own.
            var capture = filter.BeginFrame(width, height);
            if (capture != null) commands.Blit(color.nameID, capture);
            var shown = filter.EndFrame(commands, false);
            if (shown != null) commands.Blit(shown, color.nameID);
        }
    }
}

} // namespace Framebridge
#endif
