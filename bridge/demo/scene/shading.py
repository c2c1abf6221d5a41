"""How the demo's surfaces are lit: the programs in GLSL, and how a node gets one of them."""

from __future__ import annotations

from typing import Any

from panda3d import core as p3d

NodePath = Any

_VERTEX = """#version 120
uniform mat4 p3d_ModelViewProjectionMatrix, p3d_ModelMatrix;
uniform float mirror;
attribute vec4 p3d_Vertex, p3d_Color;
attribute vec3 p3d_Normal;
attribute vec2 p3d_MultiTexCoord0;
varying vec3 at, facing;
varying vec4 tint;
varying vec2 uv;
void main() {
    gl_Position = p3d_ModelViewProjectionMatrix * p3d_Vertex;
    vec3 flip = vec3(1.0, 1.0, mirror);  // a reflection is lit as the thing it reflects
    at = (p3d_ModelMatrix * p3d_Vertex).xyz * flip;
    facing = mat3(p3d_ModelMatrix) * p3d_Normal * flip;
    tint = p3d_Color;
    uv = p3d_MultiTexCoord0;
}
"""
_COMMON = """#version 120
uniform sampler2D p3d_Texture0;
uniform vec3 eye, orb[3], orb_colour[3];
uniform float mirror;
varying vec3 at, facing;
varying vec4 tint;
varying vec2 uv;
const vec3 sun = vec3(-0.3714, 0.9211, 0.1170);
vec3 sky(vec3 d) {
    float h = abs(d.z), glow = max(dot(d, sun), 0.0);
    vec3 c = mix(vec3(0.62, 0.21, 0.08), vec3(0.20, 0.10, 0.28), min(h * 4.2, 1.0));
    c = mix(c, vec3(0.012, 0.028, 0.12), smoothstep(0.08, 0.62, h));
    glow *= glow; glow *= glow; glow *= glow;
    return c * (0.45 + 0.55 * glow) + vec3(0.9, 0.36, 0.10) * glow * glow * glow * 0.35;
}
vec3 lit(vec3 n) {
    vec3 c = mix(vec3(0.07, 0.05, 0.07), vec3(0.13, 0.17, 0.34), n.z * 0.5 + 0.5);
    c += vec3(1.5, 0.62, 0.24) * max(dot(n, sun), 0.0);
    c += vec3(0.20, 0.23, 0.38) * max(dot(n, vec3(0.48, -0.80, 0.36)), 0.0);
    for (int i = 0; i < 3; ++i) {
        vec3 to = orb[i] - at;
        float d2 = dot(to, to);
        c += orb_colour[i] * max(dot(n, to) * inversesqrt(d2) + 0.15, 0.0) * (22.0 / (4.0 + d2));
    }
    return c;
}
vec4 shown(vec3 c, float a) {  // filmic curve, then a gamma of 2
    c = c * (2.51 * c + 0.03) / (c * (2.43 * c + 0.59) + 0.14);
    return vec4(sqrt(clamp(c, 0.0, 1.0)), a);
}
vec3 hazed(vec3 c, vec3 v, float d) {
    float haze = 1.0 - exp(-d * 0.0075);
    vec3 air = min(sky(vec3(v.xy, 0.10)) * 0.8, vec3(0.5, 0.24, 0.16));
    return mix(c, air, haze * haze);
}
"""
SOLID = """
uniform float metal;
void main() {
    vec3 n = normalize(facing), v = at - vec3(eye.xy, eye.z * mirror);
    float d = length(v);
    v /= d;
    vec3 paint = PAINT;
    paint *= paint * tint.rgb;
    vec3 c = paint * (lit(n) * (1.0 - 0.6 * metal) + tint.a * 4.0);
    if (metal > 0.0) {
        vec3 r = reflect(v, n);
        float edge = 1.0 - abs(dot(v, n));
        c += (paint * 1.3 + edge * edge * edge * 0.5) * (sky(r) + 0.06) * metal * 1.7;
    }
    gl_FragColor = shown(hazed(c, v, d), 1.0);
}
"""
FAR = """
void main() {
    vec3 v = at - vec3(eye.xy, eye.z * mirror);
    float d = length(v);
    vec3 paint = texture2D(p3d_Texture0, uv).rgb;
    paint *= paint * tint.rgb;
    float front = 0.5 - 0.5 * facing.x;
    gl_FragColor = shown(hazed(paint * (front * vec3(0.5, 0.26, 0.2) + tint.a), v / d, d), 1.0);
}
"""
FLOOR = """
void main() {
    vec3 v = at - eye;
    float d = length(v);
    v /= d;
    vec4 tile = texture2D(p3d_Texture0, uv);
    float edge = 1.0 + v.z;
    edge *= edge;
    float mirrored = (0.10 + 0.62 * edge * edge) * tile.a * exp(-d * 0.006);
    vec3 c = tile.rgb * tile.rgb * lit(vec3(0.0, 0.0, 1.0)) * 0.8;
    gl_FragColor = shown(hazed(c, v, d), 1.0 - mirrored);
}
"""
SKY = """
void main() {
    vec3 d = normalize(at - vec3(eye.xy, eye.z));
    float cloud = CLOUD;
    vec3 c = sky(d);
    c = mix(c, c * 1.5 + vec3(0.34, 0.10, 0.08) * (1.0 - abs(d.z)), cloud * 0.55);
    c += vec3(6.0, 3.2, 1.3) * smoothstep(0.9974, 0.9981, dot(vec3(d.xy, abs(d.z)), sun));
    gl_FragColor = shown(c, 1.0);
}
"""
TEXT = """
void main() {
    float d = length(at - vec3(eye.xy, eye.z * mirror));
    float ink = texture2D(p3d_Texture0, uv).a;
    gl_FragColor = shown(tint.rgb * tint.rgb * 2.2 * exp(-d * 0.006), ink);
}
"""
GLOW = """
void main() { gl_FragColor = vec4(texture2D(p3d_Texture0, uv).rgb * tint.rgb, 1.0); }
"""


def painted(node: NodePath, texture: Any, shader: Any) -> NodePath:
    if texture is not None:
        node.setTexture(texture, 1)
    node.setShader(shader)
    return node


def make_shader(fragment: str) -> Any:
    return p3d.Shader.make(p3d.Shader.SLGLSL, _VERTEX, _COMMON + fragment)
