"""Start-up: help reads no library, and no command imports what it does not use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "test_data"
HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "numba",
    "h5py",
    "plotly",
    "skbio",
    "sklearn",
    "statsmodels",
    "snakemake",
    "jinja2",
    "openpyxl",
    "rdata",
)


def imported(*words: str, cwd: Path | None = None) -> set[str]:
    """Return the top-level packages and scipy's rooms that a command leaves imported."""
    code = (
        "import json, sys\nfrom gutdiv.cli.app import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "names = {m if m.startswith('scipy.') and m.count('.') == 1 else m.split('.')[0] for m in sys.modules}\n"
        "sys.stderr.write('\\n' + json.dumps(sorted(names)))"
    )
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=cwd, check=True)
    return set(json.loads(run.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["diversity", "--help"], ["diversity", "ordination", "--help"], ["comparison", "--help"]]
)
def test_help_imports_no_library(words: list[str]) -> None:
    assert not imported(*words) & set(HEAVY)


def test_a_command_imports_only_what_it_uses(tmp_path: Path) -> None:
    built = imported("cohort", "build", "--table", str(DATA / "table.biom"), "--output", str(tmp_path / "c"))
    assert not built & {"plotly", "skbio", "sklearn", "statsmodels", "snakemake", "jinja2", "numba", "scipy.stats", "scipy.linalg"}
    cohort = str(tmp_path / "c" / "cohort.json")
    words = ["diversity", "beta", "--cohort", cohort, "--metric", "braycurtis", "--output", str(tmp_path / "bc.h5")]
    imported(*words)  # compiles what is not yet in the cache of kernels, for which numba imports more
    measured = imported(*words)
    assert "numba" in measured
    assert not measured & {"unittest", "charset_normalizer", "numpy.ma.core"}, "what numpy loads for those that take all of its names"
    assert not measured & {"pandas", "plotly", "skbio", "sklearn", "statsmodels", "scipy.stats", "scipy.linalg"}
    ordinated = imported("diversity", "ordination", "--distances", str(tmp_path / "bc.h5"), "--output", str(tmp_path / "o.tsv"))
    assert not ordinated & {"numba", "plotly", "skbio", "sklearn", "statsmodels", "scipy.stats", "scipy.linalg"}


def test_unused_parts_of_numpy_are_there_for_those_who_use_them() -> None:
    code = (
        "from gutdiv.cli.startup import defer_unused\ndefer_unused()\ndefer_unused()\nimport sys\nimport numpy as np\nimport scipy.sparse\n"
        "assert 'unittest' not in sys.modules\nnp.testing.assert_allclose([1.0], [1.0])\n"
        "from numpy.testing import assert_array_equal\nassert 'unittest' in sys.modules\nfrom numpy.f2py import crackfortran\n"
        "assert 'numpy.ma.core' not in sys.modules\nassert np.ma.masked_less([1, 3], 2).sum() == 3\nassert np.isnan(np.ctypeslib.as_array([np.nan])[0])\n"
        "print(crackfortran.__name__)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "numpy.f2py.crackfortran"
