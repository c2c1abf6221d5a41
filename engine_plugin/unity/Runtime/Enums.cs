namespace Framebridge {

// Where frames come from.
public enum FilterSource { Camera, GameView, Texture }

// Which result is shown. Latest: the newest, for live use. Delay: that of the frame a fixed number
// before. Lockstep: that of this frame, for which the engine waits; for offline rendering only.
// Free: the model ticks by itself, for generators.
public enum FramePolicy { Latest, Delay, Lockstep, Free }

// What is shown while no model runs: the frame itself, the last result, or nothing.
public enum LossAction { PassThrough, Hold, Clear }

// How one result follows another: at once, or faded over the time that the model takes for one.
public enum Presentation { Newest, Crossfade }

// Whether alpha is carried along, or taken for 1.
public enum AlphaUse { Opaque, Straight }

// Where the bridge comes from: started for this application alone and ended with it, started for all
// applications of this user, or started by somebody else.
public enum BridgeStart { Private, Shared, Wait }

// How things stand, as fb_statistics.state has it; Idle is before the first frame.
public enum FilterConnection { Absent, Connecting, Opening, Live, Paused, Failed, Idle }

public enum KnobKind { Float, Int, Bool, Choice, Colour }

} // namespace Framebridge
