"""What samples of different studies are compared by: genus diversity on a study's own labels, and 29 parts that every database can name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gutdiv.diversity.rarefaction import sample_keys
from gutdiv.errors import InputError
from gutdiv.numerics import draws as reads
from gutdiv.numerics.rows import tallies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort

Floats = npt.NDArray[np.float64]

DRAWS = 20  # over which diversity is averaged; parts come from the first of them
HALF = 0.5
OTHER = "other"
MDI_UP = ("Enterobacteriaceae", "Pasteurellaceae", "Veillonella", "Fusobacteriaceae")
MDI_DOWN = (
    "Faecalibacterium", "Roseburia_Agathobacter", "Blautia", "Lachnospiraceae_other", "Ruminococcaceae_other", "Bacteroides_Phocaeicola",
    "Prevotellaceae", "Porphyromonadaceae_sl", "Rikenellaceae", "Erysipelotrichia",
)  # fmt: skip
BACTEROIDETES_PARTS = frozenset({"Bacteroides_Phocaeicola", "Prevotellaceae", "Porphyromonadaceae_sl", "Rikenellaceae"})
FIRMICUTES_PARTS = frozenset({
    "Faecalibacterium", "Roseburia_Agathobacter", "Blautia", "Lachnospiraceae_other", "Ruminococcaceae_other", "Erysipelotrichia",
    "Clostridiaceae", "Peptostreptococcaceae", "Veillonella", "Negativicutes_other", "Streptococcaceae", "Lactobacillaceae",
    "Enterococcaceae", "Christensenellaceae", "Mogibacteriaceae",
})  # fmt: skip
ALPHA = ("Shannon", "lnRichness", "lnInvSimpson", "Pielou", "-logitBP", "ShannonGuild", "log2FB")

_UNCLASSIFIED = re.compile(r"^(.+?)[ _](?:unclassified|Unclassified)$")
_BIN = re.compile(r" \(.*\)$")  # `Prevotella (undivided)`: the project's mark of a wider bin
_FIRMICUTES = re.compile(r"^(?:Firmicutes|Bacillota)", re.IGNORECASE)
_BACTEROIDETES = re.compile(r"^(?:Bacteroidetes|Bacteroidota)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Portable:
    """What the portable reference sees of each sample, at one depth.

    Parameters
    ----------
    sample_ids : (n,) tuple of str
    alpha : mapping of str to (n,) float64
        `ALPHA`, on the scale named in `SCALES`; NaN where a sample has fewer reads.
    counts : (n, 29) int64
        Reads by part in the first draw, in the order of `parts`.
    parts : tuple of str
    depth : int
    """

    sample_ids: tuple[str, ...]
    alpha: Mapping[str, Floats]
    counts: npt.NDArray[np.int64]
    parts: tuple[str, ...]
    depth: int

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which samples have enough reads."""
        return np.asarray(self.counts.sum(axis=1) == self.depth)

    def clr(self, *, other: bool) -> Floats:
        """Centred log-ratios of the parts' reads + 1/2, (n, 29), or (n, 28) without the part `other`."""
        logs = np.log(self.counts + HALF)
        if not other:
            logs = np.delete(logs, self.parts.index(OTHER), axis=1)
        return np.asarray(logs - logs.mean(axis=1, keepdims=True))

    def mdi(self) -> Floats:
        """Mean ln of the parts that grow in Crohn's disease less mean ln of those that shrink (families of Gevers et al. 2014), (n,)."""
        logs = np.log(self.counts + HALF)
        up, down = ([self.parts.index(p) for p in names] for names in (MDI_UP, MDI_DOWN))
        return np.asarray(logs[:, up].mean(axis=1) - logs[:, down].mean(axis=1))


SCALES: Mapping[str, str] = {
    "Shannon": "genus Shannon, nats",
    "lnRichness": "ln observed genera",
    "lnInvSimpson": "ln(1/sum p^2)",
    "Pielou": "H/ln S",
    "-logitBP": "-ln(d/(1-d)), d=max share",
    "ShannonGuild": "Shannon over the 29 parts, nats",
    "log2FB": "log2((Firmicutes+.5)/(Bacteroidetes+.5))",
}


def measure_portable(cohort: Cohort, rules: Sequence[Mapping[str, str]], *, depth: int, draws: int = DRAWS, first: int = 0, seed: int = 42) -> Portable:
    """Measure what the portable reference sees.

    Parameters
    ----------
    cohort : Cohort
        With lineages.
    rules : sequence of mapping
        `part`, `rank` (genus or family) and `name`, as `io.knowledge.read_parts` gives them.
    depth : int
        Reads to which samples are rarefied.
    draws, first : int
        How many draws diversity is averaged over, and the number of the first of them, of which the parts come.

    Raises
    ------
    InputError
        Where the cohort has no lineages.
    """
    if cohort.lineages is None:
        msg = "the cohort has no lineages, so that it cannot be held against other studies. Build it with --taxonomy."
        raise InputError(msg)
    parts = (*dict.fromkeys(r["part"] for r in rules),)
    place = parts_of(cohort, rules, parts)
    labels, own = np.unique(np.array(own_genera(cohort), dtype=object), return_inverse=True)
    genus, part = _fold(own, labels.size), _fold(place, len(parts))
    phyla = _phyla(cohort, [parts[k] for k in place])
    counts, keys, n = cohort.counts, sample_keys(cohort.sample_ids), len(cohort.sample_ids)
    sums = {name: np.zeros(n) for name in ALPHA}
    counted = np.zeros((n, len(parts)), np.int64)
    for draw in range(first, first + draws):
        data = reads.rarefied(counts.indptr, counts.data, depth, keys, seed, draw)
        drawn = sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
        by_part = (drawn @ part).toarray()
        for name, values in _alpha((drawn @ genus).tocsr(), by_part, depth).items():
            sums[name] += values
        if draw == first:
            counted = by_part
            two = np.asarray((drawn @ phyla).toarray(), dtype=np.float64)
            sums["log2FB"] = np.log2(two[:, 0] + HALF) - np.log2(two[:, 1] + HALF)
    short = cohort.depth < depth
    alpha = {name: np.where(short, np.nan, total if name == "log2FB" else total / draws) for name, total in sums.items()}
    return Portable(cohort.sample_ids, alpha, counted, parts, depth)


def _alpha(by_genus: sparse.csr_matrix, by_part: npt.NDArray[np.int64], depth: int) -> dict[str, Floats]:
    """Diversity of one draw, by genus and over the parts."""
    found = tallies(by_genus.indptr, by_genus.indices, by_genus.data)
    largest = found.largest / depth
    q = by_part / depth
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "Shannon": found.entropy,
            "lnRichness": np.log(found.features),
            "lnInvSimpson": -np.log(found.concentration),
            "Pielou": np.where(found.features > 1, found.entropy / np.log(found.features), 0.0),
            "-logitBP": np.log1p(-largest) - np.log(largest),
            "ShannonGuild": -np.sum(np.where(q > 0, q * np.log(q), 0.0), axis=1),
        }


def _fold(place: npt.NDArray[Any], size: int) -> sparse.csr_matrix:
    """Matrix that adds features up by place."""
    return sparse.csr_matrix((np.ones(place.size, np.int64), (np.arange(place.size), place)), shape=(place.size, size))


# ---------------------------------------------------------------- names
def own_genera(cohort: Cohort) -> list[str]:
    """Genus of each feature as the study itself spells it; what it leaves unclassified is one group for each lowest rank it names."""
    assert cohort.lineages is not None
    columns = cohort.lineages[["genus", "family", "order", "class", "phylum", "domain"]]
    names = []
    for feature, row in zip(cohort.feature_ids, columns.itertuples(index=False, name=None), strict=True):
        lowest = next((r for r in row[1:] if r), "")
        names.append(row[0] if row[0] else feature if _UNCLASSIFIED.match(feature) else f"unclassified {lowest}")
    return names


def parts_of(cohort: Cohort, rules: Sequence[Mapping[str, str]], parts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Part of each feature, (n_features,): by canonical genus, else by its family, else by the family of an `X unclassified` name, else other."""
    assert cohort.lineages is not None
    by: dict[str, dict[str, str]] = {"genus": {}, "family": {}}
    for rule in rules:
        by[rule["rank"]][rule["name"]] = rule["part"]
    place = {p: i for i, p in enumerate(parts)}
    out = []
    cells = cohort.lineages[["canonical_genus", "genus", "canonical_family", "family"]]
    for feature, row in zip(cohort.feature_ids, cells.itertuples(index=False, name=None), strict=True):
        genus = _BIN.sub("", row[0] or "")
        named = _UNCLASSIFIED.match(row[1] or feature)
        families = [row[2], row[3], named[1].replace("_", " ") if named else None]
        found = by["genus"].get(genus) or next((by["family"][f] for f in families if f in by["family"]), OTHER)
        out.append(place[found])
    return np.array(out, dtype=np.int64)


def _phyla(cohort: Cohort, parts: Sequence[str]) -> sparse.csr_matrix:
    """Matrix of Firmicutes and Bacteroidetes, by phylum, or by part where no phylum is given."""
    assert cohort.lineages is not None
    out = np.zeros((len(parts), 2), np.int64)
    for i, (phylum, part) in enumerate(zip(cohort.lineages["phylum"], parts, strict=True)):
        firm = bool(_FIRMICUTES.match(phylum)) if phylum else part in FIRMICUTES_PARTS
        out[i] = firm, bool(_BACTEROIDETES.match(phylum)) if phylum else part in BACTEROIDETES_PARTS
    return sparse.csr_matrix(out)
