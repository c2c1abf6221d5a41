namespace Framebridge {

// How a filter stands; read-only.
public struct FilterState
{
    public FilterConnection connection;
    public string problem;     // what is wrong, and what to do; "" if nothing is
    public string transport;   // how pixels travel, such as "render event"
    public string model;       // the package that runs, as the bridge names it
    public string backend;     // what runs it, such as "onnxruntime 1.22.0 cpu"
    public string note;        // what the bridge has to say about that
    public string sourceFormat, resultFormat; // as negotiated

    public ulong frameIn;      // id of the frame that was captured last
    public ulong frameOut;     // id of the frame whose result is shown; under Free the tick
    public float latencyMs;    // from a frame to its result, the last one
    public float periodMs;     // from result to result, smoothed

    public ulong sent, returned, dropped, skipped, late, withheld, lost;
    public ulong reused;       // frames of the engine that showed a result once more
    public ulong restarts, connections;
}

} // namespace Framebridge
