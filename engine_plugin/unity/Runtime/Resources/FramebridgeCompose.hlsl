// What is shown of a result: blended with its own source frame, and faded from the result before.
// Written in what HLSL and GLSL have in common, so that the tests run these very lines.

// before, now: results; beforeSource, nowSource: the frames that they were made of.
// mix: 0 the source, 1 the result. fade: 0 what was before, 1 what is now.
float4 FramebridgeCompose(float4 before, float4 beforeSource, float beforeMix,
                          float4 now, float4 nowSource, float nowMix, float fade)
{
    return lerp(lerp(beforeSource, before, beforeMix), lerp(nowSource, now, nowMix), fade);
}
