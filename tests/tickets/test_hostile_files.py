"""Files that lie, and arguments of any kind: a refusal that says why, at little cost."""

import io
import json
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import nn

from slth import equivariance, forms
from slth.equivariance import EquivariantLinear, GroupPool, Lift
from slth.networks import Network, RandomNetwork, TargetFileError, layers, load_target
from slth.networks.layers import Conv, Dense, Equivariant, Flatten, Relu
from slth.tickets import Mask, PairPromise, Ticket, TicketFileError, ticket_file

# What a file of at most 1 MiB may cost.
MOST_MEGABYTES = 256


# Pickles, operation by operation.


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def text(value: str) -> bytes:
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def whole(number: int) -> bytes:
    return pickle.dumps(number, 2)[2:-1]


def several(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def mapping(items: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def put(index: int) -> bytes:
    return b"r" + struct.pack("<I", index)


def get(index: int) -> bytes:
    return b"j" + struct.pack("<I", index)


EMPTY = named("collections", "OrderedDict") + b")R"


def tensor(record: str, length: int, size: Sequence[int], stride: Sequence[int]) -> bytes:
    stored = several(
        text("storage"), named("torch", "FloatStorage"), text(record), text("cpu"), whole(length)
    )
    arguments = (stored + b"Q", whole(0), several(*map(whole, size)), several(*map(whole, stride)))
    return named("torch._utils", "_rebuild_tensor_v2") + several(*arguments, b"\x89", EMPTY) + b"R"


def parameter(value: bytes) -> bytes:
    return named("torch._utils", "_rebuild_parameter") + several(value, b"\x89", EMPTY) + b"R"


def module(kind: type[nn.Module], **state: bytes) -> bytes:
    empty = ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks")
    inside = {"training": b"\x89", **dict.fromkeys(empty, b"}"), **state}
    return named(kind.__module__, kind.__name__) + b")\x81" + mapping(inside) + b"b"


def linear(weight: bytes, inputs: int, outputs: int) -> bytes:
    parameters = mapping({"weight": parameter(weight), "bias": b"N"})
    return module(
        nn.Linear, _parameters=parameters, in_features=whole(inputs), out_features=whole(outputs)
    )


def chain(children: Sequence[bytes]) -> bytes:
    return module(
        nn.Sequential,
        _modules=mapping({str(index): child for index, child in enumerate(children)}),
    )


SMALL = linear(tensor("0", 4, (2, 2), (2, 1)), 2, 2)


def zipped(
    content: bytes, records: Mapping[str, bytes] | None = None, compression: int = 0
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + content + b".")
        archive.writestr("archive/version", "3\n")
        for name, record in (records or {"0": np.ones(4, "<f4").tobytes()}).items():
            archive.writestr(f"archive/data/{name}", record)
    return stream.getvalue()


def saved(content: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def with_weight(weight: torch.Tensor) -> bytes:
    return saved({"0.weight": weight})


def with_attribute(name: str, value: object, made: nn.Module | None = None) -> bytes:
    changed = made or nn.Linear(2, 2, bias=False)
    changed.__dict__[name] = value
    return saved(nn.Sequential(changed))


# One file for each kind of lie, and what the refusal must say; nothing, where it is read.


def doubled() -> bytes:
    content = chain([SMALL]) + put(0)
    for level in range(1, 31):
        content = chain([content, get(level - 1)]) + put(level)
    return zipped(content)


def hashed() -> bytes:
    """Return a key of a dictionary whose hash takes 2^40 steps."""
    key = b")" + b"".join(put(level) + get(level) + b"\x86" for level in range(40))
    return zipped(b"}" + key + b"Ns")


def overlapping() -> bytes:
    """One record under 200 names."""
    state = {f"{2 * i}.weight": tensor(str(i), 160_000, (400, 400), (400, 1)) for i in range(200)}
    honest = zipped(mapping(state), {"0": bytes(640_000)})
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        records, start = archive.infolist(), archive.start_dir
    entries = [(record.filename, record) for record in records]
    entries += [(f"archive/data/{index}", records[-1]) for index in range(1, 200)]
    directory = b"".join(
        struct.pack(
            "<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 33,
            record.CRC, record.compress_size, record.file_size,
            len(name), 0, 0, 0, 0, 0, record.header_offset,
        )
        + name.encode()
        for name, record in entries
    )  # fmt: skip
    counts = (len(entries), len(entries))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *counts, len(directory), start, 0)
    return honest[:start] + directory + end


def two_directories() -> bytes:
    """Put an archive into the comment of another one: readers differ in which they see."""
    bomb = zipped(chain([SMALL]), {"0": bytes(10**6)}, zipfile.ZIP_DEFLATED)
    stream = io.BytesIO(zipped(chain([SMALL])))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = bomb[:60_000]
    return stream.getvalue()


def nested(depth: int) -> bytes:
    content = SMALL
    for _ in range(depth):
        content = chain([content])
    return zipped(content)


def circle() -> bytes:
    target = nn.Sequential(nn.Linear(2, 2, bias=False))
    target.append(target)
    return saved(target)


def many_lists() -> list[Any]:
    value: list[Any] = []
    for _ in range(25):
        value = [value] * 9
    return value


def pools(*names: str) -> bytes:
    return zipped(chain([*(module(GroupPool, space=text(name)) for name in names), SMALL]))


TARGETS: dict[str, tuple[Callable[[], bytes], str]] = {
    "stride 0": (
        lambda: with_weight(torch.ones(1).expand(40_000, 50_000)),
        r"0\.weight has a tensor of shape \(40000, 50000\), but the file holds 1 numbers for it, "
        "expected 2,000,000,000",
    ),
    "strides that overlap": (
        lambda: with_weight(torch.ones(300).as_strided((100, 200), (1, 1))),
        r"the file holds 300 numbers for it, expected 20,000",
    ),
    "compressed": (
        lambda: zipped(
            chain([linear(tensor("0", 1 << 28, (1 << 14, 1 << 14), (1 << 14, 1)), 16384, 16384)]),
            {"0": bytes(1 << 28)},
            zipfile.ZIP_DEFLATED,
        ),
        "is compressed, as torch.save never does",
    ),
    "records that overlap": (overlapping, "bytes and claims to hold"),
    "two directories": (two_directories, "is compressed|directory in another place than it says"),
    "behind something else": (
        lambda: b"something" + zipped(SMALL),
        "directory in another place than it says|neither written by torch.save nor",
    ),
    "before something else": (
        lambda: saved(nn.Sequential(nn.Linear(2, 2, bias=False))) + bytes(9),
        "directory in another place than it says|damaged",
    ),
    "bytes at will": (
        lambda: zipped(named("__builtin__", "bytearray") + several(whole(4 * 10**9)) + b"R"),
        "holds builtins.bytearray, but only supported modules are read",
    ),
    "numbers at will": (
        lambda: zipped(named("torch", "FloatTensor") + several(whole(10**9)) + b"\x81"),
        "holds torch.FloatTensor, but only",
    ),
    "a hash without end": (hashed, "holds a tuple of more than 10,000 parts"),
    "containers that double": (doubled, "asks for more than 2,000 modules"),
    "a container in itself": (circle, "containers inside one another"),
    "containers in containers": (lambda: nested(900), "100 containers inside one another"),
    "a layer a thousand times": (
        lambda: zipped(
            chain(
                [
                    linear(tensor("0", 1 << 16, (256, 256), (256, 1)), 256, 256) + put(0),
                    *[get(0)] * 1000,
                ]
            ),
            {"0": bytes(1 << 18)},
        ),
        "8,388,608 weights",
    ),
    "modules, modules": (
        lambda: zipped(
            b"}("
            + b"".join(
                whole(index)
                + (get(9) if index else named(nn.ReLU.__module__, "ReLU") + put(9))
                + b")\x81}b"
                for index in range(3000)
            )
            + b"u"
        ),
        "holds 3,000 modules, at most 2,000 are read",
    ),
    "a long pickle": (lambda: zipped(b"(" + b"]" * (1 << 20) + b"t"), "takes more than 400,000"),
    "another protocol": (
        lambda: zipped(b"\x95" + struct.pack("<Q", 1 << 60) + b"N"),
        "damaged|FRAME",
    ),
    "a record too short": (
        lambda: zipped(mapping({"0.weight": tensor("0", 10**6, (1000, 1000), (1000, 1))})),
        "record size",
    ),
    "a tensor beyond its record": (
        lambda: zipped(mapping({"0.weight": tensor("0", 4, (30_000, 30_000), (30_000, 1))})),
        "is damaged",
    ),
    "a space of 60,000": (lambda: pools("cyclic(60000)"), "would take 3,600,480,000 numbers"),
    "sets of 30,000": (lambda: pools("sets(30000)"), "would take 900,270,000 numbers"),
    "many spaces": (
        lambda: pools(*(f"sets({size})" for size in range(400, 440))),
        "names feature spaces that would take",
    ),
    "the largest graphs": (lambda: pools("graphs(36)"), ""),
    "a space of 5,000 digits": (lambda: pools(f"cyclic({'9' * 5000})"), "no feature space 'cyc"),
    "sparse": (
        lambda: with_weight(torch.eye(2).to_sparse_csr()),
        "sparse|holds torch",
    ),
    "quantized": (
        lambda: with_weight(torch.quantize_per_tensor(torch.eye(2), 0.1, 0, torch.qint8)),
        "holds torch",
    ),
    "without values": (
        lambda: with_weight(torch.empty(10**6, 10**6, device="meta")),
        "holds torch._utils._rebuild_meta_tensor_no_storage|meta",
    ),
    "complex": (
        lambda: with_weight(torch.eye(2) * 1j),
        "must hold floating-point numbers, got torch.complex64",
    ),
    "not a number": (lambda: with_weight(torch.full((2, 2), torch.nan)), "not finite"),
    "400 digits": (
        lambda: with_attribute("in_features", 10**70),
        r"module 0 \(Linear\) has in_features, which must be at most 2\^48, got an integer of 233",
    ),
    "a boolean": (
        lambda: with_attribute("in_features", True),
        "in_features, which must be an integer >= 1, got True",
    ),
    "text": (lambda: with_attribute("in_features", "2"), "in_features, which must be an integer"),
    "lists of lists": (
        lambda: with_attribute("in_features", many_lists()),
        r"in_features, which must be an integer >= 1, got \[\[\[\.\.\.\]",
    ),
    "no modules": (
        lambda: with_attribute("_modules", 3),
        "_modules, which must be a mapping from names, got 3",
    ),
    "no tensor": (
        lambda: with_attribute("_parameters", {"weight": "abc"}),
        r"_parameters\['weight'\], which must be a Tensor, got 'abc'",
    ),
    "a wrong stride": (
        lambda: with_attribute("stride", {"a": 1}, nn.Conv2d(1, 1, 3, bias=False)),
        "stride, which must be a list of 2 entries, got {'a': 1}",
    ),
    "a broken dilation": (
        lambda: with_attribute("dilation", (1, 1.5), nn.Conv2d(1, 1, 3, bias=False)),
        r"dilation\[1\] must be an integer >= 1, got 1\.5|dilation, which\[1\] must be",
    ),
    "an odd name": (lambda: zipped(mapping({"\ud800": b"N"})), r"holds '\\ud800'"),
    "a number for a name": (lambda: saved({3: torch.eye(2)}), r"holds 3 of shape \(2, 2\)"),
}


def stored(
    tensors: Mapping[str, tuple[str, Sequence[int], int, int]], data: bytes, **more: Any
) -> bytes:
    """Make a safetensors file, whatever it says."""
    described = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
        for name, (dtype, shape, start, end) in tensors.items()
    }
    header = json.dumps({**described, **more}).encode()
    return struct.pack("<Q", len(header)) + header + data


TENSORS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a header without end": (
        lambda: struct.pack("<Q", 1 << 63) + b"{}",
        "truncated or no|neither written by torch.save nor",
    ),
    "beyond the file": (
        lambda: stored({"0.weight": ("F32", [2, 2], 0, 10**12)}, bytes(16)),
        "truncated or no",
    ),
    "a shape too large": (
        lambda: stored({"0.weight": ("F32", [10**6, 10**6], 0, 16)}, bytes(16)),
        "truncated or no",
    ),
    "a shape that overflows": (
        lambda: stored({"0.weight": ("F32", [2**62, 4, 4], 0, 16)}, bytes(16)),
        "truncated or no",
    ),
    "nested metadata": (
        lambda: struct.pack("<Q", 10**6) + b'{"__metadata__":' + b"[" * (10**6 - 16),
        "truncated or no|neither written by torch.save nor",
    ),
    "numbers of 4 bits": (
        lambda: stored({"0.weight": ("F4", [2, 2], 0, 2)}, bytes(2)),
        "0.weight must hold floating-point numbers, got torch.float4",
    ),
    "ten thousand layers": (
        lambda: stored(
            {f"{2 * i}.weight": ("F32", [1, 1], 4 * i, 4 * i + 4) for i in range(10_000)},
            bytes(40_000),
        ),
        "holds 10,000 tensors: at most 1000",
    ),
    "an index of 5,000 digits": (
        lambda: stored({"1" * 5000 + ".weight": ("F32", [2, 2], 0, 16)}, bytes(16)),
        r"holds '1111",
    ),
    "complex": (
        lambda: stored({"0.weight": ("C64", [2, 2], 0, 32)}, bytes(32)),
        "complex|truncated or no",
    ),
}


# Tickets.

DENSE = RandomNetwork.dense((3, 8, 2), 7)
IMAGES = "cyclic-images(4, 4x4, 3)"
NETWORKS: dict[str, tuple[RandomNetwork, tuple[int, ...]]] = {
    "dense": (DENSE, (3,)),
    "conv": (
        RandomNetwork(
            Network.chain(
                [Conv(1, 4, (1, 1)), Relu(), Conv(4, 2, (3, 3), padding=(1, 1)), Flatten(),
                 Dense(8, 6), Relu(), Dense(6, 2)]
            ),
            5, "normal",
        ),
        (1, 2, 2),
    ),
    "equivariant": (
        RandomNetwork(
            Network.chain(
                [layers.Lift(IMAGES), Equivariant(1, 2, IMAGES), Relu(), Equivariant(2, 1, IMAGES),
                 layers.GroupPool(IMAGES)]
            ),
            6,
        ),
        (1, 4, 4),
    ),
}  # fmt: skip


def ticket_of(kind: str) -> Ticket:
    network, shape = NETWORKS[kind]
    rng = np.random.default_rng(0)
    depth = network.depth // 2
    return Ticket(
        network, Mask([rng.random(one) < 0.3 for one in network.shapes]), "ab" * 32,
        network.digest(), shape, True,
        PairPromise("pensia", "fewest", (None,) * depth, (0.1,) * depth, 0.7),
    )  # fmt: skip


def header_and_mask(kind: str = "dense") -> tuple[dict[str, Any], list[NDArray[np.uint8]]]:
    ticket, kept = ticket_of(kind), {}

    def keep(
        _: Path, header: dict[str, Any], arrays: list[NDArray[np.uint8]], **_how: bool
    ) -> None:
        kept["header"], kept["arrays"] = json.loads(json.dumps(header)), list(arrays)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ticket_file, "write", keep)
        ticket.save("nowhere")
    return kept["header"], kept["arrays"]


def ticket_bytes(
    header: Mapping[str, Any] | str, arrays: Sequence[NDArray[np.uint8]] | None = None
) -> bytes:
    """Make a ticket file with a right checksum: whoever forges one, can compute it."""
    packed = header_and_mask()[1] if arrays is None else arrays
    if not isinstance(header, str):
        content = {**header, "format_version": ticket_file.FORMAT_VERSION}
        content["checksum"] = ticket_file._checksum(content, packed)
        header = json.dumps(content, sort_keys=True)
    return save(
        {f"mask.{index:04d}": np.asarray(array) for index, array in enumerate(packed)},
        metadata={"slth_ticket": header},
    )


def changed(**fields: Any) -> bytes:
    header, arrays = header_and_mask()
    return ticket_bytes({**header, **fields}, arrays)


def promising(**fields: Any) -> bytes:
    header, _ = header_and_mask()
    return changed(promise={**header["promise"], **fields})


def rewritten(old: str, new: str) -> bytes:
    header, arrays = header_and_mask()
    words = json.dumps({**header, "format_version": 3, "checksum": ""})
    assert old in words
    return ticket_bytes(words.replace(old, new), arrays)


def on_space(name: object, size: int, pairs: int = 1) -> list[dict[str, Any]]:
    pair = {"kind": "Equivariant", "inputs": 1, "outputs": 1, "space": name}
    return [pair, {"kind": "Relu"}, pair] * pairs


def of_layers(described: Sequence[object], weights: Sequence[int], **fields: Any) -> bytes:
    header, _ = header_and_mask()
    masks = [np.zeros((size + 7) // 8, np.uint8) for size in weights]
    return ticket_bytes({**header, "layers": list(described), **fields}, masks)


def convolution(channels: int, **fields: Any) -> dict[str, Any]:
    return {**layers.to_json(Conv(channels, channels, (1, 1))), **fields}


CHANNELS = 1 << 21

TICKETS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a space of 60,000": (
        lambda: of_layers(on_space("cyclic(60000)", 1), [60_000] * 2),
        "would take 3,600,480,000 numbers",
    ),
    "many spaces": (
        lambda: of_layers(
            [layer for size in range(800, 840) for layer in on_space(f"sets({size})", 2)], [2] * 80
        ),
        "would take 27,.* numbers together",
    ),
    "a space that is a number": (
        lambda: of_layers(on_space(7, 4), [4] * 2),
        r"ticket\.layers\[0\]\.space must be at most 99 printable characters, got 7",
    ),
    "nested JSON": (lambda: ticket_bytes("[" * 500_000), "unreadable ticket header"),
    "nested fields": (lambda: rewritten('"sizes": [null]', '"sizes": ' + "[" * 9999), "unreadable"),
    "a name twice": (lambda: rewritten('"seed": 7', '"seed": 7, "seed": 8'), "'seed' stands twice"),
    "NaN": (lambda: rewritten('"epsilon": 0.7', '"epsilon": NaN'), "NaN is no JSON"),
    "1e400": (
        lambda: promising(epsilon=json.loads("1e400")),
        "unreadable ticket header: Infinity is no JSON",
    ),
    "a seed of 5,000 digits": (
        lambda: rewritten('"seed": 7', '"seed": ' + "7" * 5000),
        "unreadable ticket header",
    ),
    "a seed of 400 digits": (
        lambda: changed(seed=10**400),
        r"ticket\.seed must be at most 2\^64 - 1, got an integer of 1329 bits",
    ),
    "a tolerance of 400 digits": (
        lambda: promising(weight_tolerances=[10**400]),
        r"promise\.weight_tolerances\[0\] must be finite and >= 0, got an integer of 1329 bits",
    ),
    "a boolean for a number": (
        lambda: promising(sizes=[True]),
        r"ticket\.promise\.sizes\[0\] must be an integer >= 1, got True",
    ),
    "a number for a boolean": (
        lambda: changed(nonnegative_inputs=1),
        r"ticket\.nonnegative_inputs must be True or False, got 1",
    ),
    "a surrogate": (
        lambda: changed(target_digest="\ud800"),
        r"ticket\.target_digest must be at most 64 printable characters, got '\\ud800'",
    ),
    "a field too many": (lambda: changed(more=1), "ticket has an unknown field 'more'"),
    "a layer that is a list": (
        lambda: changed(layers=[[1]]),
        r"ticket\.layers\[0\]\.kind must be one of .*got \[1\]",
    ),
    "a width of 400 digits": (
        lambda: of_layers([{"kind": "Dense", "inputs": 10**400, "outputs": 1}], [1]),
        r"ticket\.layers\[0\]\.inputs must be at most 2\^48, got an integer of 1329 bits",
    ),
    "a width that is not there": (
        lambda: of_layers(
            [
                {"kind": "Dense", "inputs": 3, "outputs": 1 << 40},
                {"kind": "Relu"},
                {"kind": "Dense", "inputs": 1 << 40, "outputs": 2},
            ],
            [24, 16],
        ),
        "needs 412316860416 bytes, got uint8 of shape",
    ),
    "40,000 layers": (
        lambda: changed(layers=[{"kind": "Relu"}] * 40_000),
        r"ticket\.layers must be a list of 1 to 4096 entries, got 40000",
    ),
    "an image of 10^12 pixels": (
        lambda: of_layers(
            [convolution(1), {"kind": "Relu"}, convolution(1)],
            [1, 1],
            input_shape=[1, 10**6, 10**6],
        ),
        "at most 2\\^24 numbers",
    ),
    "a padding of 10^9": (
        lambda: of_layers(
            [convolution(1), {"kind": "Relu"}, convolution(1, padding=[10**9] * 2)],
            [1, 1],
            input_shape=[1, 4, 4],
        ),
        "at most 2\\^24 numbers",
    ),
    "2,000,000 groups": (
        lambda: of_layers(
            [
                convolution(CHANNELS, groups=CHANNELS),
                {"kind": "Relu"},
                convolution(CHANNELS, groups=CHANNELS),
            ],
            [CHANNELS] * 2,
            input_shape=[CHANNELS, 1, 1],
        ),
        "regenerates another random network",
    ),
    "4,000 layers of one weight": (
        lambda: of_layers(
            [{"kind": kind, **size} for kind, size in (
                ("Dense", {"inputs": 1, "outputs": 1}), ("Relu", {}),
                ("Dense", {"inputs": 1, "outputs": 1}),
            )] * 1333,
            [1] * 2666,
            input_shape=[1],
            promise={**header_and_mask()[0]["promise"], "sizes": [None] * 1333,
                     "weight_tolerances": [0.1] * 1333},
        ),
        "regenerates another random network",
    ),
    "rows of 4,194,304 weights": (
        lambda: of_layers(
            [
                {"kind": "Dense", "inputs": 1 << 22, "outputs": 1},
                {"kind": "Relu"},
                {"kind": "Dense", "inputs": 1, "outputs": 1 << 22},
            ],
            [1 << 22] * 2,
            input_shape=[1 << 22],
            law="normal",
        ),
        "regenerates another random network",
    ),
    "a mask of floats": (
        lambda: save(
            {"mask.0000": np.zeros(3, np.float32)},
            metadata={"slth_ticket": json.dumps({"format_version": 3, "checksum": ""})},
        ),
        r"holds 'mask\.0000' of type F32 and shape \[3\], expected a row of bytes",
    ),
}  # fmt: skip

GROUPS = {"target.pt": TARGETS, "target.safetensors": TENSORS, "ticket": TICKETS}

# Reads every file in a process of its own, forked from one that has imported all there is.
READER = """
import json, os, resource, sys, time
import torch
from slth.networks import load_target
from slth.tickets import Ticket
from slth.equivariance import space
torch.set_num_threads(1)
space("cyclic(2)")

def megabytes(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

for line in sys.stdin:
    path = line.rstrip("\\n")
    if os.fork():
        os.wait()
        continue
    open("/proc/self/clear_refs", "w").write("5")
    before = megabytes("VmRSS")
    room = int(megabytes("VmSize") + 2000) << 20
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + 30, used + 30))
    try:
        (load_target if "target." in path else Ticket.load)(path)
        found = ["", ""]
    except BaseException as error:
        found = [type(error).__name__, str(error)]
    print(json.dumps([path, *found, megabytes("VmHWM") - before]), flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module", name="answers")
def answers_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, float]]:
    """Return what reading each file says and costs: exception, message, megabytes."""
    folder = tmp_path_factory.mktemp("hostile")
    for suffix, group in GROUPS.items():
        for index, (make, _) in enumerate(group.values()):
            folder.joinpath(f"{index}.{suffix}").write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", READER],
        input="\n".join(map(str, folder.iterdir())),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = {}
    for line in done.stdout.splitlines():
        path, *answer = json.loads(line)
        answers[Path(path).name] = tuple(answer)
    return answers


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize(
    ("suffix", "lie"), [(suffix, lie) for suffix, group in GROUPS.items() for lie in group]
)
def test_a_lie_is_refused_by_name_and_costs_little(
    answers: dict[str, tuple[str, str, float]], suffix: str, lie: str
) -> None:
    index = list(GROUPS[suffix]).index(lie)
    assert f"{index}.{suffix}" in answers, "reading it killed the process"
    kind, message, megabytes = answers[f"{index}.{suffix}"]
    refusals = ("TargetFileError", "TicketFileError", "ValueError")
    expected = GROUPS[suffix][lie][1]
    assert kind in (refusals if expected else ("",)), (kind, message)
    assert re.search(expected, message), message
    assert len(message) < 700
    assert message.isprintable() or "\n" not in message
    assert megabytes <= MOST_MEGABYTES, message


def test_all_lies_are_small() -> None:
    assert max(
        len(make()) for group in (TARGETS, TENSORS, TICKETS) for make, _ in group.values()
    ) <= (1.2 * 2**20)


# Anything at all.

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**40), 10**400), st.floats(),
    st.text(max_size=5), st.sampled_from(["pensia", "best", "Relu", "sets(3)", "\ud800"]),
)  # fmt: skip
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
# Of Python, not of files.
ODD = st.one_of(
    JUNK, st.complex_numbers(), st.binary(max_size=3), st.just(object()), st.just(np.zeros((2, 2))),
    st.just(np.array(["a"])), st.just(torch.eye(2, requires_grad=True)), st.just(int),
    st.just(np.int64(3)), st.just(np.float32(0.5)), st.just(torch.nested.nested_tensor([])),
    st.just(torch.empty(2, device="meta")), st.just(torch.eye(2).to_sparse()),
)  # fmt: skip
QUICK = settings(
    deadline=None, max_examples=150, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.mark.parametrize("kind", list(NETWORKS))
@given(data=st.data())
@QUICK
def test_any_header_is_read_or_refused(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    header, arrays = header_and_mask(kind)
    where: Any = header
    for _ in range(data.draw(st.integers(1, 3))):
        if isinstance(where, (dict, list)) and where:
            keys = list(where) if isinstance(where, dict) else range(len(where))
            key = data.draw(st.sampled_from(keys))
            above, where = where, where[key]
    action = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if action == "replace":
        above[key] = data.draw(JUNK)
    elif action == "remove":
        del above[key]
    else:
        header[data.draw(st.text(max_size=4))] = data.draw(JUNK)
    path = tmp_path / "ticket"
    path.write_bytes(ticket_bytes(header, arrays))
    try:
        Ticket.load(path)
    except TicketFileError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert len(refusal) < 1000


@given(data=st.data())
@QUICK
def test_any_argument_is_taken_or_refused(data: st.DataObject) -> None:
    ticket = ticket_of("dense")
    given = {one.name: getattr(ticket, one.name) for one in fields(Ticket)}
    field = data.draw(st.sampled_from(list(given)))
    promised = data.draw(st.sampled_from(list(PairPromise.forms)))
    kinds: list[Callable[[Any], object]] = [
        lambda odd: Ticket(**{**given, field: odd}),
        lambda odd: replace(ticket.promise, **{promised: odd}),
        lambda odd: RandomNetwork(odd, 0),
        lambda odd: RandomNetwork(DENSE.architecture, odd),
        lambda odd: RandomNetwork(DENSE.architecture, 0, odd),
        lambda odd: RandomNetwork.dense(odd, 0),
        lambda odd: RandomNetwork.dense((3, odd), 0),
        lambda odd: Mask(odd),
        lambda odd: Mask([odd]),
        lambda odd: Mask.from_packed([odd], [(2,)]),
        lambda odd: Mask.from_packed([np.zeros(1, np.uint8)], [odd]),
        lambda odd: layers.from_json(odd),
        lambda odd: layers.from_json({"kind": "Conv", "inputs": odd}),
        lambda odd: Conv(odd, 1, (1, 1)),
        lambda odd: Conv(1, 1, odd),
        lambda odd: Conv(1, 1, (1, 1), padding_mode=odd),
        lambda odd: layers.MaxPool((1, odd), (1, 1)),
        lambda odd: Equivariant(1, 1, odd),
        lambda odd: Lift(odd),
        lambda odd: equivariance.space(odd),
        lambda odd: forms.short(odd),
    ]
    make = data.draw(st.sampled_from(kinds))
    try:
        make(data.draw(ODD))
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert len(refusal) < 1000


def originals() -> dict[str, bytes]:
    """Make a file of every kind."""
    dense = nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False))
    conv = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    )
    images = nn.Sequential(Lift(IMAGES), EquivariantLinear(IMAGES, 1, 2), GroupPool(IMAGES))
    weights = {name: value.numpy() for name, value in dense.state_dict().items()}
    return {
        "dense.target.pt": saved(dense),
        "conv.target.pt": saved(conv),
        "equivariant.target.pt": saved(images),
        "state.target.pt": saved(dense.state_dict()),
        "weights.target.safetensors": save(weights),
        **{f"{kind}.ticket": ticket_bytes(*header_and_mask(kind)) for kind in NETWORKS},
    }


def damaged(original: bytes, rng: np.random.Generator) -> bytes:
    """Cut short, with bytes changed, with a part exchanged, doubled, taken out or made zero."""
    content = bytearray(original)
    start, stop = sorted(rng.integers(0, len(content) + 1, 2).tolist())
    match rng.integers(6):
        case 0:
            del content[start:]
        case 1 | 2:
            for place in rng.integers(0, len(content), rng.integers(1, 5)).tolist():
                content[place] ^= int(rng.integers(1, 256))
        case 3:
            del content[start : min(stop, start + 64)]
        case 4:
            content[start:start] = content[start:stop]
        case 5:
            content[start : min(stop, start + 16)] = bytes(min(stop, start + 16) - start)
    return bytes(content)


@pytest.mark.filterwarnings("ignore:.*weights only")
@pytest.mark.parametrize("name", list(originals()))
def test_damaged_files_of_every_kind_are_read_or_refused(tmp_path: Path, name: str) -> None:
    """The seeded share of a run over 20,000 files."""
    original, rng, path = originals()[name], np.random.default_rng(12), tmp_path / name
    for _ in range(60):
        path.write_bytes(damaged(original, rng))
        try:
            (Ticket.load if name.endswith("ticket") else load_target)(path)
        except (TargetFileError, TicketFileError):
            continue
        except ValueError:  # of read: a form that it refuses
            if name.endswith("ticket"):
                raise
