"""The demo's shapes: surfaces of two parameters, and the mesh that samples them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d import core as p3d

from bridge.demo.scene.shading import NodePath

Floats = npt.NDArray[np.floating[Any]]
Surface = Callable[[Floats, Floats], tuple[Any, Any, Any]]

TAU = 2.0 * math.pi


class Mesh:
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
            self.sheet(partial(cone, x, y, low, high), n + 1, 2, **look)

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


def cone(
    x: float, y: float, low: tuple[float, float], high: tuple[float, float], u: Floats, v: Floats
) -> tuple[Any, Any, Any]:
    r = low[0] + (high[0] - low[0]) * v
    return x + r * np.cos(TAU * u), y + r * np.sin(TAU * u), low[1] + (high[1] - low[1]) * v


def flat(origin: Any, along_u: Any, along_v: Any, u: Floats, v: Floats) -> tuple[Any, Any, Any]:
    x, y, z = (o + a * u + b * v for o, a, b in zip(origin, along_u, along_v, strict=True))
    return x, y, z


def bent(
    start: tuple[float, float], end: tuple[float, float], sweep: float, u: Floats, v: Floats
) -> tuple[Any, Any, Any]:
    """A strip around the upright axis, from (radius, height) `start` to `end`, `sweep` each way."""
    a, r = (2.0 * u - 1.0) * sweep, start[0] + (end[0] - start[0]) * v
    return r * np.sin(a), r * np.cos(a), start[1] + (end[1] - start[1]) * v


def knot(u: Floats, v: Floats) -> tuple[Any, Any, Any]:
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


def hoop(radius: float, thin: float, u: Floats, v: Floats) -> tuple[Any, Any, Any]:
    r = radius + thin * np.cos(TAU * v)
    return r * np.cos(TAU * u), r * np.sin(TAU * u), thin * np.sin(TAU * v)
