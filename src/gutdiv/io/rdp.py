"""Tables of the RDP Classifier (`--hier_outfile`): one row a taxon of the hierarchy, each with the reads of all taxa below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from gutdiv.errors import InputError
from gutdiv.io.cells import walk
from gutdiv.io.headers import find_header
from gutdiv.io.ranks import RANK_OF
from gutdiv.io.raw import checked_table
from gutdiv.io.text import open_bytes
from gutdiv.model.cohort import RANKS
from gutdiv.model.inputs import RawTable, RawTaxonomy

if TYPE_CHECKING:
    from pathlib import Path

_ROOT = "rootrank"


def read_rdp_hierarchy(path: Path) -> RawTable:
    """Read a table of the RDP Classifier as the reads of each taxon itself, without those of the taxa below it.

    A row holds the reads of its taxon and of all below; added up as they stand, they would count each read once a rank. A taxon's own reads are
    its row less the rows right below it; taxa without any of their own are left out. Feature ids are the `taxid`.

    Raises
    ------
    InputError
        Where a taxon has fewer reads than those below it, or for what `read_text_table` refuses.
    """
    header = find_header(open_bytes(path, "table"), path.name)
    found = walk(header.body, [c < 4 for c in range(len(header.names))])
    if found.wrong or found.blanks[:, 0].any():
        row = found.wrong[0][0] if found.wrong else int(found.blanks[found.blanks[:, 0] > 0, 1].min())
        msg = f"{path.name}, row {found.line(row)}: a cell is no number. Write the read count, 0 where there is none."
        raise InputError(msg)
    ids, lineages = ([t.strip() for t in found.texts(c)] for c in (0, 1))
    whole = found.matrix(samples_in_rows=False).T.tocsr()  # taxa x samples
    place = {_parts(line): i for i, line in enumerate(lineages)}
    below = [(place[above], i) for i, line in enumerate(lineages) if (above := _parts(line)[:-1]) in place and _parts(line)]
    links = sparse.csr_matrix((np.ones(len(below)), tuple(np.array(below, dtype=np.int64).reshape(-1, 2).T)), shape=(len(ids), len(ids)))
    own = (whole - links @ whole).tocsr()
    own.eliminate_zeros()
    if (own.data < 0).any():
        row = int(np.flatnonzero(np.asarray(own.min(axis=1).todense()).ravel() < 0)[0])
        msg = (
            f"{path.name}, row {found.line(row)} ({ids[row]!r}): the taxon has fewer reads than the taxa below it. Export the table again."
        )
        raise InputError(msg)
    parents = {above for above, _ in below}
    kept = [i for i in range(len(ids)) if i not in parents or own.indptr[i + 1] > own.indptr[i]]
    rows = {ids[i]: _ranks(_parts(lineages[i])) for i in kept}
    note = f"{path.name}: {len(ids) - len(kept)} of {len(ids)} taxa hold no reads but those of the taxa below them, and were left out"
    return checked_table(
        header.names[4:],
        [ids[i] for i in kept],
        own[kept].T.tocsr(),
        source=path.name,
        format="RDP Classifier hierarchy, each taxon's own reads",
        taxonomy=RawTaxonomy(rows, RANKS, path.name, "in the table"),
        notes=(note,),
    )


def _parts(lineage: str) -> tuple[tuple[str, str], ...]:
    """Take `Root;rootrank;Bacteria;domain;...` apart into (name, rank) below the root; the root's own lineage is empty or `null`."""
    cells = lineage.split(";")[:-1]
    pairs = tuple(zip(cells[::2], cells[1::2], strict=False))
    return pairs[1:] if pairs and pairs[0][1] == _ROOT else pairs


def _ranks(parts: tuple[tuple[str, str], ...]) -> tuple[str | None, ...]:
    """Return one name a rank; names without one of the seven ranks (`unclassified_X`) say nothing more."""
    named = {RANK_OF[rank]: name for name, rank in parts if rank in RANK_OF}
    return tuple(named.get(r) for r in RANKS)
