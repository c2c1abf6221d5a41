using UnityEditor;

namespace Framebridge.Editor {

// Nothing of a filter may outlive the scripts that began it: no thread, no socket, no mapping.
[InitializeOnLoad]
static class ReloadGuard
{
    static ReloadGuard()
    {
        AssemblyReloadEvents.beforeAssemblyReload += CloseAll;
        EditorApplication.quitting += CloseAll;
        EditorApplication.playModeStateChanged += Changed;
    }

    static void CloseAll()
    {
        NeuralFilter.CloseAll();
        PackageList.Close();
    }

    static void Changed(PlayModeStateChange change)
    {
        if (change == PlayModeStateChange.ExitingPlayMode || change == PlayModeStateChange.ExitingEditMode)
            CloseAll();
        else NeuralFilter.OpenAll();
    }
}

} // namespace Framebridge.Editor
