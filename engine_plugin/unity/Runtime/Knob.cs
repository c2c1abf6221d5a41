using System;
using System.Collections.Generic;
using Framebridge.Internal;
using UnityEngine;

namespace Framebridge {

// A knob of the model that runs: what may be turned, and how far.
public sealed class Knob
{
    public string name { get; private set; }
    public string label { get; private set; }
    public string unit { get; private set; }
    public KnobKind kind { get; private set; }
    public float min { get; private set; }
    public float max { get; private set; }
    public string[] choices { get; private set; }
    public KnobSetting standard { get; private set; }

    // As `knobs` of the bridge's `stream` has it; null if it is none that is known.
    internal static Knob From(object map)
    {
        KnobKind kind;
        if (!TryKind(Json.String(map, "kind"), out kind)) return null;
        var knob = new Knob();
        knob.name = Json.String(map, "name");
        knob.label = Json.String(map, "label");
        if (knob.label == "") knob.label = knob.name;
        knob.unit = Json.String(map, "unit");
        knob.kind = kind;
        knob.min = (float)Json.Double(map, "min", 0);
        knob.max = (float)Json.Double(map, "max", 1);
        var choices = new List<string>();
        foreach (var choice in Json.List(map, "choices")) choices.Add(choice as string ?? "");
        knob.choices = choices.ToArray();
        knob.standard = KnobSetting.From(knob.name, kind, Json.Member(map, "default"));
        return knob.name == "" ? null : knob;
    }

    static bool TryKind(string name, out KnobKind kind)
    {
        kind = KnobKind.Float;
        switch (name)
        {
            case "float": kind = KnobKind.Float; return true;
            case "int": kind = KnobKind.Int; return true;
            case "bool": kind = KnobKind.Bool; return true;
            case "choice": kind = KnobKind.Choice; return true;
            case "colour": kind = KnobKind.Colour; return true;
        }
        return false;
    }
}

// A knob's value, kept with the scene.
[Serializable]
public struct KnobSetting
{
    public string name;
    public KnobKind kind;
    public float number; // Float; Int, and Bool as 0 or 1, rounded
    public string text;  // Choice
    public Color colour; // Colour, sRGB-encoded

    internal static KnobSetting From(string name, KnobKind kind, object value)
    {
        var setting = new KnobSetting();
        setting.name = name;
        setting.kind = kind;
        setting.text = (value as string) ?? "";
        if (value != null && value.GetType() == typeof(bool)) setting.number = (bool)value ? 1 : 0;
        if (value != null && value.GetType() == typeof(double)) setting.number = (float)(double)value;
        var parts = value as List<object>;
        if (parts != null && parts.Count >= 3)
            setting.colour = new Color(Part(parts[0]), Part(parts[1]), Part(parts[2]), 1);
        return setting;
    }

    static float Part(object value)
    {
        return value != null && value.GetType() == typeof(double) ? (float)(double)value : 0;
    }

    internal string ToJson()
    {
        switch (kind)
        {
            case KnobKind.Int: return Json.Number(Math.Round(number));
            case KnobKind.Bool: return number >= 0.5f ? "true" : "false";
            case KnobKind.Choice: return Json.Quote(text ?? "");
            case KnobKind.Colour:
                return "[" + Json.Number(colour.r) + ", " + Json.Number(colour.g) + ", "
                    + Json.Number(colour.b) + "]";
        }
        return Json.Number(number);
    }

    internal bool Same(KnobSetting other)
    {
        return kind == other.kind && number == other.number && (text ?? "") == (other.text ?? "")
            && colour.r == other.colour.r && colour.g == other.colour.g && colour.b == other.colour.b;
    }
}

} // namespace Framebridge
