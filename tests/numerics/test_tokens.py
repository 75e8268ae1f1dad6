"""The tokenizer of tables: the same as Python's own split and float(), to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutdiv.errors import InputError
from gutdiv.io.cells import Body, Walk, split_cells, walk

NUMBERS = st.one_of(
    st.integers(0, 10**6).map(str),
    st.just("0"),
    st.integers(0, 10**20).map(str),
    st.floats(allow_nan=False).map(repr),
    st.decimals(0, 10**6, allow_nan=False, places=6).map(str),
    st.sampled_from(
        ["00012", "1.", ".5", "12.0", "0.1", "1e3", "1E-3", "-4", "+4", " 7 ", "nan", "inf", "0.30000000000000004", '"12"', '"1.5"', "-0.0"]
    ),
    st.sampled_from(
        ["123456789012345", "1234567890123456", "9007199254740993", "0.0000000000000000000001234567", "8.5e-324", "179769313486231570000"]
    ),
)


def naive(text: str, delimiter: str, columns: list[bool]) -> list[list[float]]:
    """Split and float() as Python does; the twin of the kernel, for lines without quotes around delimiters."""
    rows = [line.split(delimiter) for line in text.split("\n") if line.strip(' \t"' + delimiter)]
    return [[float(c.strip('"')) for c, text_column in zip(r, columns, strict=True) if not text_column] for r in rows]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from("\t,;"),
    st.booleans(),
    st.sampled_from([0, 2, 4]),
)
def test_numbers_are_those_of_float_to_the_last_bit_in_both_walks_and_orientations(
    rows: list[list[str]], delimiter: str, last_newline: bool, where: int
) -> None:
    columns = [c == where for c in range(5)]
    lines = []
    for i, row in enumerate(rows):
        cells = [*row, "1"]
        cells.insert(where, f"id {i}")
        lines.append(delimiter.join(cells))
    text = "\n".join(lines) + ("\n\n" if last_newline else "")
    expected = np.array(naive(text, delimiter, columns))
    body = Body(text.encode(), 0, delimiter.encode(), "t")
    for compiled in (True, False):
        found = walk(body, columns, compiled=compiled)
        assert not found.wrong
        assert [t.strip() for t in found.texts(where)] == [f"id {i}" for i in range(len(rows))]
        for samples_in_rows in (True, False):
            dense = found.matrix(samples_in_rows=samples_in_rows).toarray()
            assert np.array_equal(dense if samples_in_rows else dense.T, expected, equal_nan=True)


CELLS = st.text(alphabet='ab"\t ,0.1_-é#', max_size=5)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=6),
    st.sampled_from([b"\t", b","]),
    st.lists(st.booleans(), min_size=2, max_size=3),
)
def test_both_walks_find_the_same_in_any_text(rows: list[list[str]], delimiter: bytes, columns: list[bool]) -> None:
    raw = "\n".join(delimiter.decode().join(r) for r in rows).encode()
    assert outcome(Body(raw, 0, delimiter, "t"), columns, compiled=True) == outcome(Body(raw, 0, delimiter, "t"), columns, compiled=False)


def outcome(body: Body, columns: list[bool], *, compiled: bool) -> object:
    """Return all that a walk finds, in a form that can be compared; the message where it refuses."""
    try:
        found = walk(body, columns, compiled=compiled)
    except InputError as error:
        return str(error)
    texts = [found.texts(c) for c, text in enumerate(columns) if text]
    blanks = [tuple(b) if b[0] else (0, 0) for b in found.blanks.tolist()]
    dense = found.matrix(samples_in_rows=True).toarray().tolist() if not found.wrong else None
    return found.rows.tolist(), found.wrong, blanks, texts, str(dense)


def test_quotes_stand_around_whole_cells_only() -> None:
    cases = {
        b'"a",b': [b"a", b"b"],
        b'"a,b",c': [b"a,b", b"c"],
        b'"a""b",c': [b'a"b', b"c"],
        b'"Bacteroidetes"(100),c': [b'"Bacteroidetes"(100)', b"c"],
        b'a"b,"",': [b'a"b', b"", b""],
        b'"open,b': [b'"open', b"b"],
        b'"': [b'"'],
    }
    for line, expected in cases.items():
        assert split_cells(line, b",") == expected


@pytest.mark.parametrize("compiled", [True, False])
def test_a_wrong_cell_is_named_by_row_and_column_and_blanks_are_counted(compiled: bool) -> None:
    raw = b'head\nf1\t1\t2\n\nf2\tx\t"y"\nf3\t\t1_0\nf4\t4\t \t\t\n'
    found = walk(Body(raw, 5, b"\t", "t"), [True, False, False], compiled=compiled)
    assert found.wrong == ((1, 1), (1, 2), (2, 2))
    assert [found.line(r) for r in range(4)] == [2, 4, 5, 6]
    assert found.blanks[1:].tolist() == [[1, 2], [1, 3]]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(("row", "said"), [(b"f2\t1", "2 cells"), (b"f2\t1\t2\t3\t", "4 cells"), (b'f2\t"1\t2"', "2 cells")])
def test_a_row_of_another_width_is_refused_by_its_line(compiled: bool, row: bytes, said: str) -> None:
    with pytest.raises(InputError, match=rf"t.tsv, row 3 \('f2'\): {said} where the header has 3"):
        walk(Body(b"h\ta\tb\nf1\t1\t2\n" + row + b"\nf3\t1\t1\n", 6, b"\t", "t.tsv"), [True, False, False], compiled=compiled)


def test_more_cells_to_be_looked_at_than_there_was_room_for_are_all_kept() -> None:
    n = 5000
    raw = "".join(f"f{i}\t{i}e0\t0.1{i:018d}\n" for i in range(n)).encode()
    found: Walk = walk(Body(raw, 0, b"\t", "t"), [True, False, False], compiled=True)
    dense = found.matrix(samples_in_rows=False).toarray()
    assert dense[0].tolist() == list(range(n))
    assert dense[1].tolist() == [float(f"0.1{i:018d}") for i in range(n)]


@pytest.mark.parametrize("compiled", [True, False])
def test_shares_with_all_their_digits_are_not_rounded_twice(compiled: bool) -> None:
    rng = np.random.default_rng(7)
    shares = np.concatenate([rng.random(3000), rng.random(1000) * 100, 10.0 ** rng.uniform(-6, 15, 1000)])
    spelled = [*map(repr, shares.tolist()), *(f"{v:.16f}" for v in shares), *(f"{v:.17f}" for v in shares)]
    raw = "".join(f"f\t{c}\n" for c in spelled).encode()
    found = walk(Body(raw, 0, b"\t", "t"), [True, False], compiled=compiled).matrix(samples_in_rows=False).toarray()[0]
    assert found.tolist() == [float(c) for c in spelled]
