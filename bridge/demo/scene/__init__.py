"""The demo's scene: a square at dusk with a turning sculpture, built and moved by code alone.

Every shape is a function of two parameters, sampled by `shapes.Mesh`; every texture is computed
with numpy. What an upscaler is judged by is all here: lettering, thin wires, stripes, far tiles.
"""

from bridge.demo.scene.stage import Scene, build, pose

__all__ = ["Scene", "build", "pose"]
