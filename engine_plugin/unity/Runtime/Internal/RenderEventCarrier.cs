using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using UnityEngine;
using UnityEngine.Rendering;

namespace Framebridge.Internal {

// The library reads and writes the device's textures itself, in render events. Each event has a
// struct and a target of its own until it has run, so that the id in the struct is that of the
// picture in the target, however far the render thread is behind.
sealed class RenderEventCarrier : ICarrier
{
    const int Pending = int.MinValue; // no fb_status; the library overwrites it when the event has run
    const int MostInFlight = 4;
    const int ClosePatienceMs = 500;

    sealed class Event
    {
        internal IntPtr data;
        internal GpuTexture target;
    }

    readonly Client _client;
    readonly IntPtr _function;
    readonly TexturePool _pool = new TexturePool((w, h) => Textures.NewTarget(w, h, "Framebridge result"));
    readonly Queue<Event> _inFlight = new Queue<Event>();
    readonly Stack<Event> _idle = new Stack<Event>();
    readonly CommandBuffer _own = new CommandBuffer();
    readonly bool _everyResult; // each is given in order, and none is overtaken
    ulong _lastId;  // of the result that came last
    ulong _askedId; // of the newest result that an event has been given a target for
    int _targetsInFlight;
    int _width, _height; // of results, as the library has said

    internal RenderEventCarrier(Client client, bool everyResult)
    {
        _client = client;
        _everyResult = everyResult;
        _function = Native.fb_render_event_function();
        _own.name = "Framebridge";
        Unfit = _function == IntPtr.Zero ? "The library has no render event." : "";
    }

    public string Name { get { return "render event"; } }
    public string Unfit { get; private set; }
    public bool Behind { get { return _everyResult && HasMore(); } }

    // Devices that the library reads by itself.
    internal static bool Knows(GraphicsDeviceType device)
    {
        return device == GraphicsDeviceType.OpenGLCore || device == GraphicsDeviceType.Direct3D11;
    }

    public bool Exchange(CommandBuffer commands, Capture frame)
    {
        if (Unfit != "" || _inFlight.Count >= MostInFlight) return false;
        var it = _idle.Count > 0 ? _idle.Pop() : NewEvent();
        var data = new fb_render_event();
        data.size = Native.SizeOf<fb_render_event>();
        data.status = Pending;
        data.client = _client.Handle;
        if (frame != null)
        {
            data.source = frame.picture.Native;
            data.width = frame.picture.Width;
            data.height = frame.picture.Height;
            data.frame_id = frame.id;
        }
        if (_width == 0) // before the first result; the library says what it should have been
        {
            _width = _client.Statistics.result.width;
            _height = _client.Statistics.result.height;
        }
        it.target = _width > 0 && HasMore() ? _pool.Rent(_width, _height) : null;
        if (it.target != null)
        {
            _askedId = _client.Statistics.last_result_id;
            _targetsInFlight++;
            data.target = it.target.Native;
            data.target_width = it.target.Width;
            data.target_height = it.target.Height;
        }
        Write(it.data, ref data);
        commands.IssuePluginEventAndData(_function, Fb.EventFrame, it.data);
        _inFlight.Enqueue(it);
        return true;
    }

    public bool Take(out Arrival arrival)
    {
        arrival = new Arrival();
        while (_inFlight.Count > 0)
        {
            var it = _inFlight.Peek();
            if (Status(it.data) == Pending) return false;
            _inFlight.Dequeue();
            _idle.Push(it);
            var data = Read(it.data);
            var target = it.target;
            it.target = null;
            if (target != null) _targetsInFlight--;
            if (data.status == Fb.ErrorGraphics) Unfit = "The graphics device refuses. " + _client.Problem;
            var fits = target != null
                && data.result_width == target.Width && data.result_height == target.Height;
            if (data.result_width > 0)
            {
                _width = data.result_width;
                _height = data.result_height;
            }
            if (target != null && data.result_id == 0) _askedId = 0; // not this time; ask again
            if (fits && data.origin == Fb.FromBridge
                && data.result_id != 0 && data.result_id != _lastId)
            {
                _lastId = data.result_id;
                arrival.id = data.result_id;
                arrival.picture = target;
                return true;
            }
            _pool.Return(target);
        }
        return false;
    }

    // Whether a result waits that no event has been sent for: a target that is given without need is
    // written once more.
    bool HasMore()
    {
        var newest = _client.Statistics.last_result_id;
        if (_everyResult) return newest > _lastId + (ulong)_targetsInFlight;
        return newest != _lastId && newest != _askedId;
    }

    public void Return(GpuTexture picture) { _pool.Return(picture); }

    public void Nudge()
    {
        _own.Clear();
        if (Exchange(_own, null)) Graphics.ExecuteCommandBuffer(_own);
        GL.Flush();
    }

    // The closing event comes after all others that were given to the device. What has not run by
    // then, since its commands are still to be executed, keeps its memory for good.
    public void Dispose()
    {
        var close = NewEvent();
        var data = new fb_render_event();
        data.size = Native.SizeOf<fb_render_event>();
        data.status = Pending;
        data.client = _client.Handle;
        Write(close.data, ref data);
        _own.Clear();
        _own.IssuePluginEventAndData(_function, Fb.EventClose, close.data);
        Graphics.ExecuteCommandBuffer(_own);
        var end = Environment.TickCount + ClosePatienceMs;
        GL.Flush();
        while (Status(close.data) == Pending && Environment.TickCount - end < 0) Thread.Sleep(1);
        _inFlight.Enqueue(close);
        foreach (var it in _inFlight)
        {
            if (Status(it.data) != Pending) Marshal.FreeHGlobal(it.data);
            _pool.Return(it.target);
        }
        foreach (var it in _idle) Marshal.FreeHGlobal(it.data);
        _inFlight.Clear();
        _idle.Clear();
        _pool.Dispose();
        _own.Release();
    }

    static Event NewEvent()
    {
        return new Event { data = Marshal.AllocHGlobal(Marshal.SizeOf(typeof(fb_render_event))) };
    }

    static unsafe void Write(IntPtr to, ref fb_render_event data)
    {
        var place = (fb_render_event*)to;
        place[0] = data;
    }

    static unsafe fb_render_event Read(IntPtr from)
    {
        var place = (fb_render_event*)from;
        return place[0];
    }

    // The library writes it last.
    static int Status(IntPtr data)
    {
        var status = Marshal.ReadInt32(data, 4); // fb_render_event.status
        Thread.MemoryBarrier();
        return status;
    }
}

} // namespace Framebridge.Internal
