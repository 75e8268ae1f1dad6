"""Sample metadata by QIIME 2's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gutdiv.errors import InputError
from gutdiv.io.metadata import read_metadata

if TYPE_CHECKING:
    from pathlib import Path


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "m.tsv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_comments_types_blanks_and_short_rows_are_read_as_qiime_2_does(tmp_path: Path) -> None:
    text = "\ufeff# a comment\r\n\r\nsample-id\tage\tcode\tsite\t\r\n#q2:types\tnumeric\tcategorical\t\r\n# more\r\n 007 \t 12 \t1\tgut\r\nb\tNA\t2\r\n"
    found = read_metadata(write(tmp_path, text))
    assert found.ids == ("007", "b")
    assert found.columns == {"age": ("12", None), "code": ("1", "2"), "site": ("gut", None)}
    assert found.kinds == {"age": "numeric", "code": "categorical", "site": "categorical"}
    assert found.numeric("age")[0] == 12.0


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3e4"], "numeric"),
        (["1", "nan", "2"], "categorical"),
        (["1", "<5", "2"], "categorical"),
        (["1,5", "1", "2"], "categorical"),
    ],
)
def test_a_column_is_numeric_only_where_every_cell_is_a_decimal_number(tmp_path: Path, cells: list[str], kind: str) -> None:
    found = read_metadata(write(tmp_path, "id\tx\n" + "".join(f"s{i}\t{c}\n" for i, c in enumerate(cells))))
    assert found.kinds == {"x": kind}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age\tsex\n1\tf\n", "row 1.*headed 'age'.*Name it 'sample-id'"),
        ("id\tx\ta\tx\ns\t1\t2\t3\n", "'x' stands twice .columns 2 and 4."),
        ("id\tx\ns\t1\ns\t2\n", "row 3: sample id 's' stands already in row 2"),
        ("id\tx\ns\t1\t2\n", r"row 2 \('s'\): 3 cells where the header has 2"),
        ("id\tx\n\t1\n", "row 2: no sample id"),
        ("id\tx\n#q2:types\tnumeric\ns\tabc\n", "declared numeric.*sample 's'.*'abc'"),
        ("id\tx\n#q2:types\tnumber\ns\t1\n", "row 2: column 'x' has the type 'number'"),
        ("id\tsample-id\ns\t1\n", "a name kept for the sample ids"),
        ("id\t\tx\ns\t1\t2\n", "column 2 has no name"),
        ("id\tx\n", "no sample"),
        ("id,x\ns,1\n", "comma-separated"),
        ('id\tx\ns0\t"5 mg\ns1\tx\n', "row 2.*a quotation mark is opened and not closed"),
    ],
)
def test_errors_name_row_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_metadata(write(tmp_path, text))
    assert "m.tsv" in str(caught.value)


@pytest.mark.real_data
def test_every_real_metadata_table_is_read(real_data: Path) -> None:
    for path in sorted(real_data.glob("*/metadata.tsv")):
        found = read_metadata(path)
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        assert len(found.ids) == len(lines) - 1, path
        assert "group" in found.columns, path
