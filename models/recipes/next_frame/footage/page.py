"""The diary as one HTML file that opens anywhere, from a stick or by mail: all is inside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from importlib import resources

from . import plot
from .diary import Diary, LayerRange, Milestone, Play


def page(diary: Diary, promise: float = 0.0) -> str:
    """
    Args:
        promise: the loss reached on eight pictures, of 255, drawn into the plot; 0 for none.
    """
    sections = [
        _head(diary),
        _section("What it has learned", _losses(diary, promise)),
        _section("Growing up", _milestones(diary)),
        _section("The knob <i>age</i>", _ages(diary)),
        _section("What it gets wrong", _worst(diary)),
        _section("Inside", _layers(diary.milestones)),
        _section("The run", _facts(diary.facts)),
    ]
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    body = "\n".join(section for section in sections if section)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(diary.title)}: a diary</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(diary: Diary) -> str:
    state = "finished" if diary.finished else "still learning"
    last = diary.points[-1] if diary.points else None
    at = f"step {last.step:,}, after {_minutes(last.elapsed_s)}" if last else "begun"
    playing = _picture(diary.playing, f"{diary.title}, playing by itself") if diary.playing else ""
    figures = ""
    if last is not None:
        better = 100 * (1 - last.held_back / diary.repeat) if diary.repeat else 0.0
        figures = _figures(
            [
                (f"{last.held_back:.2f}", "error on frames it never saw, of 255"),
                (f"{diary.repeat:.2f}", "of repeating the frame before"),
                (f"{better:+.0f} %", "of that error explained"),
                (f"{last.motion:.2f}", "of the clip's motion, left alone"),
            ]
        )
    return (
        f'<header><p class="kicker">Next-frame diary · {state} · {at}</p>'
        f"<h1>{escape(diary.title)}</h1>{playing and f'<figure class=hero>{playing}</figure>'}"
        f"{figures}</header>"
    )


def _figures(figures: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<div><b>{number}</b><span>{text}</span></div>" for number, text in figures)
    return f'<div class="figures">{cells}</div>'


def _losses(diary: Diary, promise: float) -> str:
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in diary.promise)
    drawing = plot.losses(diary.points, diary.repeat, promise)
    note = (
        '<p class="note">Mean absolute error of the next frame, of 255; both scales are '
        "logarithmic.</p>"
    )
    return f"{said}{drawing}{drawing and note}"


def _milestones(diary: Diary) -> str:
    if not diary.milestones:
        return ""
    ticks = ", ".join(str(tick) for tick in diary.ticks)
    note = f"The same seeds each time, left alone; shown after {ticks} ticks."
    blocks = "".join(
        f"<div class=milestone><h3>{m.step:,}<small>steps, {_minutes(m.elapsed_s)}</small></h3>"
        f"<div class=seeds>{''.join(_play(m.step, play) for play in m.plays)}</div></div>"
        for m in diary.milestones
    )
    return f"<p>{note}</p>{blocks}"


def _play(step: int, play: Play) -> str:
    picture = _picture(play.strip, f"step {step}, {play.seed}")
    return f"<figure>{picture}<figcaption>{escape(play.seed)}</figcaption></figure>"


def _ages(diary: Diary) -> str:
    if not diary.ages:
        return ""
    rows = "".join(
        f"<tr><th>{age:.2f}</th><td>{_picture(strip, f'age {age:.2f}')}</td></tr>"
        for age, strip in diary.ages
    )
    note = (
        "Networks of this run, kept on the way, lie in the package; the knob blends their weights, "
        "from 0, wild, to 1, finished."
    )
    return f"<p>{note}</p><div class=scroll><table class=ages>{rows}</table></div>"


def _worst(diary: Diary) -> str:
    cells = "".join(
        f"<figure>{_picture(w.strip, f'frame {w.frame}')}<figcaption>frame {w.frame:,}, "
        f"{'held back' if w.held_back else 'learned from'}, off by {w.loss:.2f}</figcaption>"
        "</figure>"
        for w in diary.worst
    )
    note = "Before, what came, what it foretold, and the difference four times as strong."
    return f"<p>{note}</p><div class=worst>{cells}</div>" if cells else ""


def _layers(milestones: Sequence[Milestone]) -> str:
    shown = [m for m in milestones if m.layers]
    if not shown:
        return ""
    reach = max(abs(b) for m in shown for r in m.layers for b in (r.low, r.high)) or 1.0
    head = "".join(f"<th>{m.step:,}</th>" for m in shown)
    rows = []
    for index, layer in enumerate(shown[-1].layers):
        cells = "".join(f"<td>{plot.layer_bar(m.layers[index], reach)}</td>" for m in shown)
        rows.append(f"<tr><th>{escape(layer.layer)}</th>{cells}<td>{_range(layer)}</td></tr>")
    note = (
        "Where 98 per cent of each layer's results lie, step by step; the line in the middle is "
        "zero, and the scale logarithmic away from it. A bar that runs to the edge is a layer that "
        "runs away, one that shrinks to the line a layer that falls silent."
    )
    return (
        f"<p>{note}</p><div class=scroll><table class=layers><thead><tr><th>layer</th>{head}"
        f"<th>now</th></tr></thead>{''.join(rows)}</table></div>"
    )


def _range(layer: LayerRange) -> str:
    silent = f", {layer.silent:.0%} silent" if layer.silent else ""
    return f"{layer.low:.2f} to {layer.high:.2f}{silent}"


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(word)}</dt><dd>{escape(text)}</dd>" for word, text in facts)
    return f"<dl>{rows}</dl>"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>" if content else ""


def _picture(content: bytes, words: str) -> str:
    data = base64.b64encode(content).decode()
    return f'<img alt="{escape(words, quote=True)}" src="data:image/webp;base64,{data}">'


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
