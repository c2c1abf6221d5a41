"""The demo's scene: a square at dusk with a turning sculpture, built and moved by code alone.

Every shape is a function of two parameters, sampled by `_Mesh.sheet`; every texture is computed
with numpy. What an upscaler is judged by is all here: lettering, thin wires, stripes, far tiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d import core as p3d

Floats = npt.NDArray[np.floating[Any]]
Surface = Callable[[Floats, Floats], tuple[Any, Any, Any]]
NodePath = Any

TICKS_PER_SECOND = 60
ORB_COLOURS = ((1.0, 0.32, 0.10), (0.10, 0.62, 1.0), (0.95, 0.16, 0.62))
SIGN = "FRAMEBRIDGE"
LINE = "NEURAL PICTURES IN REAL TIME"
BAND = "EVERY ENGINE  *  EVERY FRAME  *  ON THE FLY  *  "
TAU = 2.0 * math.pi

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
_SOLID = """
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
_FAR = """
void main() {
    vec3 v = at - vec3(eye.xy, eye.z * mirror);
    float d = length(v);
    vec3 paint = texture2D(p3d_Texture0, uv).rgb;
    paint *= paint * tint.rgb;
    float front = 0.5 - 0.5 * facing.x;
    gl_FragColor = shown(hazed(paint * (front * vec3(0.5, 0.26, 0.2) + tint.a), v / d, d), 1.0);
}
"""
_FLOOR = """
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
_SKY = """
void main() {
    vec3 d = normalize(at - vec3(eye.xy, eye.z));
    float cloud = CLOUD;
    vec3 c = sky(d);
    c = mix(c, c * 1.5 + vec3(0.34, 0.10, 0.08) * (1.0 - abs(d.z)), cloud * 0.55);
    c += vec3(6.0, 3.2, 1.3) * smoothstep(0.9974, 0.9981, dot(vec3(d.xy, abs(d.z)), sun));
    gl_FragColor = shown(c, 1.0);
}
"""
_TEXT = """
void main() {
    float d = length(at - vec3(eye.xy, eye.z * mirror));
    float ink = texture2D(p3d_Texture0, uv).a;
    gl_FragColor = shown(tint.rgb * tint.rgb * 2.2 * exp(-d * 0.006), ink);
}
"""
_GLOW = """
void main() { gl_FragColor = vec4(texture2D(p3d_Texture0, uv).rgb * tint.rgb, 1.0); }
"""


class _Mesh:
    """Sheets gathered into one piece of geometry: position, normal, colour (its alpha is the
    light given off), texture coordinates."""

    def __init__(self) -> None:
        self.vertices: list[Floats] = []
        self.triangles: list[Floats] = []
        self.count = 0

    def sheet(
        self,
        surface: Surface,
        nu: int = 2,
        nv: int = 2,
        colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 0.0),
        tiles: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        """Adds `surface`, sampled at `nu` times `nv` points of u and v from 0 to 1; it is seen
        from the side to which (along u) x (along v) points."""
        u, v = np.meshgrid(np.linspace(0, 1, nu), np.linspace(0, 1, nv), indexing="ij")

        def at(u: Floats, v: Floats) -> Floats:
            return np.stack([part + 0.0 * u for part in surface(u, v)], axis=-1)

        e = 1e-4
        normal = np.cross(at(u + e, v) - at(u - e, v), at(u, v + e) - at(u, v - e))
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-20)
        paint = np.broadcast_to(np.array(colour), (*u.shape, 4))
        uv = np.stack([u * tiles[0], v * tiles[1]], axis=-1)
        self.vertices.append(np.concatenate([at(u, v), normal, paint, uv], axis=-1).reshape(-1, 12))
        corner = (np.arange(nu - 1)[:, None] * nv + np.arange(nv - 1)).ravel() + self.count
        a, b, c, d = corner, corner + nv, corner + nv + 1, corner + 1
        self.triangles.append(np.stack([a, b, c, a, c, d], axis=-1))
        self.count += nu * nv

    def lathe(
        self, x: float, y: float, profile: list[tuple[float, float]], n: int, **look: Any
    ) -> None:
        """Turns `profile`, radii and heights from the bottom up, about the upright axis at x, y."""
        for low, high in pairwise(profile):
            self.sheet(partial(_cone, x, y, low, high), n + 1, 2, **look)

    def node(self, name: str) -> NodePath:
        """The geometry, ready to be attached."""
        columns = p3d.GeomVertexArrayFormat()
        columns.addColumn("vertex", 3, p3d.Geom.NTFloat32, p3d.Geom.CPoint)
        columns.addColumn("normal", 3, p3d.Geom.NTFloat32, p3d.Geom.CNormal)
        columns.addColumn("color", 4, p3d.Geom.NTFloat32, p3d.Geom.CColor)
        columns.addColumn("texcoord", 2, p3d.Geom.NTFloat32, p3d.Geom.CTexcoord)
        layout = p3d.GeomVertexFormat.registerFormat(p3d.GeomVertexFormat(columns))
        data = p3d.GeomVertexData(name, layout, p3d.Geom.UHStatic)
        data.uncleanSetNumRows(self.count)
        rows = np.concatenate(self.vertices).astype(np.float32)
        data.modifyArrayHandle(0).copyDataFrom(rows.tobytes())
        corners = np.concatenate(self.triangles).astype(np.uint32)
        shape = p3d.GeomTriangles(p3d.Geom.UHStatic)
        shape.setIndexType(p3d.Geom.NTUint32)
        shape.modifyVertices().uncleanSetNumRows(corners.size)
        shape.modifyVertices().modifyHandle().copyDataFrom(corners.tobytes())
        geometry = p3d.Geom(data)
        geometry.addPrimitive(shape)
        holder = p3d.GeomNode(name)
        holder.addGeom(geometry)
        return p3d.NodePath(holder)


def _cone(
    x: float, y: float, low: tuple[float, float], high: tuple[float, float], u: Floats, v: Floats
) -> tuple[Any, Any, Any]:
    r = low[0] + (high[0] - low[0]) * v
    return x + r * np.cos(TAU * u), y + r * np.sin(TAU * u), low[1] + (high[1] - low[1]) * v


def _flat(origin: Any, along_u: Any, along_v: Any, u: Floats, v: Floats) -> tuple[Any, Any, Any]:
    x, y, z = (o + a * u + b * v for o, a, b in zip(origin, along_u, along_v, strict=True))
    return x, y, z


def _bent(
    start: tuple[float, float], end: tuple[float, float], sweep: float, u: Floats, v: Floats
) -> tuple[Any, Any, Any]:
    """A strip around the upright axis, from (radius, height) `start` to `end`, `sweep` each way."""
    a, r = (2.0 * u - 1.0) * sweep, start[0] + (end[0] - start[0]) * v
    return r * np.sin(a), r * np.cos(a), start[1] + (end[1] - start[1]) * v


def _knot(u: Floats, v: Floats) -> tuple[Any, Any, Any]:
    """A torus knot that goes round three times while it winds twice."""

    def spine(t: Floats) -> Floats:
        r = 2.0 + 0.85 * np.cos(3.0 * t)
        return np.stack([r * np.cos(2.0 * t), r * np.sin(2.0 * t), 0.95 * np.sin(3.0 * t)], axis=-1)

    t, turn = TAU * u, TAU * v[..., None]
    along = spine(t + 1e-3) - spine(t - 1e-3)
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    side = np.cross(along, (0.0, 0.0, 1.0))
    side /= np.linalg.norm(side, axis=-1, keepdims=True)
    tube = spine(t) + 0.52 * (np.cos(turn) * side - np.sin(turn) * np.cross(side, along))
    return tube[..., 0], tube[..., 1], tube[..., 2]


def _hoop(radius: float, thin: float, u: Floats, v: Floats) -> tuple[Any, Any, Any]:
    r = radius + thin * np.cos(TAU * v)
    return r * np.cos(TAU * u), r * np.sin(TAU * u), thin * np.sin(TAU * v)


def _texture(name: str, picture: Floats, smooth: bool = False) -> Any:
    """`picture`: (H, W), (H, W, 3) or (H, W, 4), 0 to 1, first row at v = 0."""
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=-1)
    if picture.shape[2] == 3:
        picture = np.concatenate([picture, np.ones_like(picture[..., :1])], axis=-1)
    texels = (np.clip(picture, 0.0, 1.0)[..., [2, 1, 0, 3]] * 255.0 + 0.5).astype(np.uint8)
    texture = p3d.Texture(name)
    height, width = picture.shape[:2]
    texture.setup2dTexture(width, height, p3d.Texture.TUnsignedByte, p3d.Texture.FRgba)
    texture.setRamImage(texels.tobytes())
    texture.setMinfilter(p3d.SamplerState.FTLinearMipmapNearest)
    texture.setMagfilter(p3d.SamplerState.FTLinear)
    if smooth:  # without mipmaps a software renderer takes half the time
        texture.setMinfilter(p3d.SamplerState.FTLinear)
    return texture


def _noise(size: int, octaves: int, seed: int) -> Floats:
    """Tiling cloud, (size, size), about 0 to 1: waves of random direction, summed per octave."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.fft2(rng.standard_normal((size, size)))
    f = np.fft.fftfreq(size) * size
    far = np.hypot(f[:, None], f[None, :])
    spectrum *= np.where((far > 0) & (far < 2**octaves), np.maximum(far, 1.0) ** -1.6, 0.0)
    cloud = np.fft.ifft2(spectrum).real
    return np.asarray(0.5 + cloud / (4.0 * cloud.std()))


def _textures() -> dict[str, Any]:
    y, x = (np.mgrid[0:512, 0:512] + 0.5) / 512.0
    veins = _noise(512, 8, 1)
    checker = ((np.floor(x * 4) + np.floor(y * 4)) % 2)[..., None]
    stone = np.array([0.20, 0.21, 0.25]) + checker * np.array([0.42, 0.38, 0.33])
    stone = stone * (0.72 + 0.5 * veins[..., None])
    joint = (np.abs((x * 4 + 0.5) % 1 - 0.5) < 0.022) | (np.abs((y * 4 + 0.5) % 1 - 0.5) < 0.022)
    stone = np.where(joint[..., None], 0.10, stone)
    gloss = np.where(joint, 0.2, 0.75 + 0.25 * checker[..., 0])
    floor = np.concatenate([stone, gloss[..., None]], axis=-1)

    a, r = np.arctan2(y - 0.5, x - 0.5) / TAU, np.hypot(x - 0.5, y - 0.5) * 2.0
    ring = np.floor(r * 12.0)
    spokes = np.floor(a * 48.0 + ring * 0.5) % 2
    star = np.floor(a * 24.0 + r * 6.0) + np.floor(a * 24.0 - r * 6.0)
    pick = np.where(ring % 3 == 0, 2, np.where(ring % 3 == 1, spokes, star % 2)).astype(int)
    hues = np.array([[0.70, 0.60, 0.45], [0.10, 0.20, 0.30], [0.60, 0.24, 0.14]])
    rose = hues[pick] * (0.75 + 0.45 * veins[..., None])
    inlay = (np.abs((r * 12.0 + 0.5) % 1 - 0.5) < 0.05)[..., None]
    rose = np.where(inlay, [0.85, 0.66, 0.30], rose)
    # Past its rim the square that carries it goes on with the floor's tiles, two units each.
    tile = ((np.floor(x * 9 - 4.5) + np.floor(y * 9 - 4.5)) % 2)[..., None]
    around = np.array([0.20, 0.21, 0.25]) + tile * np.array([0.42, 0.38, 0.33])
    rose = np.where((r > 1.0)[..., None], around, rose)
    rose = np.concatenate([rose, np.full((512, 512, 1), 0.9)], axis=-1)

    stripe = (np.floor(x * 8 + y) % 2)[..., None]
    enamel = np.where(stripe > 0, [0.95, 0.74, 0.34], [0.05, 0.30, 0.40])
    wire = (np.abs((x * 16 + y * 2) % 1 - 0.5) > 0.46)[..., None]
    enamel = np.where(wire, [1.0, 0.95, 0.8], enamel)

    rng = np.random.default_rng(7)
    on = np.kron(rng.random((32, 32)) ** 3, np.ones((16, 16)))
    warm = np.kron(rng.random((32, 32)), np.ones((16, 16)))[..., None]
    px, py = (x * 32) % 1, (y * 32) % 1
    pane = (np.abs(px - 0.5) < 0.3) & (np.abs(py - 0.5) < 0.34)
    light = (0.12 + 0.88 * on[..., None]) * (
        np.array([1.0, 0.72, 0.40]) * warm + np.array([0.55, 0.8, 1.0]) * (1 - warm)
    )
    windows = np.where(pane[..., None], light, [0.16, 0.17, 0.23])

    flutes = 0.70 + 0.22 * np.cos(x * TAU * 20) + 0.2 * (veins - 0.5)
    dentils = 0.86 + 0.3 * (veins - 0.5) - 0.5 * ((x * 16 % 1 < 0.45) & (np.abs(y - 0.86) < 0.08))
    dentils = np.where(np.abs(y - 0.70) < 0.012, 0.35, dentils)
    dentils = np.where(np.abs(y - 0.12) < 0.012, 0.35, dentils)
    near = np.clip(1.0 - r, 0.0, 1.0)
    return {
        "floor": _texture("floor", floor),
        "rose": _texture("rose", rose),
        "enamel": _texture("enamel", enamel),
        "windows": _texture("windows", windows),
        "flutes": _texture("flutes", flutes),
        "dentils": _texture("dentils", dentils),
        "cloud": _texture("cloud", np.clip(_noise(256, 6, 3) * 1.7 - 0.45, 0.0, 1.0), smooth=True),
        "glow": _texture("glow", near**3 + 0.25 * near, smooth=True),
    }


def _lettering(text: str, radius: float, height: float, sweep: float, outward: bool) -> NodePath:
    """`text` as glyphs on a drum of `radius`, spread evenly over `sweep` radians."""
    font = p3d.TextProperties.getDefaultFont().makeCopy()
    font.setPixelsPerUnit(64)
    font.setMinfilter(p3d.SamplerState.FTLinearMipmapLinear)
    holder, nodes = p3d.NodePath("lettering"), []
    for letter in text:
        nodes.append(p3d.TextNode(letter))
        nodes[-1].setFont(font)
        nodes[-1].setText(letter)
        nodes[-1].setAlign(p3d.TextNode.ACenter)
    steps = np.array([node.calcWidth(node.getText()) + 0.08 for node in nodes])
    turns = ((np.cumsum(steps) - steps / 2.0) / steps.sum() - 0.5) * sweep
    for node, turn in zip(nodes, -turns if outward else turns, strict=True):
        glyph = holder.attachNewNode(node.generate())
        glyph.setScale(height)
        glyph.setPos(radius * math.sin(turn), radius * math.cos(turn), 0.0)
        glyph.setH(-math.degrees(turn) + (180.0 if outward else 0.0))
    holder.flattenStrong()
    holder.setShader(_shader(_TEXT), 1)
    holder.setTransparency(p3d.TransparencyAttrib.MAlpha)
    holder.setDepthWrite(False)
    holder.setDepthOffset(1)
    holder.setBin("fixed", 25)
    return holder


@dataclass
class Scene:
    """The graph's root and all that moves in it; cameras hang below `rig`."""

    root: NodePath
    rig: NodePath
    sculpture: NodePath
    hoops: list[NodePath]
    band: NodePath
    orbs: list[NodePath]
    glows: list[NodePath]
    sky: NodePath


def _temple() -> dict[str, _Mesh]:
    """Few triangles on purpose: a software renderer pays for each one, above all with samples."""
    made = {name: _Mesh() for name in ("plain", "flutes", "dentils", "windows")}
    ivory, warm = (0.86, 0.78, 0.68, 0.0), (1.0, 0.50, 0.16, 0.5)
    for i in range(11):
        a = (i - 5) * 0.235
        x, y = 15.0 * math.sin(a), 15.0 * math.cos(a)
        made["plain"].lathe(x, y, [(1.1, 0.0), (1.05, 0.4), (0.72, 0.75)], 10, colour=ivory)
        made["flutes"].lathe(x, y, [(0.70, 0.7), (0.58, 7.5)], 10, colour=ivory)
        made["plain"].lathe(x, y, [(0.58, 7.4), (1.0, 8.0), (1.0, 8.2)], 10, colour=ivory)
        lamp = [(0.0, 2.7), (0.19, 3.1), (0.0, 3.5)]
        made["plain"].lathe(0.945 * x, 0.945 * y, lamp, 5, colour=warm)
    for name, start, end, tiles in (
        ("dentils", (14.1, 8.2), (14.1, 10.7), 9.0),
        ("dentils", (15.9, 8.2), (14.1, 8.2), 1.0),
        ("plain", (14.1, 10.7), (13.7, 11.1), 1.0),
    ):
        made[name].sheet(partial(_bent, start, end, 1.32), 33, 2, ivory, (tiles, 1.0))
    steps = [(5.2, 0.0), (5.2, 0.3), (3.9, 0.5), (3.75, 0.6), (3.75, 1.75), (3.95, 1.9), (0.0, 2.0)]
    made["plain"].lathe(0.0, 0.0, steps, 32, colour=(0.62, 0.56, 0.52, 0.0))
    return made


def _city(mesh: _Mesh) -> None:
    rng = np.random.default_rng(11)
    for a in np.linspace(-1.2, 1.2, 44):
        far, wide = rng.uniform(60, 125), rng.uniform(3.0, 6.5)
        tall = 9.0 + 34.0 * rng.random() ** 2
        tall *= 1.0 - 0.55 * math.exp(-((a + 0.38) ** 2) * 40.0)  # a gap where the sun goes down
        x, y, tint = far * math.sin(a), far * math.cos(a), rng.uniform(0.5, 1.0)
        tiles = (max(2.0, round(wide * 0.8)) / 16.0, round(tall * 0.8) / 16.0)
        colour = (0.55 * tint, 0.6 * tint, 0.75 * tint, 1.1)
        up, near = (0.0, 0.0, tall), y - wide
        for corner, across in (
            ((x - wide, near, 0.0), (2.0 * wide, 0.0, 0.0)),
            ((x - wide, y, 0.0), (0.0, -wide, 0.0)),
            ((x + wide, near, 0.0), (0.0, wide, 0.0)),
        ):
            mesh.sheet(partial(_flat, corner, across, up), colour=colour, tiles=tiles)


def _painted(node: NodePath, texture: Any, shader: Any) -> NodePath:
    if texture is not None:
        node.setTexture(texture, 1)
    node.setShader(shader)
    return node


def _shader(fragment: str) -> Any:
    return p3d.Shader.make(p3d.Shader.SLGLSL, _VERTEX, _COMMON + fragment)


def build() -> Scene:
    """A new scene, not yet posed; about 9,000 triangles, drawn once more as its own reflection."""
    root, textures = p3d.NodePath("scene"), _textures()
    solid = _shader(_SOLID.replace("PAINT", "texture2D(p3d_Texture0, uv).rgb"))
    plain = _shader(_SOLID.replace("PAINT", "vec3(1.0)"))
    root.setShaderInput("mirror", 1.0)
    root.setAntialias(p3d.AntialiasAttrib.MMultisample)
    standing = root.attachNewNode("standing")
    standing.setShaderInput("metal", 0.0)
    temple = _temple()
    _city(temple["windows"])
    for name, mesh in temple.items():
        shader = {"plain": plain, "windows": _shader(_FAR)}.get(name, solid)
        part = _painted(mesh.node(name), textures.get(name), shader)
        part.reparentTo(standing)
        part.setBin("fixed", 5 if name == "windows" else 1)  # near ones first: less is drawn over

    sculpture = standing.attachNewNode("sculpture")
    sculpture.setScale(0.82)
    knot = _Mesh()
    knot.sheet(_knot, 109, 10, tiles=(30.0, 1.0))
    _painted(knot.node("knot"), textures["enamel"], solid).reparentTo(sculpture)
    sculpture.setShaderInput("metal", 1.0)
    hoops = []
    for radius in (3.05, 3.3):
        hoop = _Mesh()
        hoop.sheet(partial(_hoop, radius, 0.08), 41, 4, tiles=(12.0, 1.0))
        hoops.append(_painted(hoop.node("hoop"), textures["enamel"], solid))
        hoops[-1].reparentTo(root)
        hoops[-1].setShaderInput("metal", 0.8)

    sign, line = _lettering(SIGN, 14.6, 3.1, 1.25, False), _lettering(LINE, 14.0, 0.85, 1.5, False)
    band = _lettering(BAND, 3.80, 0.78, TAU, True)
    for text, height, colour in (
        (sign, 11.3, (1.0, 0.72, 0.36)),
        (line, 9.0, (0.9, 0.55, 0.3)),
        (band, 1.0, (0.2, 0.8, 1.0)),
    ):
        text.setZ(height)
        text.setColor(*colour, 1.0)
        text.reparentTo(root)

    orbs, glows = [], []
    for colour in ORB_COLOURS:
        ball = _Mesh()
        ball.lathe(0, 0, [(0.0, -0.2), (0.2, 0.0), (0.0, 0.2)], 6, colour=(*colour, 0.9))
        orbs.append(_painted(ball.node("orb"), None, plain))
        orbs[-1].reparentTo(root)
        orbs[-1].setShaderInput("metal", 0.0)
        card = p3d.CardMaker("glow")
        card.setFrame(-1.5, 1.5, -1.5, 1.5)
        glow = _painted(root.attachNewNode(card.generate()), textures["glow"], _shader(_GLOW))
        glow.setBillboardPointEye()
        glow.setColor(*colour, 1.0)
        glow.setAttrib(p3d.ColorBlendAttrib.make(p3d.ColorBlendAttrib.MAdd))
        glow.setDepthWrite(False)
        glow.setBin("fixed", 30)
        glows.append(glow)

    reflection = root.attachNewNode("reflection")
    reflection.setScale(1.0, 1.0, -1.0)
    reflection.setShaderInput("mirror", -1.0)
    reflection.setAttrib(p3d.CullFaceAttrib.make(p3d.CullFaceAttrib.MCullCounterClockwise))
    standing.instanceTo(reflection)
    sign.copyTo(reflection).setBin("fixed", 15)

    sky = root.attachNewNode("sky")
    sky.setBin("fixed", 10)
    sky.setDepthWrite(False)
    over, under = _Mesh(), _Mesh()
    over.lathe(0, 0, [(1, 1000), (900, 400), (1000, 0)], 24)
    under.lathe(0, 0, [(1000, 0), (900, -400), (1, -1000)], 24)
    plain_sky = _SKY.replace("CLOUD", "0.15")
    clouded = _SKY.replace("CLOUD", "texture2D(p3d_Texture0, d.xy / (d.z + 0.16) * 0.13).r")
    _painted(over.node("over"), textures["cloud"], _shader(clouded)).reparentTo(sky)
    _painted(under.node("under"), None, _shader(plain_sky)).reparentTo(sky)
    floor = _Mesh()
    floor.sheet(partial(_flat, (-160, -160, 0), (320, 0, 0), (0, 320, 0)), tiles=(40.0, 40.0))
    rose = _Mesh()
    rose.sheet(partial(_flat, (-9, -9, 0), (18, 0, 0), (0, 18, 0)))
    polished = _shader(_FLOOR)
    for order, (mesh, name) in enumerate(((floor, "floor"), (rose, "rose"))):
        ground = _painted(mesh.node(name), textures[name], polished)
        ground.reparentTo(root)
        ground.setTransparency(p3d.TransparencyAttrib.MAlpha)
        ground.setBin("fixed", 20 + order)
        ground.setDepthWrite(False)
    rig = root.attachNewNode("rig")
    return Scene(root, rig, sculpture, hoops, band, orbs, glows, sky)


def pose(scene: Scene, tick: int) -> None:
    """Moves all that moves to where it is at `tick`; nothing of an earlier pose is left."""
    t = tick / TICKS_PER_SECOND
    swing, far = -0.10 + 0.50 * math.sin(TAU * t / 17.0), 19.0 + 2.5 * math.sin(TAU * t / 11.0)
    height = 3.6 + 1.5 * math.sin(TAU * t / 13.0)
    eye = p3d.Vec3(far * math.sin(swing), -far * math.cos(swing), height)
    scene.rig.setPos(eye)
    scene.rig.lookAt(p3d.Point3(0.0, 0.0, 6.0))
    scene.root.setShaderInput("eye", eye)
    scene.sky.setPos(eye.x, eye.y, 0.0)
    scene.sculpture.setPosHpr(0.0, 0.0, 5.1, 31.0 * t, 58.0 + 14.0 * math.sin(TAU * t / 9.0), 0.0)
    scene.hoops[0].setPosHpr(0.0, 0.0, 5.1, -24.0 * t, 67.0, 0.0)
    scene.hoops[1].setPosHpr(0.0, 0.0, 5.1, 19.0 * t, 24.0, 40.0)
    scene.band.setPosHpr(0.0, 0.0, 1.0, 13.0 * t, 0.0, 0.0)
    places = p3d.PTA_LVecBase3f()
    for i, (orb, glow) in enumerate(zip(scene.orbs, scene.glows, strict=True)):
        a = TAU * (t / 7.0 + i / 3.0)
        at = p3d.Vec3(6.0 * math.cos(a), 6.0 * math.sin(a), 4.2 + 2.2 * math.sin(1.7 * a + i))
        places.pushBack(at)
        orb.setPos(at)
        glow.setPos(at)
    scene.root.setShaderInput("orb", places)
    colours = p3d.PTA_LVecBase3f()
    for colour in ORB_COLOURS:
        colours.pushBack(p3d.Vec3(*colour))
    scene.root.setShaderInput("orb_colour", colours)
