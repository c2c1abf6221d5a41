Shader "Hidden/Framebridge/Compose"
{
    Properties
    {
        _MainTex ("", 2D) = "black" {}
    }
    SubShader
    {
        Cull Off ZWrite Off ZTest Always
        Pass
        {
            HLSLPROGRAM
            #pragma vertex vert_img
            #pragma fragment Fragment
            #include "UnityCG.cginc"
            #include "FramebridgeCompose.hlsl"

            sampler2D _MainTex;
            sampler2D _FramebridgeNowSource;
            sampler2D _FramebridgeBefore;
            sampler2D _FramebridgeBeforeSource;
            float4 _FramebridgeWeights; // beforeMix, nowMix, fade

            float4 Fragment(v2f_img i) : SV_Target
            {
                return FramebridgeCompose(
                    tex2D(_FramebridgeBefore, i.uv), tex2D(_FramebridgeBeforeSource, i.uv),
                    _FramebridgeWeights.x,
                    tex2D(_MainTex, i.uv), tex2D(_FramebridgeNowSource, i.uv),
                    _FramebridgeWeights.y, _FramebridgeWeights.z);
            }
            ENDHLSL
        }
    }
}
