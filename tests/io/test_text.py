"""Packed text: read in little memory, and refused where it is a bomb."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gutdiv.errors import InputError
from gutdiv.io import text

if TYPE_CHECKING:
    from pathlib import Path

PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("how", PACKERS)
def test_a_small_packed_table_is_read_in_little_memory(tmp_path: Path, how: str) -> None:
    path = tmp_path / "t.tsv.packed"
    path.write_bytes(PACKERS[how](b"#OTU ID\tA\nF1\t5\n"))
    program = (
        "import resource, sys; from pathlib import Path; from gutdiv.io.text import open_bytes;"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)); sys.stdout.buffer.write(open_bytes(Path(sys.argv[1]), 'table'))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"#OTU ID\tA\nF1\t5\n"), done.stderr


@pytest.mark.parametrize("how", PACKERS)
def test_a_packed_file_that_swells_out_of_proportion_is_refused(tmp_path: Path, monkeypatch: Any, how: str) -> None:
    monkeypatch.setattr(text, "SMALL", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(PACKERS[how](b"F\t0\n" * (1 << 20)))
    with pytest.raises(InputError, match=r"bomb\.gz unpacks to more than 1 MiB from .* bytes"):
        text.open_bytes(path, "table")
    monkeypatch.setattr(text, "SMALL", 8 << 20)
    assert text.open_bytes(path, "table") == b"F\t0\n" * (1 << 20)


def test_memory_that_does_not_suffice_is_said_without_a_traceback(tmp_path: Path, monkeypatch: Any) -> None:
    class Full:
        def write(self, piece: bytes) -> int:
            raise MemoryError

    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(b"a"))
    bytes_io = text.io.BytesIO
    monkeypatch.setattr(text.io, "BytesIO", lambda *content: bytes_io(*content) if content else Full())
    with pytest.raises(InputError, match=r"t\.gz unpacks to more than 0 MiB, which is more than the memory holds"):
        text.open_bytes(path, "table")
