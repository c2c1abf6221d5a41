"""Pictures, folders of pictures and videos, in and out, as RGBA frames with the top row first."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import av
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bridge.errors import MediaError
from bridge.frames import MAX_SIDE, Pixels

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
VIDEOS = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"}
"""In and out; an animated GIF is read as a video too."""
DEFAULT_FPS = Fraction(30)
_BT601, _STUDIO_RANGE = 6, 1
"""FFmpeg's AVCOL_SPC_SMPTE170M and AVCOL_RANGE_MPEG."""
_CODECS: dict[str, tuple[str, dict[str, str]]] = {
    ".mkv": ("ffv1", {}),
    ".avi": ("ffv1", {}),
    ".webm": ("libvpx-vp9", {"crf": "24", "b": "0"}),
}


@dataclass(frozen=True, slots=True)
class Still:
    """One frame of an input.

    Attributes:
        name: file name without its ending, or the number of the frame in a video.
        pixels: uint8 (H, W, 4), RGBA, straight alpha, top row first.
        has_alpha: the file has an alpha channel; otherwise alpha is 255.
    """

    name: str
    pixels: Pixels
    has_alpha: bool


class Input:
    """A picture, a folder of pictures in natural order, or a video (an animated GIF is one).

    Attributes:
        kind: "picture", "folder" or "video".
        count: frames to come; of a video that does not say, what its duration tells, else 0.
        fps: frames a second; 30 for pictures.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises: MediaError: there is nothing there that can be read.
        """
        self.path = path
        self.fps = DEFAULT_FPS
        if path.is_dir():
            self.kind = "folder"
            self._files = sorted(
                (p for p in path.iterdir() if p.suffix.lower() in PICTURES), key=_natural
            )
            if not self._files:
                raise MediaError(
                    str(path),
                    "a folder with pictures",
                    "none in it",
                    f"Endings: {_list(PICTURES)}.",
                )
            self.count = len(self._files)
        elif path.suffix.lower() in VIDEOS or _is_animated(path):
            self.kind = "video"
            with _container(path) as container:
                stream = container.streams.video[0]
                self.fps = stream.average_rate or DEFAULT_FPS
                lasts_s = Fraction(container.duration or 0, av.time_base)
                self.count = stream.frames or round(lasts_s * self.fps)
        else:
            self.kind, self.count, self._files = "picture", 1, [path]

    def __iter__(self) -> Iterator[Still]:
        """
        Raises: MediaError: a file cannot be read.
        """
        if self.kind == "video":
            yield from self._video_frames()
            return
        for file in self._files:
            yield read_picture(file)

    def stretch(self, start: int, count: int) -> Iterator[Still]:
        """At most `count` frames in a row from frame `start`, without reading all before them.

        In a video the place is found by time, and may be off by some frames.
        Raises: MediaError: a file cannot be read.
        """
        if self.kind == "video":
            yield from islice(self._video_frames(start), count)
            return
        for file in self._files[start : start + count]:
            yield read_picture(file)

    def _video_frames(self, start: int = 0) -> Iterator[Still]:
        with _container(self.path) as container:
            try:
                begin_s = float(start / self.fps) + (container.start_time or 0) / av.time_base
                if start:
                    # To the key frame before; what lies between is decoded and left out.
                    container.seek(round(begin_s * av.time_base))
                index = start
                for frame in container.decode(video=0):
                    if start and frame.time is not None and frame.time < begin_s - 1e-3:
                        continue
                    yield Still(f"{index:06d}", frame.to_ndarray(format="rgba"), has_alpha=False)
                    index += 1
            except av.FFmpegError as error:
                raise MediaError(
                    str(self.path), "a whole video", error.strerror or "a broken one",
                    "Copy or export it again.",
                ) from None  # fmt: skip


def read_picture(path: Path) -> Still:
    """One picture of any common format, turned upright as its EXIF says.

    Raises: MediaError: it is missing, is no picture, is cut short, or is too large.
    """
    try:
        with Image.open(path) as image:
            if max(image.size) > MAX_SIDE:
                raise MediaError(
                    str(path),
                    f"sides of at most {MAX_SIDE} pixels",
                    f"{image.width}x{image.height}",
                )
            has_alpha = image.has_transparency_data
            upright = _eight_bit(ImageOps.exif_transpose(image))
            return Still(path.stem, np.asarray(upright.convert("RGBA")), has_alpha)
    except FileNotFoundError:
        raise MediaError(str(path), "a picture", "no such file", "Correct the path.") from None
    except UnidentifiedImageError:
        raise MediaError(
            str(path), f"a picture ({_list(PICTURES)})", "a file of another kind",
            "Give a picture, a folder of pictures or a video.",
        ) from None  # fmt: skip
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(str(path), "a whole picture", str(error)) from None


def _eight_bit(image: Image.Image) -> Image.Image:
    # Pillow clips 16-bit grey to 255 instead of scaling it.
    if image.mode.startswith("I"):
        values = np.clip(np.asarray(image, np.int64), 0, 65535)
        return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8), "L")
    return image


def write_picture(path: Path, pixels: Pixels, keep_alpha: bool = True) -> None:
    """Write a picture whole, or not at all.

    Args:
        pixels: uint8 (H, W, 4), RGBA, top row first.
    Raises: MediaError: the place or the ending is no good.
    """
    image = Image.fromarray(pixels if keep_alpha else pixels[:, :, :3])
    if path.suffix.lower() not in PICTURES:
        raise MediaError(str(path), f"an ending of {_list(PICTURES)}", repr(path.suffix))
    if path.suffix.lower() in (".jpg", ".jpeg"):
        image = image.convert("RGB")
    _make_folder(path.parent)
    scratch = ""
    try:
        handle, scratch = tempfile.mkstemp(suffix=path.suffix, prefix=".", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            image.save(file, format=Image.registered_extensions()[path.suffix.lower()])
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
        scratch = ""
    except (OSError, ValueError) as error:
        raise MediaError(str(path), "a place to write", str(error)) from None
    finally:
        if scratch:
            Path(scratch).unlink(missing_ok=True)


class Output(Protocol):
    """Where results go; what is not finished by `close` leaves nothing behind."""

    def write(self, still: Still) -> None: ...

    def close(self, complete: bool) -> None: ...


def open_output(path: Path, source: Input) -> Output:
    """A place for as many frames as `source` has: a folder, a video, or one picture.

    Raises: MediaError: the ending of `path` does not suit the input, or two of its pictures would
        become one file.
    """
    ending = path.suffix.lower()
    if source.kind == "picture" and ending in PICTURES:
        return _PictureOutput(path)
    if source.kind != "picture" and ending in VIDEOS:
        return VideoOutput(path, source.fps)
    if ending == "":
        _check_names(source)
        return _FolderOutput(path)
    wanted = (
        f"a picture ({_list(PICTURES)})"
        if source.kind == "picture"
        else f"a video ({_list(VIDEOS)})"
    )
    raise MediaError(
        str(path), f"{wanted} or a folder", f"the ending {ending!r}", "Correct the name."
    )


class _PictureOutput:
    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, still: Still) -> None:
        write_picture(self._path, still.pixels, still.has_alpha)

    def close(self, complete: bool) -> None:
        """Written whole already."""


class _FolderOutput:
    def __init__(self, path: Path) -> None:
        self._path = path
        _make_folder(path)

    def write(self, still: Still) -> None:
        write_picture(self._path / f"{still.name}.png", still.pixels, still.has_alpha)

    def close(self, complete: bool) -> None:
        """Each picture was written whole already."""


class VideoOutput:
    """H.264 for .mp4, .mov and .m4v; lossless FFV1 for .mkv and .avi; VP9 for .webm."""

    def __init__(self, path: Path, fps: Fraction) -> None:
        _make_folder(path.parent)
        self._path = path
        self._scratch = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
        self._fps = fps
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> VideoOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close(kind is None)

    def write(self, still: Still) -> None:
        """Add a frame; all must have the size of the first."""
        height, width, _ = still.pixels.shape
        if self._stream is None:
            self._begin(width, height)
        elif (width, height) != (self._stream.width, self._stream.height):
            raise MediaError(
                str(self._path), f"frames of {self._stream.width}x{self._stream.height}",
                f"{width}x{height} ({still.name})", "Write to a folder instead.",
            )  # fmt: skip
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(still.pixels), format="rgba")
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise MediaError(str(self._path), "a video to write", str(error)) from None

    def close(self, complete: bool) -> None:
        if self._container is None:
            return
        container, self._container = self._container, None
        try:
            try:
                if complete:
                    container.mux(self._stream.encode())
            finally:
                container.close()
            if complete:
                self._scratch.replace(self._path)
        except (av.FFmpegError, OSError) as error:
            raise MediaError(str(self._path), "a place to write a video", str(error)) from None
        finally:
            self._scratch.unlink(missing_ok=True)

    def _begin(self, width: int, height: int) -> None:
        ending = self._path.suffix.lower()
        codec, options = _CODECS.get(ending, ("libx264", {"crf": "16"}))
        try:
            self._container = av.open(self._scratch, "w")
            self._stream = self._container.add_stream(codec, rate=self._fps, options=options)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise MediaError(str(self._path), "a place to write a video", str(error)) from None
        self._stream.width, self._stream.height = width, height
        # 4:2:0 halves both sides, which odd sizes do not allow.
        lossy = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        self._stream.pix_fmt = "bgr0" if codec == "ffv1" else lossy
        if codec != "ffv1":
            # What the encoder makes of RGB. Untagged, players take HD for BT.709 and shift colours.
            self._stream.codec_context.colorspace = _BT601
            self._stream.codec_context.color_range = _STUDIO_RANGE


def _container(path: Path) -> Any:
    try:
        container = av.open(path)
    except FileNotFoundError:
        raise MediaError(str(path), "a video", "no such file", "Correct the path.") from None
    except (av.FFmpegError, OSError) as error:
        raise MediaError(
            str(path), "a video", error.strerror or "a broken one", "Copy or export it again."
        ) from None
    if not container.streams.video:
        container.close()
        raise MediaError(str(path), "a video", "a file without pictures")
    container.streams.video[0].thread_type = "AUTO"
    return container


def _is_animated(path: Path) -> bool:
    if path.suffix.lower() != ".gif":
        return False
    try:
        with Image.open(path) as image:
            return bool(getattr(image, "is_animated", False))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False  # no picture either, as whoever reads it will say


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            str(path), "a folder to write to", error.strerror or str(error), "Name another place."
        ) from None


def _check_names(source: Input) -> None:
    """Pictures that differ in their endings alone would overwrite each other."""
    if source.kind != "folder":
        return
    seen: dict[str, Path] = {}
    for file in source._files:
        other = seen.setdefault(file.stem, file)
        if other != file:
            raise MediaError(
                str(source.path), "pictures of different names", f"{other.name} and {file.name}",
                "Rename one of them.",
            )  # fmt: skip


def _natural(path: Path) -> list[tuple[int, str]]:
    # Numbers count as numbers: frame2 comes before frame10.
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _list(endings: set[str]) -> str:
    return ", ".join(sorted(endings))
