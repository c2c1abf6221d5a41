using UnityEditor;

namespace Framebridge.Editor {

// How a filter stands, to be read.
static class StateFields
{
    internal static void Draw(FilterState state)
    {
        EditorGUILayout.Space();
        EditorGUILayout.LabelField("State", EditorStyles.boldLabel);
        Line("Connection", state.connection.ToString());
        if (state.model != "") Line("Model", state.model + " on " + state.backend);
        if (state.note != "") Line("Note", state.note);
        if (state.transport != "") Line("Pixels", state.transport);
        if (state.sourceFormat != "") Line("Frames", state.sourceFormat);
        if (state.resultFormat != "") Line("Results", state.resultFormat);
        Line("Frame in, out", state.frameIn + ", " + state.frameOut);
        Line("Latency", state.latencyMs.ToString("0.0") + " ms, a result every "
            + state.periodMs.ToString("0.0") + " ms");
        Line("Sent, returned", state.sent + ", " + state.returned);
        Line("Dropped, skipped", state.dropped + ", " + state.skipped);
        Line("Late, reused", state.late + ", " + state.reused);
        Line("Lost, withheld", state.lost + ", " + state.withheld);
        Line("Restarts, connections", state.restarts + ", " + state.connections);
    }

    static void Line(string label, string text) { EditorGUILayout.LabelField(label, text); }
}

} // namespace Framebridge.Editor
