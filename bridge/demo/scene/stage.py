"""The demo's stage: what stands where, and where it is at each tick."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from panda3d import core as p3d

from bridge.demo.scene import shading, shapes
from bridge.demo.scene.shading import NodePath, make_shader, painted
from bridge.demo.scene.shapes import TAU
from bridge.demo.scene.textures import lettering, make_textures

TICKS_PER_SECOND = 60
ORB_COLOURS = ((1.0, 0.32, 0.10), (0.10, 0.62, 1.0), (0.95, 0.16, 0.62))
SIGN = "FRAMEBRIDGE"
LINE = "NEURAL PICTURES IN REAL TIME"
BAND = "EVERY ENGINE  *  EVERY FRAME  *  ON THE FLY  *  "


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


def _temple() -> dict[str, shapes.Mesh]:
    """Few triangles on purpose: a software renderer pays for each one, above all with samples."""
    made = {name: shapes.Mesh() for name in ("plain", "flutes", "dentils", "windows")}
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
        made[name].sheet(partial(shapes.bent, start, end, 1.32), 33, 2, ivory, (tiles, 1.0))
    steps = [(5.2, 0.0), (5.2, 0.3), (3.9, 0.5), (3.75, 0.6), (3.75, 1.75), (3.95, 1.9), (0.0, 2.0)]
    made["plain"].lathe(0.0, 0.0, steps, 32, colour=(0.62, 0.56, 0.52, 0.0))
    return made


def _city(mesh: shapes.Mesh) -> None:
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
            mesh.sheet(partial(shapes.flat, corner, across, up), colour=colour, tiles=tiles)


def build() -> Scene:
    """A new scene, not yet posed; about 9,000 triangles, drawn once more as its own reflection."""
    root, textures = p3d.NodePath("scene"), make_textures()
    solid = make_shader(shading.SOLID.replace("PAINT", "texture2D(p3d_Texture0, uv).rgb"))
    plain = make_shader(shading.SOLID.replace("PAINT", "vec3(1.0)"))
    root.setShaderInput("mirror", 1.0)
    root.setAntialias(p3d.AntialiasAttrib.MMultisample)
    standing = root.attachNewNode("standing")
    standing.setShaderInput("metal", 0.0)
    temple = _temple()
    _city(temple["windows"])
    for name, mesh in temple.items():
        shader = {"plain": plain, "windows": make_shader(shading.FAR)}.get(name, solid)
        part = painted(mesh.node(name), textures.get(name), shader)
        part.reparentTo(standing)
        part.setBin("fixed", 5 if name == "windows" else 1)  # near ones first: less is drawn over

    sculpture = standing.attachNewNode("sculpture")
    sculpture.setScale(0.82)
    knot = shapes.Mesh()
    knot.sheet(shapes.knot, 109, 10, tiles=(30.0, 1.0))
    painted(knot.node("knot"), textures["enamel"], solid).reparentTo(sculpture)
    sculpture.setShaderInput("metal", 1.0)
    hoops = []
    for radius in (3.05, 3.3):
        hoop = shapes.Mesh()
        hoop.sheet(partial(shapes.hoop, radius, 0.08), 41, 4, tiles=(12.0, 1.0))
        hoops.append(painted(hoop.node("hoop"), textures["enamel"], solid))
        hoops[-1].reparentTo(root)
        hoops[-1].setShaderInput("metal", 0.8)

    sign, line = lettering(SIGN, 14.6, 3.1, 1.25, False), lettering(LINE, 14.0, 0.85, 1.5, False)
    band = lettering(BAND, 3.80, 0.78, TAU, True)
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
        ball = shapes.Mesh()
        ball.lathe(0, 0, [(0.0, -0.2), (0.2, 0.0), (0.0, 0.2)], 6, colour=(*colour, 0.9))
        orbs.append(painted(ball.node("orb"), None, plain))
        orbs[-1].reparentTo(root)
        orbs[-1].setShaderInput("metal", 0.0)
        card = p3d.CardMaker("glow")
        card.setFrame(-1.5, 1.5, -1.5, 1.5)
        glow = painted(
            root.attachNewNode(card.generate()), textures["glow"], make_shader(shading.GLOW)
        )
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
    over, under = shapes.Mesh(), shapes.Mesh()
    over.lathe(0, 0, [(1, 1000), (900, 400), (1000, 0)], 24)
    under.lathe(0, 0, [(1000, 0), (900, -400), (1, -1000)], 24)
    plain_sky = shading.SKY.replace("CLOUD", "0.15")
    clouded = shading.SKY.replace("CLOUD", "texture2D(p3d_Texture0, d.xy / (d.z + 0.16) * 0.13).r")
    painted(over.node("over"), textures["cloud"], make_shader(clouded)).reparentTo(sky)
    painted(under.node("under"), None, make_shader(plain_sky)).reparentTo(sky)
    floor = shapes.Mesh()
    floor.sheet(partial(shapes.flat, (-160, -160, 0), (320, 0, 0), (0, 320, 0)), tiles=(40.0, 40.0))
    rose = shapes.Mesh()
    rose.sheet(partial(shapes.flat, (-9, -9, 0), (18, 0, 0), (0, 18, 0)))
    polished = make_shader(shading.FLOOR)
    for order, (mesh, name) in enumerate(((floor, "floor"), (rose, "rose"))):
        ground = painted(mesh.node(name), textures[name], polished)
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
