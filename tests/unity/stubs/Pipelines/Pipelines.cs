using System;
using UnityEngine;
using UnityEngine.Rendering;

// Declarations alone, to compile the hooks and links against: nothing here draws.
namespace UnityEngine {

public struct RenderTextureDescriptor
{
    public int width { get; set; }
    public int height { get; set; }
}

} // namespace UnityEngine

namespace UnityEngine.Rendering {

public sealed class RTHandle
{
    public RenderTexture rt { get { return null; } }
    public RenderTargetIdentifier nameID { get { return new RenderTargetIdentifier(); } }
    public static implicit operator Texture(RTHandle handle) { return null; }
    public static implicit operator RenderTexture(RTHandle handle) { return null; }
    public static implicit operator RenderTargetIdentifier(RTHandle handle) { return new RenderTargetIdentifier(); }
}
public static class RTHandles
{
    public static RTHandle Alloc(RenderTexture texture) { return null; }
    public static void Release(RTHandle handle) {}
}
public static class Blitter
{
    public static void BlitCameraTexture2D(CommandBuffer cmd, RTHandle source, RTHandle destination, float mipLevel = 0, bool bilinear = false) {}
}
public struct ScriptableRenderContext { public void ExecuteCommandBuffer(CommandBuffer commands) {} }
public static class CommandBufferPool
{
    public static CommandBuffer Get(string name) { return null; }
    public static void Release(CommandBuffer commands) {}
}

} // namespace UnityEngine.Rendering

namespace UnityEngine.Rendering.RenderGraphModule {

public enum AccessFlags { Read = 1, Write = 2, ReadWrite = 3 }
public struct TextureHandle { public static implicit operator RTHandle(TextureHandle handle) { return null; } }
public sealed class UnsafeCommandBuffer {}
public sealed class UnsafeGraphContext { public UnsafeCommandBuffer cmd; }
public delegate void BaseRenderFunc<PassData, ContextType>(PassData data, ContextType context) where PassData : class, new();
public interface IUnsafeRenderGraphBuilder : IDisposable
{
    void UseTexture(TextureHandle texture, AccessFlags access);
    void AllowPassCulling(bool allow);
    void AllowGlobalStateModification(bool allow);
    void SetRenderFunc<PassData>(BaseRenderFunc<PassData, UnsafeGraphContext> function) where PassData : class, new();
}
public sealed class RenderGraph
{
    public IUnsafeRenderGraphBuilder AddUnsafePass<PassData>(string name, out PassData data) where PassData : class, new()
    {
        data = new PassData();
        return null;
    }
}

} // namespace UnityEngine.Rendering.RenderGraphModule

namespace UnityEngine.Rendering {

public static class CommandBufferHelpers
{
    public static CommandBuffer GetNativeCommandBuffer(RenderGraphModule.UnsafeCommandBuffer commands) { return null; }
}
public sealed class ContextContainer { public T Get<T>() where T : class { return null; } }

} // namespace UnityEngine.Rendering

namespace UnityEngine.Rendering.Universal {

public enum RenderPassEvent { AfterRenderingPostProcessing = 600 }
public abstract class ScriptableRenderer
{
    public RTHandle cameraColorTargetHandle { get { return null; } }
    public void EnqueuePass(ScriptableRenderPass pass) {}
}
public struct CameraData
{
    public Camera camera;
    public ScriptableRenderer renderer;
    public RenderTextureDescriptor cameraTargetDescriptor;
}
public struct RenderingData { public CameraData cameraData; }
public sealed class UniversalCameraData
{
    public Camera camera;
    public RenderTextureDescriptor cameraTargetDescriptor;
}
public sealed class UniversalResourceData
{
    public bool isActiveTargetBackBuffer { get { return false; } }
    public RenderGraphModule.TextureHandle activeColorTexture { get { return new RenderGraphModule.TextureHandle(); } }
}
public abstract class ScriptableRenderPass
{
    public RenderPassEvent renderPassEvent { get; set; }
    public bool requiresIntermediateTexture { get; set; }
    public virtual void Execute(ScriptableRenderContext context, ref RenderingData renderingData) {}
    public virtual void RecordRenderGraph(RenderGraphModule.RenderGraph graph, ContextContainer frame) {}
}
public abstract class ScriptableRendererFeature : Object
{
    public abstract void Create();
    public abstract void AddRenderPasses(ScriptableRenderer renderer, ref RenderingData renderingData);
}

} // namespace UnityEngine.Rendering.Universal

namespace UnityEngine.Rendering.HighDefinition {

public sealed class HDCamera
{
    public Camera camera;
    public int actualWidth { get { return 0; } }
    public int actualHeight { get { return 0; } }
}
public struct CustomPassContext
{
    public CommandBuffer cmd;
    public HDCamera hdCamera;
    public RTHandle cameraColorBuffer;
}
public abstract class CustomPass
{
    protected virtual void Execute(CustomPassContext context) {}
    protected virtual void Cleanup() {}
}
public static class HDUtils
{
    public static void BlitCameraTexture(CommandBuffer cmd, RTHandle source, RTHandle destination, float mipLevel = 0, bool bilinear = false) {}
}

} // namespace UnityEngine.Rendering.HighDefinition

namespace Klak.Spout {

public enum CaptureMethod { GameView, Camera, Texture }
public sealed class SpoutSender : MonoBehaviour
{
    public CaptureMethod captureMethod { get; set; }
    public Texture sourceTexture { get; set; }
}
public sealed class SpoutReceiver : MonoBehaviour { public RenderTexture receivedTexture { get { return null; } } }

} // namespace Klak.Spout

namespace Klak.Syphon {

public enum CaptureMethod { GameView, Camera, Texture }
public sealed class SyphonServer : MonoBehaviour
{
    public CaptureMethod CaptureMethod { get; set; }
    public Texture SourceTexture { get; set; }
}
public sealed class SyphonClient : MonoBehaviour { public Texture2D Texture { get { return null; } } }

} // namespace Klak.Syphon
