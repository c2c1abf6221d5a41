using System;
using UnityEditor;
using UnityEngine;

namespace Framebridge.Editor {

// A field for each knob of the model that runs, of its kind and within its bounds.
static class KnobFields
{
    internal static void Draw(NeuralFilter filter, UnityEngine.Object target)
    {
        if (filter.knobs.Count == 0) return;
        EditorGUILayout.Space();
        EditorGUILayout.LabelField("Knobs", EditorStyles.boldLabel);
        foreach (var knob in filter.knobs)
        {
            KnobSetting now;
            if (!filter.TryGetParameter(knob.name, out now) || now.kind != knob.kind) now = knob.standard;
            EditorGUI.BeginChangeCheck();
            now = Field(knob, now);
            if (!EditorGUI.EndChangeCheck()) continue;
            Undo.RecordObject(target, "Turn " + knob.label);
            Set(filter, now);
            EditorUtility.SetDirty(target);
        }
    }

    static KnobSetting Field(Knob knob, KnobSetting now)
    {
        var label = knob.unit == "" ? knob.label : knob.label + " (" + knob.unit + ")";
        switch (knob.kind)
        {
            case KnobKind.Float:
                now.number = EditorGUILayout.Slider(label, now.number, knob.min, knob.max);
                break;
            case KnobKind.Int:
                now.number = EditorGUILayout.IntSlider(label, Mathf.RoundToInt(now.number),
                    Mathf.RoundToInt(knob.min), Mathf.RoundToInt(knob.max));
                break;
            case KnobKind.Bool:
                now.number = EditorGUILayout.Toggle(label, now.number >= 0.5f) ? 1 : 0;
                break;
            case KnobKind.Choice:
                var chosen = EditorGUILayout.Popup(label, Array.IndexOf(knob.choices, now.text), knob.choices);
                if (chosen >= 0) now.text = knob.choices[chosen];
                break;
            case KnobKind.Colour:
                now.colour = EditorGUILayout.ColorField(label, now.colour);
                break;
        }
        return now;
    }

    static void Set(NeuralFilter filter, KnobSetting setting)
    {
        switch (setting.kind)
        {
            case KnobKind.Choice: filter.SetParameter(setting.name, setting.text); break;
            case KnobKind.Colour: filter.SetParameter(setting.name, setting.colour); break;
            case KnobKind.Bool: filter.SetParameter(setting.name, setting.number >= 0.5f); break;
            default: filter.SetParameter(setting.name, setting.number); break;
        }
    }

    // Each of the values that an animation can drive, and the name of the knob that it turns.
    internal static void DrawSlots(SerializedObject it, NeuralFilter filter)
    {
        it.Update();
        var names = it.FindProperty("_slotKnobs");
        if (names.arraySize != NeuralFilter.Slots) names.arraySize = NeuralFilter.Slots;
        for (var slot = 0; slot < NeuralFilter.Slots; slot++)
        {
            EditorGUILayout.PropertyField(names.GetArrayElementAtIndex(slot), true);
            EditorGUILayout.PropertyField(it.FindProperty("_slot" + slot), true);
        }
        it.ApplyModifiedProperties();
    }
}

} // namespace Framebridge.Editor
