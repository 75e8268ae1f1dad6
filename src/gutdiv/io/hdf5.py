"""What every reader of HDF5 asks before it reads: that all data lie in the file itself, and that no array claims more than can be there."""

from __future__ import annotations

from typing import Any

import numpy as np

from gutdiv.errors import InputError, first_ids
from gutdiv.io.text import MAX_UNPACKED, SMALL

MAX_RATIO = 1100  # bytes of an array for each stored one: deflate, which HDF5 uses, cannot exceed 1032
_MOST_OBJECTS = 200_000
_NUMBERS = "iuf"  # kinds of dtype


def check_inside(file: Any, source: str) -> None:
    """Refuse a file that takes data from other files: external links, external storage, virtual datasets.

    Parameters
    ----------
    file : h5py.File
    source : str
        The file's name, for messages.

    Raises
    ------
    InputError
        Naming the place in the file.
    """
    import h5py

    todo, seen = [file["/"]], set()
    while todo:
        group = todo.pop()
        for name in group:
            place = f"{group.name.rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                _refuse(source, place, f"is a link into another file ({first_ids([str(link.filename)])})")
            if isinstance(link, h5py.SoftLink):
                continue  # leads to a place that is walked over, or nowhere
            node = group[name]
            if isinstance(node, h5py.Dataset) and node.is_virtual:
                _refuse(source, place, "is a virtual dataset, put together from others")
            if isinstance(node, h5py.Dataset) and node.external:
                _refuse(source, place, f"is stored in another file ({first_ids([str(node.external[0][0])])})")
            known = h5py.h5o.get_info(node.id)
            if (key := (known.fileno, known.addr)) in seen:
                continue
            seen.add(key)
            if len(seen) > _MOST_OBJECTS:
                _refuse(source, place, f"is one of more than {_MOST_OBJECTS:,} objects")
            if isinstance(node, h5py.Group):
                todo.append(node)


def _refuse(source: str, place: str, why: str) -> None:
    """Refuse a file for what stands at a place."""
    msg = f"{source}: {place[:200]!r} {why}. Only what lies in the file itself is read: write the table again as one whole file."
    raise InputError(msg)


def check_claim(dataset: Any, *, most: int = MAX_UNPACKED) -> None:
    """Raise ValueError where an array claims more bytes than `most`, or than the bytes stored for it can unpack to."""
    claimed = int(np.prod([int(n) for n in dataset.shape or (1,)], dtype=object)) * max(dataset.dtype.itemsize, 1)
    stored = int(dataset.id.get_storage_size())
    if claimed > most or claimed > max(SMALL, MAX_RATIO * stored):
        shape = " x ".join(f"{n:,}" for n in dataset.shape)
        msg = f"{dataset.name} claims {shape} values, for which {stored:,} bytes are stored"
        raise ValueError(msg)


def whole(dataset: Any) -> Any:
    """Read a whole array, unless it claims more than can be there (ValueError)."""
    check_claim(dataset)
    return dataset[()]


def dataset_at(file: Any, place: str, *, numbers: bool = False, ndim: int = 1) -> Any:
    """Return the array at a place; ValueError says which is missing, is no array, has other dimensions or no numbers."""
    node = file.get(place)
    problem = None
    if node is None:
        problem = "is missing"
    elif not hasattr(node, "dtype"):
        problem = "is a group where an array is expected"
    elif len(node.shape or ()) != ndim:
        problem = f"has {len(node.shape or ())} dimensions where {ndim} is expected"
    elif numbers and node.dtype.kind not in _NUMBERS:
        problem = f"holds {node.dtype} where numbers are expected"
    if problem:
        msg = f"{place} {problem}"
        raise ValueError(msg)
    return node
