"""Measure an upscaling package: `python -m models.recipes.upscale.evaluate models/upscale-x2`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image
from rich.console import Console
from rich.table import Table

from bridge.errors import FramebridgeError
from bridge.inference.package import ModelPackage
from converters.luma_psnr import FloatPicture, Pair, bicubic, find_pictures, psnr, y_of
from models.recipes.upscale.data import read_pair
from models.recipes.upscale.network import SCALE

TEST_SETS = {"Set5": "set5", "Set14": "set14"}
PICTURES = Path("../shared/data/sr-images")
COMMAND = "python -m models.recipes.upscale.evaluate models/upscale-x2"
METRIC = "psnr_y_db"
METRIC_RGB8 = "psnr_y_rgb8_db"
TOLERANCE_DB = 0.01
"""Half of the last decimal that a manifest states, and as much for another runtime's rounding."""


@dataclass(frozen=True, slots=True)
class Score:
    """Mean PSNR on Y over a test set, in dB; each picture counts alike.

    Attributes:
        network: luma of the graph's float result, as DCSCN measures.
        network_rgb8: the result rounded to 8-bit RGB first, as people see it.
        bicubic: Pillow's bicubic of the float luma.
        bicubic_rgb8: Pillow's bicubic of the 8-bit RGB picture.
    """

    network: float
    network_rgb8: float
    bicubic: float
    bicubic_rgb8: float


class Upscaler:
    """The graph of a package in ONNX Runtime, on the CPU."""

    def __init__(self, graph: Path | bytes, threads: int = 2) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        source = graph if isinstance(graph, bytes) else str(graph)
        self.session = onnxruntime.InferenceSession(
            source, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, rgb8: npt.NDArray[np.uint8]) -> FloatPicture:
        """uint8 (H, W, 3) RGB to float32 (2H, 2W, 3) RGB, of 255, clamped, not rounded."""
        frame = rgb8.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        source = self.session.get_inputs()[0].name
        (result,) = self.session.run(None, {source: frame})
        clamped: FloatPicture = np.clip(result[0].transpose(1, 2, 0), 0, 1) * np.float32(255)
        return clamped


def measure(upscaler: Upscaler, pairs: Iterator[Pair]) -> Score:
    """The score of a graph on a test set."""
    rows = [_measure_one(upscaler, pair) for pair in pairs]
    return Score(*(float(mean) for mean in np.mean(rows, axis=0)))


def _measure_one(upscaler: Upscaler, pair: Pair) -> tuple[float, float, float, float]:
    size = (pair.high.shape[1], pair.high.shape[0])
    result = upscaler(pair.low)
    enlarged = bicubic(y_of(pair.low, pair.grey), SCALE)
    enlarged_rgb8 = np.asarray(Image.fromarray(pair.low).resize(size, Image.Resampling.BICUBIC))
    truth = y_of(pair.high, pair.grey)
    return (
        psnr(truth, y_of(result, pair.grey), SCALE),
        psnr(truth, y_of(np.rint(result), pair.grey), SCALE),
        psnr(truth, enlarged, SCALE),
        psnr(truth, y_of(enlarged_rgb8, pair.grey), SCALE),
    )


def measure_sets(graph: Path | bytes, pictures: Path) -> dict[str, Score]:
    """The score on each test set, by its name.

    Raises: FileNotFoundError: a test set is not there.
    """
    upscaler = Upscaler(graph)
    scores = {}
    for name, folder in TEST_SETS.items():
        paths = find_pictures(pictures / folder)
        if not paths:
            raise FileNotFoundError(f"{name}: no pictures in {pictures / folder}")
        scores[name] = measure(upscaler, map(read_pair, paths))
    return scores


def _stated(package: ModelPackage) -> dict[tuple[str, str], float]:
    return {(q.dataset, q.metric): q.value for q in package.manifest.quality}


def _table(scores: dict[str, Score], stated: dict[tuple[str, str], float]) -> Table:
    table = Table("set", "result", "dB", "stated", "bicubic", "gain", title="PSNR on Y, x2")
    for name, score in scores.items():
        for what, metric, found, base in (
            ("float", METRIC, score.network, score.bicubic),
            ("8-bit RGB", METRIC_RGB8, score.network_rgb8, score.bicubic_rgb8),
        ):
            value = stated.get((name, metric))
            said = "" if value is None else f"{value:.2f}"
            table.add_row(
                name, what, f"{found:.3f}", said, f"{base:.3f}", f"{found - base:+.2f}"
            )  # fmt: skip
    return table


def _differences(scores: dict[str, Score], stated: dict[tuple[str, str], float]) -> list[str]:
    found = {(n, METRIC): s.network for n, s in scores.items()}
    found |= {(n, METRIC_RGB8): s.network_rgb8 for n, s in scores.items()}
    return [
        f"{place[0]} {place[1]}: the manifest says {value}, found {found[place]:.3f}"
        for place, value in stated.items()
        if place in found and abs(found[place] - value) > TOLERANCE_DB
    ]


def main() -> int:
    """Exit status: 0 as stated, 1 otherwise or no valid package, 3 no test pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.upscale.evaluate",
        description="Measure an x2 upscaling package on Set5 and Set14 as DCSCN does, and compare "
        "with what its manifest states.",
    )
    parser.add_argument("package", type=Path, help="folder of the package")
    parser.add_argument(
        "--pictures", type=Path, default=PICTURES, metavar="FOLDER",
        help="holds set5 and set14 (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="write the figures as JSON")
    arguments = parser.parse_args()
    try:
        package = ModelPackage.open(arguments.package)
        scores = measure_sets(package.graph_path(), arguments.pictures)
    except FramebridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except FileNotFoundError as error:
        print(f"{error}: give --pictures", file=sys.stderr)
        return 3
    stated = _stated(package)
    if arguments.json:
        print(json.dumps({name: asdict(score) for name, score in scores.items()}, indent=2))
    else:
        Console().print(_table(scores, stated))
    differences = _differences(scores, stated)
    for difference in differences:
        print(difference, file=sys.stderr)
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
