using System;
using System.Collections.Generic;
using Framebridge.Internal;

namespace Framebridge.Editor {

// The packages that the bridge knows, for the drop-down. Asked of a filter's own client if it has one,
// else of one that lives for this question alone.
static class PackageList
{
    const double Patience = 30; // seconds; the bridge may have to be started

    internal static readonly List<string> Names = new List<string>();
    internal static readonly List<string> Descriptions = new List<string>();
    internal static string Problem = "";

    static Client _own;
    static bool _asked;
    static DateTime _end;

    internal static bool Asking { get { return _asked; } }

    internal static void Ask(NeuralFilter filter)
    {
        if (_asked) return;
        Problem = "";
        var client = filter.Client;
        if (client == null)
        {
            _own = Client.Create(filter.QuestionOptions(), out Problem);
            client = _own;
        }
        if (client == null) return;
        _asked = true;
        _end = DateTime.UtcNow.AddSeconds(Patience);
        client.Ask("{\"type\": \"packages\"}", Answered);
    }

    // From the inspector, as long as it asks to be drawn again.
    internal static void Update()
    {
        if (_own != null) _own.Listen();
        if (!_asked || DateTime.UtcNow < _end) return;
        Problem = "The bridge has not said which models it has. " + (_own == null ? "" : _own.Problem);
        Close();
    }

    internal static void Close()
    {
        if (_own != null) _own.Dispose();
        _own = null;
        _asked = false;
    }

    static void Answered(bool done, string answer)
    {
        _asked = false;
        if (!done) Problem = NeuralFilter.Describe(answer);
        else Read(answer);
        Close();
    }

    internal static void Read(string answer)
    {
        Names.Clear();
        Descriptions.Clear();
        foreach (var package in Json.List(Json.Parse(answer), "packages"))
        {
            var name = package as string ?? Json.String(package, "name");
            if (name == "") continue;
            Names.Add(name);
            Descriptions.Add(Json.String(package, "description"));
        }
    }
}

} // namespace Framebridge.Editor
