"""How the sanitizers are set, and how their reports are found."""

from __future__ import annotations

import re
from pathlib import Path

SUPPRESSIONS = Path(__file__).parents[2] / "engine_plugin" / "native" / "tests" / "suppressions"
REPORT = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def environment() -> dict[str, str]:
    """What the sanitizers read; it does nothing to a program that was built without them."""

    def options(*words: str) -> str:
        return ":".join([*words, "print_suppressions=0"])

    return {
        "ASAN_OPTIONS": options("detect_leaks=1", "detect_stack_use_after_return=1"),
        "LSAN_OPTIONS": options(f"suppressions={SUPPRESSIONS / 'leaks.txt'}"),
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": options(
            f"suppressions={SUPPRESSIONS / 'threads.txt'}",
            "second_deadlock_stack=1",
            "history_size=4",
        ),
    }


def reports(text: str) -> str:
    """What a sanitizer has said, from its first report on; empty if nothing."""
    found = REPORT.search(text)
    return text[max(0, found.start() - 200) :][:8000] if found else ""
