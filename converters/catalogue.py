"""Every reader and every architecture, in the order in which they are asked.

`python -m converters.catalogue` prints the tables of docs/converting.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from converters.architectures import (
    anime4k_keras,
    celeba_autoencoder,
    dcscn,
    deblurgan,
    deblurgan_keras,
    deblurgan_v2,
    espcn,
    fast_neural_style,
    fsrcnn,
    fsrcnn_tensorflow,
    junyanz,
    ml5_style,
    mnist,
    onnx_graph,
    pix2pix,
    pix2pix_mix,
    real_esrgan,
    rrdb,
    tf_graph,
    vdsr,
)
from converters.architectures.base import Architecture
from converters.readers import (
    keras_h5,
    ml5,
    onnx_file,
    pict,
    plain_pickle,
    safetensors,
    saved_model,
    tf_checkpoint,
    tf_frozen,
    torch_legacy,
    torch_process,
    torch_zip,
)
from converters.readers.base import Reader

READERS: tuple[Reader, ...] = (
    pict.READER,
    torch_process.TORCHSCRIPT,
    torch_process.PROGRAM,
    torch_zip.READER,
    torch_legacy.READER,
    keras_h5.READER,
    saved_model.READER,
    tf_checkpoint.READER,
    ml5.READER,
    safetensors.READER,
    onnx_file.READER,
    tf_frozen.READER,
    plain_pickle.READER,
)
"""The more certain a format's marks, the earlier."""

ARCHITECTURES: tuple[Architecture, ...] = (
    onnx_graph.ARCHITECTURE,
    dcscn.ARCHITECTURE,
    fsrcnn.ARCHITECTURE,
    fsrcnn_tensorflow.ARCHITECTURE,
    vdsr.ARCHITECTURE,
    espcn.ARCHITECTURE,
    real_esrgan.ARCHITECTURE,
    rrdb.ARCHITECTURE,
    pix2pix_mix.ARCHITECTURE,
    pix2pix.ARCHITECTURE,
    deblurgan.ARCHITECTURE,
    deblurgan_v2.ARCHITECTURE,
    deblurgan_keras.ARCHITECTURE,
    junyanz.ARCHITECTURE,
    fast_neural_style.ARCHITECTURE,
    ml5_style.ARCHITECTURE,
    celeba_autoencoder.ARCHITECTURE,
    mnist.ARCHITECTURE,
    anime4k_keras.ARCHITECTURE,
    tf_graph.ARCHITECTURE,
    # What no array tells: these are for who asks for them by name.
    deblurgan.WITHOUT_DROPOUT,
    deblurgan.ANY_RESNET,
)
"""The more special a network, the earlier."""


def tables() -> str:
    """What can be converted, as Markdown."""
    readers = [
        (r.title, r.usual_names, f"`{r.name}`", f"`{r.extra}`" if r.extra else "none")
        for r in READERS
    ]
    architectures = [(a.title, f"`{a.name}`", _HOMES[a.framework]) for a in ARCHITECTURES]
    return (
        _table(("format", "usually called", "name", "needs the extra"), readers)
        + "\n\n"
        + _table(("network", "name", "`--verify` compares with"), architectures)
        + "\n"
    )


_HOMES = {"torch": "PyTorch", "tensorflow": "TensorFlow", "onnx": "the file itself"}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(tables(), end="")
