"""Fashion-MNIST: the published bytes or nothing, from the first folder that is named."""

import gzip
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from slth.targets import DATASETS, fashion_mnist

module = import_module("slth.targets.fashion_mnist")  # whose name the function has too

Small = dict[str, bytes]


@pytest.fixture(name="small")
def small_fixture(monkeypatch: pytest.MonkeyPatch) -> Small:
    """Files of the same kind with 3 and 2 images, taken for the published ones."""
    rng = np.random.default_rng(0)
    files = {}
    monkeypatch.setattr(module, "_COUNTS", counts := {"train": 3, "t10k": 2})
    for part, count in counts.items():
        pixels = rng.integers(1, 256, count * 784, np.uint8).tobytes()
        sizes = b"".join(number.to_bytes(4, "big") for number in (count, 28, 28))
        files[f"{part}-images-idx3-ubyte"] = b"\0\0\x08\x03" + sizes + pixels
        labels = rng.integers(0, 10, count, np.uint8).tobytes()
        files[f"{part}-labels-idx1-ubyte"] = b"\0\0\x08\x01" + sizes[:4] + labels
    digests = {name: sha256(data).hexdigest() for name, data in files.items()}
    monkeypatch.setattr(module, "_DIGESTS", digests)
    monkeypatch.setattr(module, "SYSTEM_FOLDER", Path("nowhere"))
    monkeypatch.delenv(module.VARIABLE, raising=False)
    return files


def plainly(files: Small, folder: Path) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def packed(files: Small, folder: Path) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))
    return folder


@pytest.mark.parametrize("write", [plainly, packed])
def test_reads_pixels_and_classes(
    write: Callable[[Small, Path], Path], small: Small, tmp_path: Path
) -> None:
    folder = write(small, tmp_path / "files")
    data = fashion_mnist(folder)
    pixels = np.frombuffer(small["t10k-images-idx3-ubyte"][16:], np.uint8).reshape(2, 784) / 1.0
    expected = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    np.testing.assert_allclose(data.x_test.numpy(), expected, rtol=1e-6)
    assert data.x_train.dtype == torch.float32
    assert bytes(data.y_train.tolist()) == small["train-labels-idx1-ubyte"][8:]
    half = fashion_mnist(folder, side=14).x_test.double()
    blocks = torch.nn.functional.avg_pool2d(torch.from_numpy(pixels).reshape(2, 1, 28, 28), 2)
    blocks = torch.nn.functional.normalize(blocks.flatten(1))
    torch.testing.assert_close(half, blocks, rtol=1e-6, atol=0)


def test_the_first_folder_named_counts(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = packed(small, tmp_path / "there")
    monkeypatch.setattr(module, "SYSTEM_FOLDER", there)
    assert len(fashion_mnist().x_train) == 3
    monkeypatch.setenv(module.VARIABLE, str(tmp_path / "elsewhere"))
    with pytest.raises(FileNotFoundError, match=r"no .*elsewhere/train-images-idx3-ubyte"):
        fashion_mnist()
    assert len(fashion_mnist(there).x_train) == 3
    monkeypatch.setenv(module.VARIABLE, str(there))
    with pytest.raises(FileNotFoundError, match=r"no .*missing/train-images-idx3-ubyte"):
        fashion_mnist(tmp_path / "missing")
    monkeypatch.setattr(module, "SYSTEM_FOLDER", tmp_path / "elsewhere")
    assert len(fashion_mnist().x_train) == 3


def test_without_the_files_all_ways_are_named(small: Small) -> None:
    assert small
    with pytest.raises(
        FileNotFoundError,
        match=r"the argument, .* variable SLTH_FASHION_MNIST, .*apt-get install dataset-fashion",
    ):
        fashion_mnist()


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:] if len(data) > 20 else b"",
        lambda data: data[:3] + b"\7" + data[4:],
    ],
    ids=["short", "long", "a bit", "head"],
)
def test_other_bytes_are_refused(
    spoil: Callable[[bytes], bytes], name: str, small: Small, tmp_path: Path
) -> None:
    folder = packed(small | {name: spoil(small[name])}, tmp_path / "files")
    with pytest.raises(ValueError, match=f"{name} in .* is not the published file"):
        fashion_mnist(folder)


@pytest.mark.parametrize("end", [5, 12, -4])
def test_a_damaged_archive_is_refused(end: int, small: Small, tmp_path: Path) -> None:
    folder = packed(small, tmp_path / "files")
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte.*(damaged|not the published)"):
        fashion_mnist(folder)
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="is damaged: Not a gzipped file"):
        fashion_mnist(folder)


def test_no_more_is_unpacked_than_belongs_to_it(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = packed(small, tmp_path / "files")
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(1 << 26)))
    lengths: list[int] = []

    def digest(data: bytes) -> Any:
        lengths.append(len(data))
        return sha256(data)

    monkeypatch.setattr(module, "sha256", digest)
    with pytest.raises(ValueError, match="not the published"):
        fashion_mnist(folder)
    assert max(lengths) == 16 + 3 * 784


@pytest.mark.parametrize("side", [7, 27, 56, 28.0, True])
def test_refuses_other_sides(side: int) -> None:
    with pytest.raises(ValueError, match="side"):
        fashion_mnist(side=side)


def test_all_of_it() -> None:
    try:
        data = DATASETS["fashion14"]()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    for x, y, count in ((data.x_train, data.y_train, 6_000), (data.x_test, data.y_test, 1_000)):
        assert x.shape == (10 * count, 196)
        assert torch.bincount(y).tolist() == 10 * [count]
        assert (x >= 0).all()
        norms = torch.linalg.vector_norm(x, dim=1)
        torch.testing.assert_close(norms, torch.ones_like(norms), rtol=0, atol=1e-6)
    # Trousers, class 1, are dark beside the legs and bags, class 8, are not: it is no shuffle.
    means = torch.stack([data.x_test[data.y_test == k].mean(dim=0) for k in range(10)])
    nearest = torch.cdist(data.x_test, means).argmin(dim=1)
    assert float((nearest == data.y_test).double().mean()) > 0.6
