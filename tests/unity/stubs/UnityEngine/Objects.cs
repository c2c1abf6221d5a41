using System;
using System.Collections;
using System.Collections.Generic;
using System.Reflection;

// What the package uses of UnityEngine, with the behaviour that the tests rely on: lifetimes, the
// order of a frame, and a render thread that runs commands a frame after they were given. Pixels are
// real: an OpenGL context, see Rendering.cs.
namespace UnityEngine {

public class Object
{
    string _name = "";
    bool _destroyed;
    internal static readonly List<Object> Doomed = new List<Object>();

    public string name { get { return _name; } set { _name = value; } }
    public HideFlags hideFlags { get; set; }

    // A destroyed object equals null, as in the engine.
    public static bool operator ==(Object a, Object b)
    {
        var noA = (object)a == null || a._destroyed;
        var noB = (object)b == null || b._destroyed;
        return noA || noB ? noA == noB : ReferenceEquals(a, b);
    }
    public static bool operator !=(Object a, Object b) { return !(a == b); }
    public static implicit operator bool(Object it) { return it != null; }
    public override bool Equals(object other) { return this == other as Object; }
    public override int GetHashCode() { return System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this); }

    public static void Destroy(Object it) { if (it != null && !Doomed.Contains(it)) Doomed.Add(it); }
    public static void DestroyImmediate(Object it)
    {
        if (it == null) return;
        it.OnDestroyed();
        it._destroyed = true;
    }
    internal virtual void OnDestroyed() {}
}

[Flags] public enum HideFlags { None = 0, HideInHierarchy = 1, HideInInspector = 2, DontSave = 52, HideAndDontSave = 61 }

public class Component : Object
{
    public GameObject gameObject { get; internal set; }
    public T GetComponent<T>() where T : class { return gameObject.GetComponent<T>(); }
}

public class Behaviour : Component
{
    bool _enabled = true;
    public bool enabled
    {
        get { return _enabled; }
        set
        {
            if (_enabled == value) return;
            _enabled = value;
            Changed(value);
        }
    }
    public bool isActiveAndEnabled { get { return this != null && _enabled; } }
    internal virtual void Changed(bool on) {}
}

public class MonoBehaviour : Behaviour
{
    readonly List<IEnumerator> _coroutines = new List<IEnumerator>();

    public object StartCoroutine(IEnumerator routine)
    {
        if (routine.MoveNext()) _coroutines.Add(routine);
        return routine;
    }
    public void StopAllCoroutines() { _coroutines.Clear(); }

    internal bool Awake { get; set; }

    // A message of the engine, by name; exceptions are the player loop's, and end a test.
    internal void Send(string message, params object[] arguments)
    {
        var method = GetType().GetMethod(message, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public);
        if (method == null) return;
        try { method.Invoke(this, arguments); }
        catch (TargetInvocationException thrown) { throw new InvalidOperationException(GetType().Name + "." + message, thrown.InnerException); }
    }
    internal bool Answers(string message)
    {
        return GetType().GetMethod(message, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public) != null;
    }
    internal bool RunsNow { get { return Application.isPlaying || Attribute.IsDefined(GetType(), typeof(ExecuteInEditMode)); } }
    internal override void Changed(bool on) { if (RunsNow) Send(on ? "OnEnable" : "OnDisable"); }
    internal override void OnDestroyed()
    {
        if (enabled && RunsNow) Send("OnDisable");
        Send("OnDestroy");
        _coroutines.Clear();
        gameObject.Components.Remove(this);
    }
    internal void EndOfFrame()
    {
        foreach (var routine in _coroutines.ToArray()) if (!routine.MoveNext()) _coroutines.Remove(routine);
    }
}

public sealed class WaitForEndOfFrame {}

public sealed class GameObject : Object
{
    internal static readonly List<GameObject> All = new List<GameObject>();
    internal readonly List<Component> Components = new List<Component>();

    public GameObject(string name) { this.name = name; All.Add(this); }
    public T AddComponent<T>() where T : Component, new()
    {
        var component = new T();
        component.gameObject = this;
        component.name = name;
        Components.Add(component);
        var behaviour = component as MonoBehaviour;
        if (behaviour != null && behaviour.RunsNow) behaviour.Send("OnEnable");
        return component;
    }
    public T GetComponent<T>() where T : class
    {
        foreach (var component in Components) { var it = component as T; if (it != null) return it; }
        return null;
    }
    internal override void OnDestroyed()
    {
        foreach (var component in Components.ToArray()) DestroyImmediate(component);
        All.Remove(this);
    }
}

public static class Application
{
    public static bool isPlaying { get; internal set; }
    public static string unityVersion { get { return "stub"; } }
    public static string productName { get { return "Tests"; } }
    public static event Action quitting;
    internal static void Quit() { if (quitting != null) quitting(); }
    // A component that sets one of these fails its test.
    public static int targetFrameRate
    {
        get { return -1; }
        set { throw new InvalidOperationException("the frame rate is the application's"); }
    }
}

public static class Time
{
    static readonly System.Diagnostics.Stopwatch _watch = System.Diagnostics.Stopwatch.StartNew();
    // Tests may stop the clock and set it.
    internal static double? Set;
    public static float time { get { return (float)realtimeSinceStartupAsDouble; } }
    public static int frameCount { get; internal set; }
    public static double realtimeSinceStartupAsDouble { get { return Set ?? _watch.Elapsed.TotalSeconds; } }
}

public static class Debug
{
    internal static readonly List<string> Logged = new List<string>();
    public static void Log(object message) { Logged.Add("" + message); }
    public static void LogWarning(object message) { Logged.Add("" + message); }
    public static void LogException(Exception thrown) { Logged.Add("" + thrown); }
}

public static class Mathf
{
    public static float Clamp(float value, float min, float max) { return value < min ? min : value > max ? max : value; }
    public static int Clamp(int value, int min, int max) { return value < min ? min : value > max ? max : value; }
    public static float Clamp01(float value) { return Clamp(value, 0, 1); }
    public static float Lerp(float a, float b, float t) { return a + (b - a) * Clamp01(t); }
    public static float Max(float a, float b) { return a > b ? a : b; }
    public static float PingPong(float t, float length) { t = t % (2 * length); return length - Math.Abs(t - length); }
    public static int RoundToInt(float value) { return (int)Math.Round(value); }
}

[Serializable] public struct Vector2 { public float x, y; public Vector2(float x, float y) { this.x = x; this.y = y; } }
[Serializable] public struct Vector4
{
    public float x, y, z, w;
    public Vector4(float x, float y, float z, float w) { this.x = x; this.y = y; this.z = z; this.w = w; }
}
[Serializable] public struct Color
{
    public float r, g, b, a;
    public Color(float r, float g, float b, float a) { this.r = r; this.g = g; this.b = b; this.a = a; }
    public static Color clear { get { return new Color(); } }
}
[Serializable] public struct Rect { public float x, y, width, height; }

public sealed class ExecuteInEditMode : Attribute {}
public sealed class SerializeField : Attribute {}
public sealed class HideInInspector : Attribute {}
public sealed class DisallowMultipleComponent : Attribute {}
public sealed class AddComponentMenu : Attribute { public AddComponentMenu(string path) {} }
public sealed class RequireComponent : Attribute { public RequireComponent(Type a) {} public RequireComponent(Type a, Type b) {} }
public sealed class Range : Attribute { public Range(float min, float max) {} }
public sealed class RuntimeInitializeOnLoadMethod : Attribute {}

} // namespace UnityEngine
