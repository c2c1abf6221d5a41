"""The C# mirror of framebridge.h is the header, field by field and function by function."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unity.mono import PACKAGE, ROOT, compile_library, need_mono, run_mono

HEADER = ROOT / "engine_plugin" / "native" / "include" / "framebridge.h"
INTERNAL = PACKAGE / "Runtime" / "Internal"
LAYOUT = Path(__file__).parent / "layout" / "Layout.cs"
NOT_MIRRORED = {"fb_set_log", "UnityPluginLoad", "UnityPluginUnload"}
"""The engine calls the two itself; Native.cs says why the log is left alone."""
ARRAYS = {"fb_value.number": ("number", "number1", "number2", "number3")}


def header() -> str:
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)


def structs() -> dict[str, list[str]]:
    """Names of the fields of each struct, in order."""
    found = {}
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", header(), re.DOTALL):
        fields = []
        for declaration in body.split(";")[:-1]:
            names = re.sub(r"^\s*(const\s+)?\w+\s", "", declaration).split(",")
            fields += [re.sub(r"[\s*]|\[\d+\]", "", field) for field in names]
        found[name] = fields
    return found


def constants() -> dict[str, int]:
    """Every FB_ constant, without the prefix."""
    named = re.findall(r"FB_([A-Z0-9_]+) = (-?\d+)", header())
    version = re.search(r"#define FB_ABI_VERSION (\d+)u", header())
    assert version is not None
    return {name: int(value) for name, value in named} | {"ABI_VERSION": int(version[1])}


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """What mono says of the mirror: numbers by name."""
    need_mono()
    program = tmp_path_factory.mktemp("layout") / "layout.exe"
    files = [INTERNAL / "NativeTypes.cs", LAYOUT]
    compile_library(program, files, [], kind="exe")
    done = run_mono(program, [], 60)
    assert done.returncode == 0, done.stderr
    return {
        words[0]: [int(word) for word in words[1:]]
        for words in (line.split() for line in done.stdout.splitlines())
    }


def test_every_struct_has_the_sizes_and_offsets_of_the_header(
    mirrored: dict[str, list[int]], tmp_path: Path
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here: apt-get install gcc")
    wanted = structs()
    assert {"fb_options", "fb_render_event", "fb_statistics"} <= wanted.keys()
    lines = [f"#include <stdio.h>\n#include <{HEADER.name}>\nint main(void) {{"]
    for name, fields in wanted.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field in fields:
            place = f"offsetof({name}, {field}), sizeof((({name} *)0)->{field})"
            lines.append(f'printf("{name}.{field} %zu %zu\\n", {place});')
    source = tmp_path / "layout.c"
    source.write_text("\n".join([*lines, "return 0; }"]))
    program = tmp_path / "layout"
    subprocess.run([compiler, f"-I{HEADER.parent}", source, "-o", program], check=True, timeout=60)
    output = subprocess.run([program], capture_output=True, text=True, timeout=60).stdout
    expected = dict[str, list[int]]()
    for line in output.splitlines():
        name, *numbers = line.split()
        offset, size = (int(numbers[0]), int(numbers[-1]))
        if name in ARRAYS:
            each = ARRAYS[name]
            for index, field in enumerate(each):
                step = size // len(each)
                expected[f"{name.split('.')[0]}.{field}"] = [offset + index * step, step]
        else:
            expected[name] = [int(number) for number in numbers]
    assert {name: at for name, at in mirrored.items() if name.startswith("fb_")} == expected


def test_every_constant_has_the_value_of_the_header(mirrored: dict[str, list[int]]) -> None:
    ours = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name.removeprefix("Fb.")).upper(): numbers[0]
        for name, numbers in mirrored.items()
        if name.startswith("Fb.")
    }
    theirs = constants()
    assert ours == {name: theirs[name] for name in ours}


def test_every_function_is_imported() -> None:
    declared = set(re.findall(r"FB_CALL (\w+)\(", header())) - {"*fb_log_function"}
    imported = set(re.findall(r"extern \w+ (\w+)\(", (INTERNAL / "Native.cs").read_text()))
    assert imported == declared - NOT_MIRRORED


def test_each_struct_says_which_file_it_must_match() -> None:
    text = (INTERNAL / "NativeTypes.cs").read_text()
    for name in re.findall(r"^struct (\w+)", text, re.MULTILINE):
        assert f"Must match {name} in framebridge.h" in text
