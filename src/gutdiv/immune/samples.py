"""What is depleted or enriched in each sample that is low, borderline or outside, and what the literature says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gutdiv.immune.composition import compose
from gutdiv.model.results import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gutdiv.model.cohort import Cohort
    from gutdiv.model.results import Controls

Floats = npt.NDArray[np.float64]

NOT_WITHIN = ("outside", "borderline")
LOW_METRICS = frozenset({"sobs", "chao1", "ace", "shannon", "hill_0", "hill_1", "faith_pd"})  # diversity and richness
MIN_CONTROLS = 20  # fewer cannot tell one in twenty
FAR = 2.0  # robust z
TAIL = 0.05  # largest share of the controls that lie as far out, on one side
MISSED = 0.05  # chance to miss a taxon that is as frequent as the detection limit
NOTES = (
    "No immune function was measured, and nothing here is advice: what is told of a taxon is what the literature reports of it.",
    "A direction is no cause: transit, stool consistency, proton-pump inhibitors, antibiotics, diet, age and geography change the same taxa.",
    "Some taxa are called in every sample by chance: by_chance tells how many in a control.",
)
JUDGED_CONTROLS = 200  # controls that the rule itself is tried on


@dataclass(frozen=True, eq=False)
class _Scores:
    """Samples x metrics at one depth: log-ratios, shares of all reads, and names; which columns are genera."""

    samples: tuple[str, ...]
    names: tuple[str, ...]
    genus: npt.NDArray[np.bool_]
    value: Floats
    share: Floats


@dataclass(frozen=True, eq=False)
class _Called:
    """One sample against the controls of other subjects: `state` is -1 depleted, 0, 1 enriched, for each metric."""

    state: npt.NDArray[np.int64]
    z: Floats
    tail: Floats
    median: Floats
    share: Floats
    n: int


def describe_samples(
    cohort: Cohort,
    taxa: pd.DataFrame,
    *,
    verdicts: pd.DataFrame,
    flags: pd.DataFrame,
    rows: Sequence[Mapping[str, str]],
    controls: Controls | None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Tell for each sample that is not within the controls which immune-relevant genera and guilds are depleted or enriched in it.

    A genus or guild is `depleted` where its log-ratio lies 2 or more robust SDs (1.4826 MAD) under the median of the controls of other
    subjects, no more than 5 % of them lie as low, and its share of reads is below their median too; `enriched` mirrors it and needs reads of
    the taxon. A genus that more than 5 % of the controls lack is therefore never called depleted for being absent. Genera with probiotic
    species that are there, but neither, are `present`.

    Parameters
    ----------
    cohort : Cohort
        With lineages; its reads set the detection limit of each sample, 1 - .05^(1 / reads).
    taxa : DataFrame of kind `taxa`
        Log-ratios at a common depth; levels `genus` and `guild` are used.
    verdicts, flags : DataFrame of these kinds
        Samples are chosen that are outside or borderline, or `below` in a metric of diversity or richness.
    rows : sequence of mapping
        The knowledge base.
    controls : Controls or None
        Without them nothing can be depleted or enriched, and there are no rows.

    Returns
    -------
    frame : DataFrame of kind `samples`
        One row a sample, taxon or guild, and row of the knowledge base on a genus (guilds have none). `control_tail` is the share of controls at or
        beyond the value; `agreement` holds the sample's state against the direction that the row reports for a low-diversity or inflamed gut.
    about : dict
        `absent`, `samples` (chosen, by verdict), `not_measured`, `by_chance` (mean number of calls in a control that is judged by
        the same rule), `summary` (how often each is depleted or enriched, in chosen samples and in controls), and the rule's limits.
    """
    low = _low(flags)
    word = dict(zip(verdicts["sample_id"], verdicts["verdict"], strict=True))
    chosen = sorted(s for s in word if word[s] in NOT_WITHIN or s in low)
    about: dict[str, Any] = {
        "absent": {},
        "samples": {str(k): int(v) for k, v in pd.Series([word[s] for s in chosen], dtype=object).value_counts().sort_index().items()},
        "rule": {"z": FAR, "tail": TAIL, "min_controls": MIN_CONTROLS, "missed": MISSED, "tried": JUDGED_CONTROLS},
        "summary": [],
        "notes": list(NOTES),
    }
    tested = tested_genera(rows)
    scores = _scores(taxa, tested)
    reason = _no_controls(controls, scores)
    if reason is not None or controls is None:
        return _frame([]), about | {"absent": {"samples": reason}}
    at = {s: i for i, s in enumerate(scores.samples)}
    measured: npt.NDArray[np.bool_] = np.all(np.isfinite(scores.value), axis=1)
    pool = np.array([at[s] for s in controls.chosen if s in at and measured[at[s]]], dtype=np.int64)
    subject = np.array([controls.subjects[s] for s in scores.samples], dtype=object)
    judge = _Judge(scores, pool, subject)
    reads = dict(zip(cohort.sample_ids, cohort.depth.tolist(), strict=True))
    carried = _probiotics(cohort, rows, chosen, known=frozenset(n for n, g in zip(scores.names, scores.genus, strict=True) if g))
    out: list[dict[str, Any]] = []
    states = []
    for sample in chosen:
        if sample not in at or not measured[at[sample]]:
            continue
        called = judge.call(at[sample])
        states.append(called.state)
        first = {"sample_id": sample, "verdict": word[sample], "low_metrics": "; ".join(sorted(low.get(sample, ())))}
        out += _rows(first, scores, at[sample], called, tested, reads[sample])
        out += _carried(first, carried.get(sample, {}), reads[sample], called.n)
    tried = pool[np.unique(np.linspace(0, pool.size - 1, min(pool.size, JUDGED_CONTROLS)).astype(int))]
    own = np.array([judge.call(i).state for i in tried.tolist()]).reshape(tried.size, len(scores.names))
    everyone = np.array(states).reshape(len(states), len(scores.names))
    about |= {
        "not_measured": [s for s in chosen if s not in at or not measured[at[s]]],
        "n_controls": int(pool.size),
        "by_chance": {"depleted": float((own < 0).sum(axis=1).mean()), "enriched": float((own > 0).sum(axis=1).mean())},
        "summary": _summary(scores, everyone, own),
    }
    return _frame(out), about


def detection_limit(reads: int) -> float:
    """Share of reads above which a taxon would be seen at least once in 95 % of samples of so many reads: 1 - .05^(1 / reads)."""
    return float(-np.expm1(np.log(MISSED) / reads))


# ---------------------------------------------------------------- who, and by what
def _low(flags: pd.DataFrame) -> dict[str, set[str]]:
    """Metrics of diversity and richness by which a sample is low."""
    low: dict[str, set[str]] = {}
    below = flags[flags["flag"] == "below"]
    for sample, metric in zip(below["sample_id"], below["metric"], strict=True):
        if str(metric).split(" (")[0] in LOW_METRICS:
            low.setdefault(sample, set()).add(str(metric))
    return low


def tested_genera(rows: Sequence[Mapping[str, str]]) -> dict[str, list[Mapping[str, str]]]:
    """Rows that speak of a genus as a whole, of genera that may be tested."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        if row["tested"] == "yes" and row["rank"] in ("genus", "genera"):
            for genus in filter(None, row["genera"].split("|")):
                found.setdefault(genus, []).append(row)
    return found


def _probiotics(
    cohort: Cohort, rows: Sequence[Mapping[str, str]], samples: Sequence[str], *, known: frozenset[str]
) -> dict[str, dict[str, tuple[float, Mapping[str, str]]]]:
    """Genera of families with probiotic species, other than the known ones, that these samples hold: sample to genus to share and row."""
    if cohort.lineages is None:
        return {}
    composition = compose(cohort)
    families = {f: r for r in rows if "probiotic genus" in r["guild"].split(";") for f in r["families"].split("|") if f}
    at = [
        j
        for j, (name, family, genus) in enumerate(zip(composition.names, composition.families, composition.named, strict=True))
        if genus and family in families and name not in known
    ]
    place = {s: i for i, s in enumerate(cohort.sample_ids)}
    chosen = [s for s in samples if s in place]
    counts = composition.counts[[place[s] for s in chosen]][:, at].toarray() if at and chosen else np.zeros((len(chosen), 0))
    out: dict[str, dict[str, tuple[float, Mapping[str, str]]]] = {}
    for sample, own in zip(chosen, counts, strict=True):
        total = int(cohort.depth[place[sample]])
        out[sample] = {
            composition.names[j]: (float(x) / total, families[str(composition.families[j])]) for j, x in zip(at, own.tolist(), strict=True) if x
        }
    return out


def _scores(taxa: pd.DataFrame, tested: Mapping[str, Any]) -> _Scores:
    """Bring the scores of tested genera and of guilds into matrices."""
    genus = (taxa["level"] == "genus") & taxa["metric"].str.removeprefix("clr:").isin(list(tested))
    used = taxa[genus | (taxa["level"] == "guild")]
    if used.empty:
        nothing = np.empty((0, 0))
        return _Scores((), (), np.empty(0, dtype=bool), nothing, nothing)
    # not pivot_table, which drops the samples without a value
    wide = used.set_index(["sample_id", "level", "metric"])[["value", "share"]].unstack(["level", "metric"])  # noqa: PD010
    value, share = wide["value"].sort_index(axis=1), wide["share"]
    keys = list(value.columns)
    names = tuple(str(metric).partition(":")[2] for _, metric in keys)
    return _Scores(tuple(map(str, value.index)), names, np.array([k[0] == "genus" for k in keys]), value.to_numpy(), share[keys].to_numpy())


def _no_controls(controls: Controls | None, scores: _Scores) -> str | None:
    """Say why no sample can be held against controls, if none can."""
    if controls is None:
        return "no controls were declared, so that nothing can be called depleted or enriched"
    if not scores.names:
        return "the table of taxa holds no genus or guild of the knowledge base"
    at = {s: i for i, s in enumerate(scores.samples)}
    usable = sum(s in at and bool(np.isfinite(scores.value[at[s]]).all()) for s in controls.chosen)
    if usable <= MIN_CONTROLS:
        return f"{usable} control subjects have enough reads, and {MIN_CONTROLS} besides a sample's own are needed"
    return None


# ---------------------------------------------------------------- the rule
class _Judge:
    """Holds samples against controls of other subjects."""

    def __init__(self, scores: _Scores, pool: npt.NDArray[np.int64], subject: npt.NDArray[Any]) -> None:
        self.scores, self.pool = scores, pool
        self.own = {subject[i]: k for k, i in enumerate(pool.tolist())}
        self.subject = subject
        self.value, self.share = scores.value[pool], scores.share[pool]
        self.whole = self._spread(self.value, self.share)

    @staticmethod
    def _spread(value: Floats, share: Floats) -> tuple[Floats, Floats, Floats]:
        """Median and robust SD of each metric, and the median share of reads."""
        middle = np.median(value, axis=0)
        return middle, 1.4826 * np.median(np.abs(value - middle), axis=0), np.median(share, axis=0)

    def call(self, i: int) -> _Called:
        """Judge one sample; where its subject is a control, that control is left out."""
        mine = self.own.get(self.subject[i])
        value, share = self.value, self.share
        middle, sd, typical = self.whole
        if mine is not None:
            value, share = np.delete(value, mine, axis=0), np.delete(share, mine, axis=0)
            middle, sd, typical = self._spread(value, share)
        x, reads = self.scores.value[i], self.scores.share[i]
        # a metric without spread among the controls has no z, and nothing is called by it
        z = np.where(sd > 0, (x - middle) / np.where(sd > 0, sd, 1.0), np.nan)
        under, over = (value <= x).mean(axis=0), (value >= x).mean(axis=0)
        low = (z <= -FAR) & (under <= TAIL) & (reads < typical)
        high = (z >= FAR) & (over <= TAIL) & (reads > typical)
        return _Called(high.astype(np.int64) - low, z, np.where(x < middle, under, over), middle, typical, len(value))


# ---------------------------------------------------------------- rows
def _rows(
    first: dict[str, Any], scores: _Scores, i: int, called: _Called, tested: Mapping[str, list[Mapping[str, str]]], reads: int
) -> list[dict[str, Any]]:
    """Rows of one sample: what is called, and probiotic genera that are there."""
    out: list[dict[str, Any]] = []
    for j, name in enumerate(scores.names):
        state = int(called.state[j])
        seen = bool(scores.share[i, j] > 0)
        known = tested[name] if scores.genus[j] else []
        probiotic = any("probiotic genus" in row["guild"].split(";") for row in known)
        if not state and not (probiotic and seen):
            continue
        numbers = {
            "level": "genus" if scores.genus[j] else "guild",
            "name": name,
            "state": "depleted" if state < 0 else "enriched" if state else "present",
            "detected": seen,
            "share": scores.share[i, j],
            "control_share": called.share[j],
            "value": scores.value[i, j],
            "control_median": called.median[j],
            "z": called.z[j],
            "control_tail": called.tail[j],
            "n_controls": called.n,
            "depth": reads,
            "detection_limit": np.nan if seen else detection_limit(reads),
            "probiotic": probiotic,
        }
        out += [{**first, **numbers, **_literature(row, str(numbers["state"]))} for row in (*known, None)[: max(len(known), 1)]]
    return out


def _carried(first: dict[str, Any], found: Mapping[str, tuple[float, Mapping[str, str]]], reads: int, n: int) -> list[dict[str, Any]]:
    """Rows on genera of probiotic families, which are told to be there and have no score of their own."""
    out = []
    for name, (share, row) in found.items():
        numbers = {"level": "genus", "name": name, "state": "present", "detected": True, "share": share, "n_controls": n, "depth": reads}
        out.append({**first, **numbers, "probiotic": True, **_literature(row, "present")})
    return out


def _literature(row: Mapping[str, str] | None, state: str) -> dict[str, Any]:
    """What a row of the knowledge base adds."""
    if row is None:
        empty = ("reported_direction", "agreement", "evidence", "strength", "contested_reason", "text_checked", "substrates", "substrate_keys")
        return {"row": pd.NA, **dict.fromkeys(empty, "")}
    fed = state == "depleted"
    return {
        "row": int(row["row"]),
        "reported_direction": row["direction"],
        "agreement": agreement(state, row),
        "evidence": row["evidence"],
        "strength": row["strength"],
        "contested_reason": row["contested_reason"],
        "text_checked": row["text_checked"],
        "substrates": row["prebiotic_substrates"] if fed else "",
        "substrate_keys": row["substrate_keys"] if fed else "",
    }


def agreement(state: str, row: Mapping[str, str]) -> str:
    """Hold a state against the direction that a row reports: `as reported`, `against the report`, `contested`, or `no direction reported`."""
    if "contested" in (row["direction"], row["strength"]):
        return "contested"
    if row["direction"] == "none" or state == "present":
        return "no direction reported" if row["direction"] == "none" else ""
    return "as reported" if row["direction"] == state else "against the report"


def _summary(scores: _Scores, chosen: npt.NDArray[np.int64], controls: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    """How often each genus and guild is called in the chosen samples and in the controls; what is never called in the first is left out."""
    out = []
    for j, name in enumerate(scores.names):
        for state, sign in (("depleted", -1), ("enriched", 1)):
            count = int((chosen[:, j] == sign).sum())
            if count:
                level = "genus" if scores.genus[j] else "guild"
                of = {"samples": count, "of_samples": len(chosen), "controls": int((controls[:, j] == sign).sum()), "of_controls": len(controls)}
                out.append({"name": name, "level": level, "state": state, **of})
    return sorted(out, key=lambda r: (-r["samples"], r["level"], r["name"], r["state"]))


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Lay out rows as the kind `samples` declares: by sample, then genera before guilds, by name and row."""
    frame = pd.DataFrame(rows, columns=list(TABLES["samples"]))
    frame["row"] = frame["row"].astype("Int64")
    return frame.sort_values(["sample_id", "level", "name", "row"], kind="stable", ignore_index=True)
