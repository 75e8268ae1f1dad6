"""The house rules of docs/architecture.md, checked on the source itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "gutdiv"
STAGES = ("cohort", "diversity", "comparison", "reference", "dysbiosis", "immune", "report")
FILES = sorted(p for p in SOURCE.rglob("*.py"))
# What each room may import, besides itself and errors.
ALLOWED = {
    "errors": set(),
    "numerics": set(),
    "model": {"errors"},
    "grammar": {"model", "numerics"},
    "io": {"model", "numerics"},
    **{stage: {"model", "numerics", "grammar"} for stage in STAGES},
    "report": {"model"},
    "cli": {"model", "numerics", "grammar", "io", *STAGES},
}
MODULES = {".".join(("gutdiv", *p.relative_to(SOURCE).with_suffix("").parts)) for p in FILES}
OPENERS = {"open", "read_text", "write_text", "read_bytes", "write_bytes"}


def room(path: Path) -> str:
    """Return the room of a file: its folder, or its own name at the top."""
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imports(path: Path) -> set[str]:
    """Return the full names of gutdiv modules that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:  # `from package import module` means the module
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else node.module or "")
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return {f for f in found if f == "gutdiv" or f.startswith("gutdiv.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_from_the_floors_below(path: Path) -> None:
    here = room(path)
    if here in {"__init__", "__main__"}:
        return
    for name in imports(path):
        there = name.split(".")[1] if "." in name else ""
        allowed = ALLOWED[here] | {here, "errors", "__version__", ""}
        assert there in allowed, f"{here} must not import {name}"


def test_there_is_no_import_circle_between_files() -> None:
    def name_of(path: Path) -> str:
        parts = ("gutdiv", *path.relative_to(SOURCE).with_suffix("").parts)
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    graph = {name_of(p): imports(p) for p in FILES}
    done: set[str] = set()

    def walk(node: str, trail: tuple[str, ...]) -> None:
        assert node not in trail, " -> ".join((*trail, node))
        if node in done or node not in graph:
            return
        for following in graph[node]:
            walk(following, (*trail, node))
        done.add(node)

    for start in graph:
        walk(start, ())


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_file_is_short_says_what_it_is_for_and_is_named_for_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    doc = ast.get_docstring(ast.parse(text))
    assert doc
    assert doc.splitlines()[0].endswith((".", "'"))
    assert not {"utils", "common", "helpers"} & set(path.relative_to(SOURCE).with_suffix("").parts)


@pytest.mark.parametrize("path", [p for p in FILES if room(p) not in {"io", "cli", "numerics"}], ids=lambda p: str(p.relative_to(SOURCE)))
def test_only_io_opens_files(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            assert called not in OPENERS, f"{path.name}, line {node.lineno}: {called}"


def test_numerics_sees_arrays_only() -> None:
    for path in FILES:
        if room(path) == "numerics":
            text = path.read_text(encoding="utf-8")
            assert "pandas" not in text, path


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if room(p) in {"report", "dysbiosis", "comparison", "immune", "grammar"}],
    ids=lambda p: str(p.relative_to(SOURCE)),
)
def test_no_text_from_a_user_reaches_a_parser_that_runs_code(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            assert called not in {"eval", "exec", "query", "compile"} or (
                isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "re.compile"
            )
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            assert "patsy" not in ast.unparse(node)
            assert "formula" not in ast.unparse(node) or "gutdiv.grammar" in ast.unparse(node)


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_has_its_word_everywhere(stage: str) -> None:
    root = SOURCE.parents[1]
    assert (SOURCE / stage / "__init__.py").is_file()
    assert (SOURCE / "cli" / f"{stage}.py").is_file()
    assert (root / "workflow" / "rules" / f"{stage}.smk").is_file()
    assert any((root / "tests" / stage).glob("test_*.py"))
