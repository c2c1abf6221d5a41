using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Framebridge.Internal {

// The functions of engine_plugin/native/include/framebridge.h, but for UnityPluginLoad and
// UnityPluginUnload, which the engine calls by itself. fb_set_log is left alone too: it calls back on
// the library's threads, and a thread that has been in managed code holds up a domain reload.
static class Native
{
    const string Library = "framebridge";

    [DllImport(Library)] internal static extern uint fb_abi_version();
    [DllImport(Library)] internal static extern int fb_create(ref fb_options options, out ulong client);
    [DllImport(Library)] internal static extern int fb_destroy(ulong client);
    [DllImport(Library)] internal static extern int fb_submit(ulong client, ref fb_frame frame, out ulong frame_id);
    [DllImport(Library)] internal static extern int fb_poll(ulong client, ref fb_result result);
    [DllImport(Library)] internal static extern int fb_set_parameter(ulong client, byte[] name, ref fb_value value);
    [DllImport(Library)] internal static extern long fb_command(ulong client, byte[] json);
    [DllImport(Library)] internal static extern int fb_answer(ulong client, long ticket, byte[] json, UIntPtr size, out UIntPtr needed);
    [DllImport(Library)] internal static extern int fb_get_statistics(ulong client, ref fb_statistics statistics);
    [DllImport(Library)] internal static extern UIntPtr fb_last_error(ulong client, byte[] text, UIntPtr size);
    [DllImport(Library)] internal static extern IntPtr fb_render_event_function();

    internal static uint SizeOf<T>() { return Sized<T>.Size; }

    static class Sized<T>
    {
        internal static readonly uint Size = (uint)Marshal.SizeOf(typeof(T));
    }

    // UTF-8 with a zero at its end, as the library takes it.
    internal static byte[] Text(string text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, 0, text.Length, bytes, 0);
        return bytes;
    }

    // UTF-8 up to the first zero.
    internal static string Text(byte[] bytes)
    {
        var length = Array.IndexOf(bytes, (byte)0);
        return Encoding.UTF8.GetString(bytes, 0, length < 0 ? bytes.Length : length);
    }

    // In unmanaged memory, to be freed by Marshal.FreeHGlobal; null and "" are null.
    internal static IntPtr Unmanaged(string text)
    {
        if (string.IsNullOrEmpty(text)) return IntPtr.Zero;
        var bytes = Text(text);
        var memory = Marshal.AllocHGlobal(bytes.Length);
        Marshal.Copy(bytes, 0, memory, bytes.Length);
        return memory;
    }

    // What is wrong with a client, or with 0 why the last call failed; "" if nothing is.
    internal static string LastError(ulong client)
    {
        var bytes = new byte[512];
        var needed = (int)fb_last_error(client, bytes, (UIntPtr)(uint)bytes.Length);
        if (needed > bytes.Length)
        {
            bytes = new byte[needed];
            fb_last_error(client, bytes, (UIntPtr)(uint)bytes.Length);
        }
        return Text(bytes);
    }
}

} // namespace Framebridge.Internal
