"""What a file of torch.save may ask for: looked at before torch reads it."""

import pickletools
import struct
import zipfile
from pathlib import Path
from typing import ClassVar

from torch import nn

from slth import equivariance

# What reading may make of a file; a network of a thousand layers stays far below.
MOST_MODULES = 2_000
_MOST_OPERATIONS = 400_000

# Tuples that hold tuples are hashed through and through: more parts than these are a trap.
_MOST_PARTS = 10_000

# How files began that were no archives.
_OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

# What torch.save writes, and torch.load reads with weights_only=True.
_OPERATIONS = {
    *("PROTO", "GLOBAL", "NEWOBJ", "REDUCE", "BUILD", "BINPERSID", "STOP", "MARK", "NONE"),
    *("NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"),
    *("SHORT_BINSTRING", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS"),
    *("EMPTY_SET", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT"),
}

# What tensors and state_dicts are made of.  torch admits more: some of it allocates at will.
_PLAIN = frozenset(
    {
        "collections.OrderedDict",
        "builtins.set",
        "torch.Size",
        "torch.nn.parameter.Parameter",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_tensor_v2",
    }
    | {
        f"torch.{kind}Storage"
        for kind in (
            *("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte"),
            *("Bool", "ComplexFloat", "ComplexDouble"),
        )
    }
)


class HostileFile(ValueError):  # noqa: N818 (it says what the file is)
    """A file asks for more than it holds, or holds other things than a target.

    The message ends the sentence "the file …".
    """


def check(path: Path, kinds: tuple[type[nn.Module], ...]) -> None:
    """Refuse a file that would cost more than it can hold, or that holds other things than these.

    Parameters
    ----------
    path : pathlib.Path
    kinds : tuple of type
        The classes of modules that are admitted.

    Raises
    ------
    HostileFile
        If the archive is compressed, packed twice over or in another way than torch.save packs it;
        if its pickle does what no saved target needs; if it names other classes and functions; if
        it asks for more modules or larger feature spaces than are built for a file's sake.
    """
    admitted = _PLAIN | {f"{kind.__module__}.{kind.__qualname__}" for kind in kinds}
    try:
        with zipfile.ZipFile(path) as archive:
            _check_archive(archive, path.stat().st_size)
            _check_pickle(archive.read(_pickle_name(archive)), admitted)
    except HostileFile:
        raise
    except Exception as error:  # a damaged archive makes zipfile raise this and that
        with path.open("rb") as stream:
            old = stream.read(len(_OLD)) == _OLD
        raise HostileFile(
            "is of the kind that torch wrote before version 1.6: write it anew, "
            "torch.save(torch.load(path, weights_only=True), 'target.pt')"
            if old
            else "is damaged or was not written by torch.save(target, path)"
        ) from error


def _check_archive(archive: zipfile.ZipFile, size: int) -> None:
    """Compare what the directory of the archive says with the file.

    Readers of archives differ where the directory may be found in two places, so it has to end the
    file and to begin where it says.
    """
    records = archive.infolist()
    total = sum(record.file_size for record in records)
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise HostileFile("is compressed, as torch.save never does")
    if total > size or any(record.file_size != record.compress_size for record in records):
        raise HostileFile(f"has {size:,} bytes and claims to hold {total:,}")
    names = [record.filename for record in records]
    if len(set(names)) < len(names):
        raise HostileFile("holds two records of one name")
    stream = archive.fp
    assert stream is not None
    stream.seek(archive.start_dir)
    directory = stream.read()
    if not (_ends(directory, archive.start_dir) or _ends_long(directory, archive.start_dir)):
        raise HostileFile("is an archive with its directory in another place than it says")


def _ends(directory: bytes, start: int, end: int = 22) -> bool:
    """Whether nothing but the end of the archive follows its directory, and says where that is."""
    last, told = directory[-22:], (len(directory) - end, start)
    return (
        last[:4] == b"PK\5\6"
        and last[20:] == b"\0\0"
        and struct.unpack("<LL", last[12:20]) == tuple(min(number, 2**32 - 1) for number in told)
        and (end > 22 or directory[-42:-38] != b"PK\6\7")
    )


def _ends_long(directory: bytes, start: int) -> bool:
    """Whether that is so with the longer end that torch writes, for archives of any size."""
    long, length = directory[-98:-22], len(directory) - 98
    return (
        _ends(directory, start, 98)
        and (long[:4], long[56:60]) == (b"PK\6\6", b"PK\6\7")
        and struct.unpack("<QQ", long[40:56]) == (length, start)
        and struct.unpack("<Q", long[64:72]) == (start + length,)
    )


def _pickle_name(archive: zipfile.ZipFile) -> str:
    """Find the one pickle of the archive."""
    names = [name for name in archive.namelist() if name.count("/") == 1]
    top = names[0].partition("/")[0] if names else ""
    if f"{top}/constants.pkl" in names:
        raise HostileFile("is a TorchScript program")
    if f"{top}/data.pkl" not in names:
        raise HostileFile("is an archive, but none of torch.save(target, path)")
    return f"{top}/data.pkl"


def _check_pickle(data: bytes, admitted: frozenset[str]) -> None:
    """Look through the operations of a pickle, without doing one of them."""
    foreign: set[str] = set()
    spaces: set[str] = set()
    stack = _Stack()
    modules = 0
    for number, (operation, argument, _) in enumerate(pickletools.genops(data)):
        name = operation.name
        if name not in _OPERATIONS:
            raise HostileFile(f"has the operation {name} in its pickle, which no target needs")
        if number == _MOST_OPERATIONS:
            raise HostileFile(f"takes more than {_MOST_OPERATIONS:,} operations to read")
        if stack.after(name, argument) > _MOST_PARTS:
            raise HostileFile(f"holds a tuple of more than {_MOST_PARTS:,} parts")
        if name == "GLOBAL":
            known = str(argument).replace("__builtin__ ", "builtins ").replace(" ", ".", 1)
            foreign |= {known} - admitted
        elif name == "NEWOBJ":
            modules += 1
        elif name == "BINUNICODE" and _is_space(str(argument)):
            spaces.add(str(argument))
    if foreign:
        listed = ", ".join(ascii(name)[1:-1][:80] for name in sorted(foreign)[:9])
        raise HostileFile(f"holds {listed}, but only supported modules are read")
    if modules > MOST_MODULES:
        raise HostileFile(f"holds {modules:,} modules, at most {MOST_MODULES:,} are read")
    total = sum(map(equivariance.extent, spaces))
    if total > equivariance.MOST_EXTENT:
        raise HostileFile(
            f"names feature spaces that would take {total:,} numbers, at most "
            f"{equivariance.MOST_EXTENT:,} are built"
        )


def _is_space(text: str) -> bool:
    try:
        equivariance.extent(text)
    except ValueError:
        return False
    return True


class _Stack:
    """The stack of a pickle with the number of parts in place of each object.

    A tuple has those of its entries and itself, everything else is one: only tuples are hashed
    part by part.  A part that comes twice counts twice, as it does for a hash.
    """

    _TUPLES: ClassVar = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
    _TAKES: ClassVar = {"APPEND": 1, "SETITEM": 2, "BUILD": 1}
    _MAKES: ClassVar = {"NEWOBJ": 2, "REDUCE": 2, "BINPERSID": 1}

    def __init__(self) -> None:
        self._parts: list[int] = []
        self._marks: list[int] = []
        self._memo: dict[object, int] = {}

    def after(self, name: str, argument: object) -> int:
        """Follow an operation; return the parts of what is on top of the stack."""
        parts = self._parts
        if name == "MARK":
            self._marks.append(len(parts))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = parts[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            parts.append(self._memo[argument])
        elif name == "TUPLE":
            self._replace(self._marks.pop(), whole=True)
        elif name in self._TUPLES:
            self._replace(len(parts) - self._TUPLES[name], whole=True)
        elif name in self._MAKES:
            self._replace(len(parts) - self._MAKES[name])
        elif name in self._TAKES:
            del parts[len(parts) - self._TAKES[name] :]
        elif name in ("APPENDS", "SETITEMS"):
            del parts[self._marks.pop() :]
        elif name not in ("PROTO", "STOP"):
            parts.append(1)
        return parts[-1] if parts else 0

    def _replace(self, start: int, *, whole: bool = False) -> None:
        """Put one object in the place of those from ``start`` on."""
        self._parts[start:] = [1 + sum(self._parts[start:]) if whole else 1]
