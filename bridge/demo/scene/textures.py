"""What the demo's surfaces show: textures computed with numpy, and lettering."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from panda3d import core as p3d

from bridge.demo.scene.shading import TEXT, NodePath, make_shader
from bridge.demo.scene.shapes import TAU, Floats


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


def make_textures() -> dict[str, Any]:
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


def lettering(text: str, radius: float, height: float, sweep: float, outward: bool) -> NodePath:
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
    holder.setShader(make_shader(TEXT), 1)
    holder.setTransparency(p3d.TransparencyAttrib.MAlpha)
    holder.setDepthWrite(False)
    holder.setDepthOffset(1)
    holder.setBin("fixed", 25)
    return holder
