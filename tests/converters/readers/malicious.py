"""Pickles that mean harm: each either runs something where pickle.load reads it, or asks for more
memory or time than there is. Written opcode by opcode: no class of Python would write them."""

from __future__ import annotations

import codecs
import marshal
import struct
from pathlib import Path

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def raw(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def long_number(value: int) -> bytes:
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def items(*values: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(values) + b"t"


def call(callee: bytes, *args: bytes) -> bytes:
    return callee + items(*args) + b"R"


def modern(module: str, name: str) -> bytes:
    """A name as protocol 4 has it, which may reach for attributes of attributes."""
    return text(module) + text(name) + b"\x93"


def storage(key: str = "0", count: int = 4, kind: str = "FloatStorage") -> bytes:
    parts = (text("storage"), named("torch", kind), text(key), text("cpu"), long_number(count))
    return items(*parts) + b"Q"


def tensor(
    shape: tuple[int, ...] = (4,), strides: tuple[int, ...] = (1,), offset: int = 0,
    of: bytes | None = None, function: str = "_rebuild_tensor_v2",
) -> bytes:  # fmt: skip
    return call(
        named("torch._utils", function), storage() if of is None else of, long_number(offset),
        items(*map(long_number, shape)), items(*map(long_number, strides)),
        b"\x89", call(named("collections", "OrderedDict")),
    )  # fmt: skip


def state_dict(extra: bytes = b"") -> bytes:
    """One whole tensor of 4 numbers, and under "extra" what is given."""
    more = text("extra") + extra if extra else b""
    return b"}(" + text("weight") + tensor() + more + b"u"


def _array(dtype: bytes, shape: bytes, data: bytes) -> bytes:
    made = call(
        named("numpy.core.multiarray", "_reconstruct"), named("numpy", "ndarray"),
        items(number(0)), raw(b"b"),
    )  # fmt: skip
    return made + items(number(1), shape, dtype, b"\x89", data) + b"b"


def _dtype(code: str) -> bytes:
    return call(named("numpy", "dtype"), text(code), number(0), number(1))


def harmful(sentinel: Path) -> dict[str, bytes]:
    """Values (without a pickle's head and end) whose making would leave the sentinel behind."""
    shell = f"touch {sentinel}"
    python = f"open({str(sentinel)!r}, 'w').close()"
    compiled = marshal.dumps(compile(python, "x", "exec"))
    system = named("os", "system")
    module_os = call(named("builtins", "__import__"), text("os"))
    getter = named("builtins", "getattr")
    execute = named("builtins", "exec")
    argv = b"](" + text("touch") + text(str(sentinel)) + b"e"
    empty = b"}"
    return {
        "os.system": call(system, text(shell)),
        "posix.system": call(named("posix", "system"), text(shell)),
        "os.popen": call(named("os", "popen"), text(shell)),
        "subprocess.Popen": call(named("subprocess", "Popen"), argv),
        "subprocess.check_output": call(named("subprocess", "check_output"), argv),
        "builtins.eval": call(named("builtins", "eval"), text(python)),
        "builtins.exec": call(execute, text(python)),
        "builtins.exec by its old name": call(named("__builtin__", "exec"), text(python)),
        "builtins.open": call(named("builtins", "open"), text(str(sentinel)), text("w")),
        "getattr of an import": call(call(getter, module_os, text("system")), text(shell)),
        "getattr of getattr": call(
            call(getter, call(getter, module_os, text("path")), text("os")), text("system")
        ) + items() + b"0" + call(system, text(shell)),
        "attrgetter": call(
            call(named("operator", "attrgetter"), text("system")), module_os
        ) + items(text(shell)) + b"R",
        "methodcaller": call(
            call(named("operator", "methodcaller"), text("system"), text(shell)), module_os
        ),
        "partial": call(call(named("functools", "partial"), system, text(shell))),
        "reduce of map": call(
            named("builtins", "list"), call(named("builtins", "map"), system, items(text(shell)))
        ),
        "marshal": call(execute, call(named("marshal", "loads"), raw(compiled))),
        "codecs": call(
            named("builtins", "eval"),
            call(named("codecs", "decode"), text(codecs.encode(python, "rot13")), text("rot13")),
        ),
        "nested pickle": call(named("pickle", "loads"), raw(call(system, text(shell)) + b".")),
        "timeit": call(named("timeit", "timeit"), text(python), text("pass"),
                       named("time", "time"), number(1)),
        "runpy": call(named("runpy", "_run_code"), call(
            named("builtins", "compile"), text(python), text("x"), text("exec")), empty),
        "pathlib touch": call(
            modern("pathlib", "Path.touch"), call(named("pathlib", "Path"), text(str(sentinel)))
        ),
        "dotted name of protocol 4": call(modern("shutil", "os.system"), text(shell)),
        "INST": b"(" + text(shell) + b"ios\nsystem\n",
        "OBJ": b"(" + named("subprocess", "Popen") + argv + b"o",
        "NEWOBJ": named("subprocess", "Popen") + items(argv) + b"\x81" + empty + b"0"
        + call(system, text(shell)),
        "NEWOBJ_EX": named("collections", "OrderedDict") + items() + empty + b"\x92"
        + b"0" + call(system, text(shell)),
        "call inside arguments": call(
            named("collections", "OrderedDict"), b"](" + call(system, text(shell)) + b"0e"
        ),
        "setstate that is a function": named("argparse", "Namespace") + items() + b"\x81}("
        + text("__setstate__") + system + b"ub" + text(shell) + b"b",
        "class attribute": named("argparse", "Namespace") + b"}(" + text("x") + number(1) + b"ub0"
        + call(system, text(shell)),
        "a key of a dictionary": b"}(" + call(system, text(shell)) + number(1) + b"u",
        "thrown away": call(system, text(shell)) + b"0N",
        "importlib": call(call(
            getter, call(named("importlib", "import_module"), text("os")), text("system")
        ), text(shell)),
        "reconstructor": call(
            named("copyreg", "_reconstructor"), named("argparse", "Namespace"),
            named("builtins", "object"), b"N",
        ) + b"0" + call(system, text(shell)),
        "numpy object array": _array(
            _dtype("O8"), items(number(1)), b"](" + call(system, text(shell)) + b"e"
        ),
    }  # fmt: skip


def greedy() -> dict[str, bytes]:
    """Values that ask for names of others, for memory, for time, or that make no sense."""
    laughs = b"]q\x00" + b"".join(
        b"0](" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(60)
    )
    keys = b")q\x00" + b"".join(
        b"0h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(60)
    )
    crowd = b"](" + b"N" * 500_000 + b"eq\x00"
    words = text("x" * 500_000) + b"q\x00"
    again = b"h\x00\x85R0"
    child = b""
    for _ in range(2000):
        child = items(named("torch._tensor", "_rebuild_from_type_v2"), b"N", child or b")", b"N")
    many = b"".join(b"r" + struct.pack("<I", 2**32 - 1 - i) for i in range(1000))
    return {
        "runstring": call(
            named("numpy.testing._private.utils", "runstring"), text("import os"), b"}"
        ),
        "torch.hub.load": call(named("torch.hub", "load"), text("someone/something"), text("x")),
        "torch._load_from_bytes": call(
            named("torch.storage", "_load_from_bytes"), raw(b"\x80\x02N.")
        ),
        "name through torch": call(modern("torch", "serialization.os.system"), text("true")),
        "class of main": call(named("__main__", "Net")),
        "class of main with a state": named("__main__", "Net") + b")\x81}(" + text("__setstate__")
        + named("__main__", "f") + b"ub",
        "call of what a call gave": call(call(named("torch", "Size"), b"]")),
        "call of text": call(text("os.system"), text("true")),
        "NEWOBJ of text": text("os.system") + b")\x81",
        "NEWOBJ_EX with keywords": named("model", "Net") + b")}(" + text("x") + b"Nu\x92",
        "EXT1": b"\x82\x01", "EXT2": b"\x83\x01\x00", "EXT4": b"\x84\x01\x00\x00\x00",
        "persistent id of text": b"Pos.system\n",
        "persistent id of a call": items(text("module"), named("os", "system")) + b"Q",
        "persistent id of another kind": items(text("eval"), text("1")) + b"Q",
        "storage that is no class of torch": items(
            text("storage"), named("evil", "FloatStorage"), text("0"), text("cpu"), number(4)
        ) + b"Q",
        "module id that is called": items(
            text("module"), named("model", "Net"), text("m.py"), text("import os; os.system('x')")
        ) + b"Q" + items() + b"R",
        "buffer from outside": b"\x97",
        "reconstructor of a list": call(
            named("copyreg", "_reconstructor"), named("model", "L"), named("builtins", "list"), b"]"
        ),
        "reconstructor of a reconstructor": call(
            named("copyreg", "_reconstructor"),
            call(named("copyreg", "_reconstructor"), named("model", "A"),
                 named("builtins", "object"), b"N"),
            named("builtins", "object"), b"N",
        ),
        "encoding that inflates": call(named("_codecs", "encode"), raw(b"x"), text("zip")),
        "state for a class": named("model", "Net") + b"}b",
        "state for text": text("a") + b"}b",
        "memo far away": b"}" + many,
        "memo that is not there": b"j\xff\xff\xff\xff",
        "deep lists": b"]" * 20_000 + b"a" * 19_999,
        "deep tuples": b")" + b"\x85" * 20_000,
        "deep dictionaries of arrays": b"".join(b"}" + text("x") for _ in range(5000)) + tensor()
        + b"s" * 5000,
        "marks without end": b"(" * 100_000,
        "length of 4 GB": b"B\xff\xff\xff\xff", "text of 4 GB": b"X\xff\xff\xff\xff",
        "negative length": b"T\xff\xff\xff\xff",
        "text of 2**63": b"\x8d" + struct.pack("<Q", 2**63),
        "bytes of 2**62": b"\x8e" + struct.pack("<Q", 2**62),
        "bytearray of 2**40": b"\x96" + struct.pack("<Q", 2**40),
        "integer of 2 GB": b"\x8b\xff\xff\xff\x7f",
        "integer of 8 million bits": b"\x8b" + struct.pack("<i", 1_000_000) + b"\x7f" * 1_000_000,
        "integer of many digits": b"L" + b"9" * 60_000 + b"L\n",
        "list in itself": b"]q\x00h\x00a",
        "dictionary in itself": b"}q\x00" + text("a") + b"h\x00s",
        "dictionary in itself with an array": b"}q\x00(" + text("x") + b"}(" + text("y") + b"h\x00u"
        + text("z") + laughs + b"u",
        "lists of lists of lists": laughs,
        "a key that takes a life to hash": b"}" + keys + b"Ns",
        "dictionaries that share an array": b"}(" + text("a") + tensor() + b"uq\x00" + b"".join(
            b"0}(" + text("a") + b"h" + bytes([i]) + text("b") + b"h" + bytes([i]) + b"uq"
            + bytes([i + 1]) for i in range(40)
        ),
        "numpy array of a petabyte": _array(_dtype("f4"), items(long_number(2**48)), raw(b"1234")),
        "numpy array of another class": call(
            named("numpy.core.multiarray", "_reconstruct"), named("numpy", "memmap"), b")",
            raw(b"b"),
        ),
        "numpy type with fields": _array(
            call(named("numpy", "dtype"), b"](" + items(text("a"), text("O")) + b"e"), b")",
            raw(b""),
        ),
        "tensor past its storage": b"}" + text("w") + tensor((5,)) + b"s",
        "tensor with an offset past its storage": b"}" + text("w") + tensor((1,), (1,), 4) + b"s",
        "tensor with a stride past its storage": b"}" + text("w") + tensor((2, 2), (3, 1)) + b"s",
        "tensor with a stride below 0": b"}" + text("w") + tensor((2,), (-1,), 3) + b"s",
        "tensor repeated into a terabyte": b"}" + text("w")
        + tensor((2**20, 2**20), (0, 0)) + b"s",
        "tensor of 2**62 numbers": b"}" + text("w") + tensor((2**62,), (0,)) + b"s",
        "tensor of a thousand dimensions": b"}" + text("w")
        + tensor((1,) * 1000, (1,) * 1000) + b"s",
        "storage of a petabyte": b"}" + text("w") + tensor(of=storage(count=2**47)) + b"s",
        "storage that is elsewhere": b"}" + text("w")
        + tensor(of=storage("../../../etc/passwd")) + b"s",
        "sparse tensor": call(named("torch._utils", "_rebuild_sparse_tensor"), b"N", b")"),
        "list that is copied and copied": crowd + b"]("
        + (named("builtins", "set") + b"h\x00\x85R") * 2000 + b"e",
        "dictionary that is copied and copied": b"}(" + b"".join(
            number(i) + b"N" for i in range(50_000)
        ) + b"uq\x00](" + (named("collections", "OrderedDict") + b"h\x00\x85R") * 5000 + b"e",
        "text that is encoded and encoded": words + b"]("
        + (named("_codecs", "encode") + b"h\x00" + text("latin1") + b"\x86R") * 2000 + b"e",
        "sides that are looked at again and again": crowd + (
            named("torch", "Size") + again) * 2000,
        "child of a child of a child": b"}" + text("w")
        + named("torch._tensor", "_rebuild_from_type_v2") + child + b"Rs",
        "type that is a list of lists": b"}" + text("w") + call(
            named("torch._utils", "_rebuild_tensor_v3"), storage(), number(0), items(number(1)),
            items(number(1)), b"\x89", b"N", laughs,
        ) + b"s",
        "storage that grows": b"}(" + text("a") + tensor() + text("b")
        + tensor((2**20,), of=storage(count=2**20)) + b"u",
        "empty tensor of far too many sides": b"}" + text("w")
        + tensor((2**47, 2**47, 0), (1, 1, 1)) + b"s",
        "record for a key": b"}(" + named("model", "A") + b")\x81" + laughs + b"b" + tensor()
        + named("model", "B") + b")\x81" + laughs + b"b" + tensor((9,)) + b"u",
        "facts of facts of facts": b"}(" + text("model") + b"}" + text("w") + tensor((9,)) + b"s"
        + text("history") + laughs + b"u",
        "left_out that is none": b"}(" + text("left_out") + number(3) + text("model") + b"}"
        + text("w") + tensor((9,)) + b"s" + text("x") + b"}" + text("w") + tensor() + b"su",
        "stack that is empty": b"R", "nothing at all": b"", "unknown opcode": b"\xff",
        "a name of half a line": b"cos",
    }  # fmt: skip


def in_zip(path: Path, pickle: bytes) -> Path:
    """As torch.save writes it, with one storage of 4 float32."""
    import zipfile

    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle)
        file.writestr("archive/byteorder", "little")
        file.writestr("archive/data/0", struct.pack("<4f", 1, 2, 3, 4))
        file.writestr("archive/version", "3\n")
    return path


def in_legacy(path: Path, pickle: bytes, magic: bytes = MAGIC) -> Path:
    """As torch.save wrote it, with one storage of 4 float32."""
    machine = b"}(" + text("little_endian") + b"\x88u"
    path.write_bytes(
        magic + b"\x80\x02M\xe9\x03." + b"\x80\x02" + machine + b"." + pickle
        + b"\x80\x02](" + text("0") + b"e." + struct.pack("<Q4f", 4, 1, 2, 3, 4)
    )  # fmt: skip
    return path
