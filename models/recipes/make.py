"""Train and export a package: `make train NAME=upscale-x2`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from .catalogue import NAMES, recipe_of
from .recipe import DATA, TRAINED, Options, Recipe
from .training.loop import CHECKPOINT, Run, train


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.make",
        description="Train a network and make its package. Stopped with Ctrl-C, or killed, it goes "
        "on with --resume.",
    )
    parser.add_argument("name", choices=sorted(NAMES), help="of the package")
    parser.add_argument(
        "--steps", type=int, metavar="N", help="of the whole run (those of the shipped package)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=2, metavar="T", help="(%(default)s)")
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu", help="(%(default)s)"
    )
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="FOLDER",
        help="pictures to learn from and to measure with (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--trained", type=Path, default=TRAINED, metavar="FOLDER",
        help="holds a folder for each recipe: checkpoint, loss curve, preview (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--package", type=Path, metavar="FOLDER",
        help="where the package goes; one that is there is replaced (models/NAME)",
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--export-only", action="store_true", help="of the checkpoint as it is")
    arguments = parser.parse_args()
    if arguments.steps is not None and arguments.steps < 1:
        parser.error("--steps must be above zero")
    return arguments


def main() -> int:
    """Exit status: 0 made, 1 the graph differs from the network, 3 something is missing."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    recipe = recipe_of(arguments.name)
    options = Options(arguments.seed, arguments.data, arguments.trained, arguments.device)
    package: Path = arguments.package or Path("models") / recipe.name
    try:
        checkpoint = _trained(recipe, options, arguments)
        recipe.export(torch.load(checkpoint, weights_only=True), package, options)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 3
    except (ValueError, FloatingPointError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The checkpoint is written; --resume goes on from it.", file=sys.stderr)
        return 130
    print(package)
    return 0


def _trained(recipe: Recipe, options: Options, arguments: argparse.Namespace) -> Path:
    """Train, unless only an export was asked for; returns the checkpoint."""
    output = options.trained / recipe.run_name
    checkpoint = output / CHECKPOINT
    if arguments.export_only or arguments.resume:
        if not checkpoint.is_file():
            raise FileNotFoundError(f"{checkpoint}: no such file; train first, without --resume")
        if arguments.export_only:
            return checkpoint
    run = Run(
        recipe.run_name, recipe.learner(options), options.seed, arguments.steps or recipe.steps
    )
    if arguments.resume:
        run.load(checkpoint)
    train(run, output)
    return checkpoint


if __name__ == "__main__":
    raise SystemExit(main())
