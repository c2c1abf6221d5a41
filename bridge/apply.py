"""Runs a package on pictures and videos in this process: the same graph as in a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bridge.errors import MediaError
from bridge.frames import FrameFormat, Pixels
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.inference.verification import verified
from bridge.media import Input, Still, open_output


class Applier:
    """Runs one package on frames of any size; a graph is compiled for each format once."""

    def __init__(
        self,
        package: ModelPackage,
        options: RunOptions | None = None,
        parameters: dict[str, object] | None = None,
    ) -> None:
        self._package = package
        self._options = options
        self._parameters = parameters or {}
        self._chain: Chain | None = None
        self._verified = False

    def run(self, pixels: Pixels, *, has_alpha: bool = True) -> Pixels:
        """The result of one frame.

        Args:
            pixels: uint8 (H, W, 4), RGBA, top row first.
            has_alpha: carry alpha along; otherwise the result's is 255.
        Returns: uint8 (H', W', 4), a new array.
        Raises: all that `verified` and Chain raise.
        """
        height, width, _ = pixels.shape
        alpha = "straight" if has_alpha else "opaque"
        format = FrameFormat(width=width, height=height, alpha=alpha)  # type: ignore[arg-type]
        if self._chain is None or self._chain.source != format:
            self.close()
            # Once: a folder of pictures may hold as many sizes as pictures.
            if not self._verified:
                verified(self._package, format, self._options)
                self._verified = True
            self._chain = Chain([self._package], format, self._options)
            self._chain.set_parameters(self._parameters)
        result = np.empty(self._chain.result.shape, np.uint8)
        self._chain.run(np.ascontiguousarray(pixels), result)
        return result

    def close(self) -> None:
        if self._chain is not None:
            self._chain.close()
            self._chain = None


def apply(applier: Applier, source: Input, target: Path) -> Iterator[str]:
    """Run every frame of `source` and write the results.

    Yields: the name of each frame when it is written.
    Raises: MediaError, and all that Chain raises. Guarantees: no half-written file is left.
    """
    if target.resolve() == source.path.resolve():
        raise MediaError(
            str(target), "another place than the input's", "the input itself",
            "Name another picture, folder or video: the originals are not overwritten.",
        )  # fmt: skip
    output = open_output(target, source)
    complete = False
    try:
        for still in source:
            result = applier.run(still.pixels, has_alpha=still.has_alpha)
            output.write(Still(still.name, result, still.has_alpha))
            yield still.name
        complete = True
    finally:
        output.close(complete)
        applier.close()
