using System.Collections.Generic;

namespace Framebridge.Internal {

// What the bridge has said about the stream: the model, what runs it, and its knobs.
sealed class StreamInfo
{
    internal string model = "", chain = "", backend = "", note = "";
    internal readonly List<Knob> knobs = new List<Knob>();

    // As the library answers the command `stream`.
    internal static StreamInfo From(string json)
    {
        var map = Json.Parse(json);
        var info = new StreamInfo();
        var packages = new List<string>();
        foreach (var package in Json.List(map, "packages")) packages.Add(package as string ?? "");
        info.model = string.Join(" + ", packages.ToArray());
        info.chain = Json.String(map, "chain");
        info.backend = (Json.String(map, "backend") + " " + Json.String(map, "provider")).Trim();
        info.note = Json.String(map, "note");
        foreach (var knob in Json.List(map, "knobs"))
        {
            var known = Knob.From(knob);
            if (known != null) info.knobs.Add(known);
        }
        return info;
    }

    internal Knob Find(string name)
    {
        foreach (var knob in knobs) if (knob.name == name) return knob;
        return null;
    }
}

} // namespace Framebridge.Internal
