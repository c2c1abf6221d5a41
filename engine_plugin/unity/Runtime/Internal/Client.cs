using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Framebridge.Internal {

// What a client is opened with.
struct ClientOptions
{
    public int width, height;
    public string model, clientName, label, parameters, endpoint, token;
    public string[] startCommand;
    public int policy, alpha, every, shared;
    public double rate;
    public uint seed;
}

// One client of the native library: create, ask, destroy. No call waits but the first and the last.
sealed class Client : IDisposable
{
    const int LargestAnswer = 1 << 20;

    internal ulong Handle { get; private set; }
    internal fb_statistics Statistics;

    readonly List<Question> _questions = new List<Question>();
    byte[] _answer = new byte[4096];

    struct Question
    {
        public long ticket;
        public Action<bool, string> then;
    }

    Client(ulong handle) { Handle = handle; }

    // Null with the reason, if it cannot be.
    internal static Client Create(ClientOptions options, out string problem)
    {
        problem = "";
        try
        {
            var abi = Native.fb_abi_version();
            if (abi < Fb.AbiVersion)
            {
                problem = "The native library is older than this package: expected ABI "
                    + Fb.AbiVersion + ", found " + abi + ". Put the package's own Plugins folder back.";
                return null;
            }
            return CreateChecked(options, out problem);
        }
        catch (DllNotFoundException)
        {
            problem = "The native library framebridge is not in the package's Plugins folder for this "
                + "system. Use a released package, or build it with `make native` and copy it there.";
        }
        catch (EntryPointNotFoundException missing)
        {
            problem = "The native library is not of this package: it lacks " + missing.Message
                + ". Put the package's own Plugins folder back.";
        }
        catch (BadImageFormatException)
        {
            problem = "The native library in Plugins is for another processor or system. Use the one "
                + "of this system, x86-64.";
        }
        return null;
    }

    static Client CreateChecked(ClientOptions from, out string problem)
    {
        var options = new fb_options();
        options.size = Native.SizeOf<fb_options>();
        options.abi_version = Fb.AbiVersion;
        options.source.size = Native.SizeOf<fb_format>();
        options.source.width = from.width;
        options.source.height = from.height;
        options.source.pixel_format = Fb.Rgba8;
        options.source.rows = Fb.BottomFirst; // as the engine keeps render textures on every device
        options.source.transfer = Fb.Srgb;    // as CaptureRing makes them in both color spaces
        options.source.alpha = from.alpha;
        options.policy = from.policy;
        options.when_gone = Fb.Hold;          // passing through costs nothing on this side
        options.rate = from.rate;
        options.seed = from.seed;
        options.every = from.every;
        options.shared = from.shared;
        var start = from.startCommand == null || from.startCommand.Length == 0
            ? null : Json.Array(from.startCommand);
        ulong handle;
        int status;
        try
        {
            options.model = Native.Unmanaged(from.model);
            options.client_name = Native.Unmanaged(from.clientName);
            options.label = Native.Unmanaged(from.label);
            options.parameters = Native.Unmanaged(from.parameters);
            options.endpoint = Native.Unmanaged(from.endpoint);
            options.token = Native.Unmanaged(from.token);
            options.start_command = Native.Unmanaged(start);
            status = Native.fb_create(ref options, out handle);
        }
        finally
        {
            foreach (var text in new[] { options.model, options.client_name, options.label,
                options.parameters, options.endpoint, options.token, options.start_command })
                Marshal.FreeHGlobal(text);
        }
        problem = status == Fb.Ok ? "" : Native.LastError(0);
        return status == Fb.Ok ? new Client(handle) : null;
    }

    internal void ReadStatistics()
    {
        Statistics.size = Native.SizeOf<fb_statistics>();
        Statistics.source.size = Statistics.result.size = Native.SizeOf<fb_format>();
        Native.fb_get_statistics(Handle, ref Statistics);
    }

    internal string Problem { get { return Native.LastError(Handle); } }

    internal void Set(KnobSetting setting)
    {
        var value = new fb_value();
        value.size = Native.SizeOf<fb_value>();
        var rounded = (long)Math.Round(setting.number);
        switch (setting.kind)
        {
            case KnobKind.Float: value.kind = Fb.Float; value.number = setting.number; break;
            case KnobKind.Int: value.kind = Fb.Int; value.integer = rounded; break;
            case KnobKind.Bool: value.kind = Fb.Bool; value.integer = rounded == 0 ? 0 : 1; break;
            case KnobKind.Choice: value.kind = Fb.Text; break;
            case KnobKind.Colour:
                value.kind = Fb.Colour;
                value.number = setting.colour.r;
                value.number1 = setting.colour.g;
                value.number2 = setting.colour.b;
                break;
        }
        if (setting.kind == KnobKind.Choice) value.text = Native.Unmanaged(setting.text);
        Native.fb_set_parameter(Handle, Native.Text(setting.name), ref value);
        Marshal.FreeHGlobal(value.text);
    }

    // Ask for something; `then` is called by Listen, with whether it was done and the answer as JSON.
    internal void Ask(string json, Action<bool, string> then)
    {
        var ticket = Native.fb_command(Handle, Native.Text(json));
        if (ticket > 0) _questions.Add(new Question { ticket = ticket, then = then });
        else if (then != null) then(false, Native.LastError(0));
    }

    // Hand out the answers that have come.
    internal void Listen()
    {
        for (var i = 0; i < _questions.Count; i++)
        {
            var question = _questions[i];
            UIntPtr needed;
            var status = Native.fb_answer(Handle, question.ticket, _answer, (UIntPtr)(uint)_answer.Length, out needed);
            if (status == Fb.ErrorLimit && (ulong)needed > (ulong)_answer.Length && (ulong)needed <= LargestAnswer)
            {
                _answer = new byte[(int)needed];
                status = Native.fb_answer(Handle, question.ticket, _answer, needed, out needed);
            }
            if (status == Fb.Nothing) continue;
            _questions.RemoveAt(i--);
            var text = status == Fb.Ok || status == Fb.ErrorBridge ? Native.Text(_answer) : Native.LastError(0);
            if (question.then != null) question.then(status == Fb.Ok, text);
        }
    }

    public void Dispose()
    {
        if (Handle != 0) Native.fb_destroy(Handle);
        Handle = 0;
        _questions.Clear();
    }
}

} // namespace Framebridge.Internal
