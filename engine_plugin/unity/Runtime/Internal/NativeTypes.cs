using System;
using System.Runtime.InteropServices;

namespace Framebridge.Internal {

// The structs and constants of the native library, under the names that they have there. Each must
// match engine_plugin/native/include/framebridge.h field by field; tests/unity/test_layout.py
// compares sizes and offsets.

static class Fb
{
    internal const uint AbiVersion = 1; // FB_ABI_VERSION

    // fb_status
    internal const int Ok = 0, Nothing = 1, Skipped = 2, Reopening = 3;
    internal const int ErrorArgument = -1, ErrorHandle = -2, ErrorVersion = -3, ErrorFormat = -4;
    internal const int ErrorLimit = -5, ErrorSystem = -6, ErrorGraphics = -7, ErrorBridge = -8;

    // fb_format
    internal const int Rgba8 = 0, Bgra8 = 1;
    internal const int TopFirst = 0, BottomFirst = 1;
    internal const int Srgb = 0, Linear = 1;
    internal const int Straight = 0, Opaque = 1;

    // fb_options.policy and .when_gone
    internal const int Latest = 0, Lockstep = 1, Free = 2;
    internal const int PassThrough = 0, Hold = 1, Clear = 2;

    // fb_result.origin
    internal const int FromBridge = 0, PassedThrough = 1, Cleared = 2;

    // fb_value.kind
    internal const int Bool = 0, Int = 1, Float = 2, Text = 3, Colour = 4;

    // Events of fb_render_event_function
    internal const int EventFrame = 1, EventClose = 2;
}

// Must match fb_format in framebridge.h.
[StructLayout(LayoutKind.Sequential)]
struct fb_format
{
    public uint size;
    public int width, height;
    public int pixel_format, rows, transfer, alpha;
}

// Must match fb_options in framebridge.h.
[StructLayout(LayoutKind.Sequential)]
struct fb_options
{
    public uint size;
    public uint abi_version;
    public fb_format source;
    public IntPtr model, client_name, label, parameters;
    public int policy, when_gone;
    public double rate;
    public uint seed;
    public int every;
    public IntPtr endpoint, token, start_command;
    public int shared, reserved;
}

// Must match fb_frame in framebridge.h.
[StructLayout(LayoutKind.Sequential)]
struct fb_frame
{
    public uint size;
    public int width, height, reserved;
    public long stride;
    public ulong frame_id;
    public IntPtr pixels;
}

// Must match fb_result in framebridge.h.
[StructLayout(LayoutKind.Sequential)]
struct fb_result
{
    public uint size;
    public int origin;
    public fb_format format;
    public uint chain;
    public long stride;
    public ulong frame_id;
    public double age_ms, model_ms;
    public IntPtr pixels;
}

// Must match fb_statistics in framebridge.h.
[StructLayout(LayoutKind.Sequential)]
struct fb_statistics
{
    public uint size;
    public int state;
    public ulong sent, returned, dropped, skipped, late, withheld, taken, lost, passed;
    public ulong restarts, connections, last_sent_id, last_result_id;
    public double latency_ms;
    public fb_format result, source;
}

// Must match fb_value in framebridge.h; number is an array of four there.
[StructLayout(LayoutKind.Sequential)]
struct fb_value
{
    public uint size;
    public int kind;
    public long integer;
    public double number, number1, number2, number3;
    public IntPtr text;
}

// Must match fb_render_event in framebridge.h.
[StructLayout(LayoutKind.Sequential)]
struct fb_render_event
{
    public uint size;
    public int status;
    public ulong client;
    public IntPtr source, target;
    public int width, height, target_width, target_height;
    public ulong frame_id, result_id;
    public int origin, result_width, result_height, reserved;
}

} // namespace Framebridge.Internal
