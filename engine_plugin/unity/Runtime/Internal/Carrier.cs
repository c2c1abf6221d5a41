using System;
using UnityEngine.Rendering;

namespace Framebridge.Internal {

// A result that has come; whoever takes it returns its picture to the carrier.
struct Arrival
{
    public ulong id;
    public GpuTexture picture;
}

// How pixels go to the library and come back.
interface ICarrier : IDisposable
{
    string Name { get; }

    // Why it cannot be used on this device; "" if it can.
    string Unfit { get; }

    // Record what sends a frame, if there is one, and what fetches results. A frame that could not be
    // taken is false.
    bool Exchange(CommandBuffer commands, Capture frame);

    // The next result that has come; false if there is none.
    bool Take(out Arrival arrival);

    void Return(GpuTexture picture);

    // More results wait than one exchange a frame will ever fetch.
    bool Behind { get; }

    // While the engine waits in lockstep: do what brings the result nearer.
    void Nudge();
}

} // namespace Framebridge.Internal
