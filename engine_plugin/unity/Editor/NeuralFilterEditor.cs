using System;
using UnityEditor;
using UnityEngine;

namespace Framebridge.Editor {

// The inspector: what is wrong and what to do, the fields, the model's knobs, and how things stand.
[CanEditMultipleObjects]
[CustomEditor(typeof(NeuralFilter))]
sealed class NeuralFilterEditor : UnityEditor.Editor
{
    static readonly string[] Always = { "_maxSendRate", "_whenLost", "_mix", "_presentation", "_alpha" };
    static readonly string[] Targets = { "_targetTexture", "_targetRenderer", "_targetProperty" };
    static readonly string[] Bridge = { "_bridge", "_command", "_endpoint", "_token", "_runInEditMode", "_link" };

    bool _showSlots, _showBridge;

    public override bool RequiresConstantRepaint() { return Application.isPlaying || PackageList.Asking; }

    public override void OnInspectorGUI()
    {
        var filter = (NeuralFilter)target;
        PackageList.Update();
        serializedObject.Update();
        Warn(filter);
        Source(filter);
        Model(filter);
        Policy(filter);
        Fields(Always);
        EditorGUILayout.Space();
        if (filter.source == FilterSource.Camera) Fields("_showOnCamera");
        Fields(Targets);
        _showBridge = EditorGUILayout.Foldout(_showBridge, "Bridge", true);
        if (_showBridge) Fields(Bridge);
        serializedObject.ApplyModifiedProperties();
        if (targets.Length > 1) return;
        KnobFields.Draw(filter, target);
        _showSlots = EditorGUILayout.Foldout(_showSlots, "Slots for animation", true);
        if (_showSlots) KnobFields.DrawSlots(serializedObject, filter);
        StateFields.Draw(filter.state);
    }

    void Fields(params string[] names)
    {
        foreach (var name in names) EditorGUILayout.PropertyField(serializedObject.FindProperty(name), true);
    }

    static void Warn(NeuralFilter filter)
    {
        var advice = Advice.For(filter);
        if (advice != "") EditorGUILayout.HelpBox(advice, MessageType.Warning);
    }

    void Source(NeuralFilter filter)
    {
        Fields("_source");
        if (filter.source == FilterSource.Camera) Fields("_sourceCamera");
        if (filter.source == FilterSource.Texture) Fields("_sourceTexture");
    }

    void Model(NeuralFilter filter)
    {
        var model = serializedObject.FindProperty("_model");
        EditorGUILayout.PropertyField(model, true);
        var names = PackageList.Names.ToArray();
        if (names.Length > 0)
        {
            var chosen = Array.IndexOf(names, model.stringValue);
            var now = EditorGUILayout.Popup("Known models", chosen, names);
            if (now != chosen && now >= 0) model.stringValue = names[now];
            if (now >= 0 && PackageList.Descriptions[now] != "")
                EditorGUILayout.LabelField(" ", PackageList.Descriptions[now]);
        }
        var label = PackageList.Asking ? "Asking the bridge..." : names.Length > 0 ? "Ask again" : "Which models are there?";
        if (GUILayout.Button(label)) PackageList.Ask(filter);
        if (PackageList.Problem != "") EditorGUILayout.HelpBox(PackageList.Problem, MessageType.Warning);
    }

    void Policy(NeuralFilter filter)
    {
        Fields("_policy");
        if (filter.policy == FramePolicy.Delay) Fields("_delay");
        if (filter.policy == FramePolicy.Lockstep) Fields("_lockstepLimit");
        if (filter.policy == FramePolicy.Free) Fields("_tickRate");
        Fields("_seed");
    }
}

} // namespace Framebridge.Editor
