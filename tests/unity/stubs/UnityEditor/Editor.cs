using System;
using System.Collections.Generic;
using System.Reflection;
using UnityEngine;

// What the package's inspector uses of UnityEditor. What is drawn is written down, and tests choose
// what a person would.
namespace UnityEditor {

public static class AssemblyReloadEvents
{
    public static event Action beforeAssemblyReload;
    internal static void Reload() { if (beforeAssemblyReload != null) beforeAssemblyReload(); }
}

public enum PlayModeStateChange { EnteredEditMode, ExitingEditMode, EnteredPlayMode, ExitingPlayMode }

public static class EditorApplication
{
    public static event Action quitting;
    public static event Action<PlayModeStateChange> playModeStateChanged;
    internal static void Quit() { if (quitting != null) quitting(); }
    internal static void Change(PlayModeStateChange change) { if (playModeStateChanged != null) playModeStateChanged(change); }
}

public sealed class InitializeOnLoad : Attribute {}
public sealed class CanEditMultipleObjects : Attribute {}
public sealed class CustomEditor : Attribute { public CustomEditor(Type type) {} }

public abstract class Editor
{
    public UnityEngine.Object target { get { return targets[0]; } }
    public UnityEngine.Object[] targets { get; internal set; }
    public SerializedObject serializedObject { get; internal set; }
    public virtual void OnInspectorGUI() {}
    public virtual bool RequiresConstantRepaint() { return false; }

    internal void Edit(UnityEngine.Object it)
    {
        targets = new[] { it };
        serializedObject = new SerializedObject(it);
    }
}

public sealed class SerializedObject
{
    readonly object _it;
    public SerializedObject(UnityEngine.Object it) { _it = it; }
    public void Update() {}
    public bool ApplyModifiedProperties() { return true; }
    // A property that is not serialized is an error of the inspector.
    public SerializedProperty FindProperty(string name)
    {
        var field = _it.GetType().GetField(name, BindingFlags.Instance | BindingFlags.NonPublic);
        if (field == null || !Attribute.IsDefined(field, typeof(SerializeField)))
            throw new InvalidOperationException("no serialized field " + name);
        return new SerializedProperty(name, () => field.GetValue(_it), value => field.SetValue(_it, value));
    }
}

public sealed class SerializedProperty
{
    internal readonly string Name;
    readonly Func<object> _get;
    readonly Action<object> _set;
    internal SerializedProperty(string name, Func<object> get, Action<object> set) { Name = name; _get = get; _set = set; }
    internal object Value { get { return _get(); } }
    public string stringValue { get { return (string)_get(); } set { _set(value); } }
    public int arraySize
    {
        get { return ((string[])_get()).Length; }
        set { _set(new string[value]); }
    }
    public SerializedProperty GetArrayElementAtIndex(int index)
    {
        var array = (string[])_get();
        return new SerializedProperty(Name + index, () => array[index], value => array[index] = (string)value);
    }
}

public enum MessageType { None, Info, Warning, Error }
public static class EditorStyles { public static GUIStyle boldLabel { get { return null; } } }

public static class EditorGUILayout
{
    internal static readonly List<string> Drawn = new List<string>();
    internal static readonly Dictionary<string, object> Chosen = new Dictionary<string, object>();

    static T Draw<T>(string label, T value, string more)
    {
        Drawn.Add(label + ": " + value + more);
        object chosen;
        if (!Chosen.TryGetValue(label, out chosen)) return value;
        Chosen.Remove(label);
        EditorGUI.Changed = true;
        return (T)chosen;
    }

    public static bool PropertyField(SerializedProperty property, bool children)
    {
        Drawn.Add(property.Name + ": " + property.Value);
        return false;
    }
    public static void Space() {}
    public static bool Foldout(bool open, string label, bool onLabel) { return Draw(label, true, ""); }
    public static void HelpBox(string text, MessageType kind) { Drawn.Add(kind + ": " + text); }
    public static void LabelField(string label, string text) { Drawn.Add(label + ": " + text); }
    public static void LabelField(string label, GUIStyle style) { Drawn.Add(label); }
    public static int Popup(string label, int chosen, string[] choices) { return Draw(label, chosen, " of " + string.Join(" ", choices)); }
    public static float Slider(string label, float value, float min, float max) { return Draw(label, value, " from " + min + " to " + max); }
    public static int IntSlider(string label, int value, int min, int max) { return Draw(label, value, " from " + min + " to " + max); }
    public static bool Toggle(string label, bool value) { return Draw(label, value, ""); }
    public static Color ColorField(string label, Color value) { return Draw(label, value, ""); }
}

public static class EditorGUI
{
    internal static bool Changed;
    public static void BeginChangeCheck() { Changed = false; }
    public static bool EndChangeCheck() { return Changed; }
}

public static class Undo { public static void RecordObject(UnityEngine.Object it, string what) {} }
public static class EditorUtility { public static void SetDirty(UnityEngine.Object it) {} }

} // namespace UnityEditor

namespace UnityEngine {

public sealed class GUIStyle {}

public static class GUILayout
{
    public static bool Button(string label)
    {
        UnityEditor.EditorGUILayout.Drawn.Add("button " + label);
        return UnityEditor.EditorGUILayout.Chosen.Remove("button " + label);
    }
}

} // namespace UnityEngine
