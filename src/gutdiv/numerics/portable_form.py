"""The portable reference as plain content (numbers, lists, mappings) and back: what a reference file holds of a model and its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gutdiv.numerics.portable_score import MAP_SHARES, SHARES, TAIL_GRID, Model, Table
from gutdiv.numerics.random_effects import Centres, Pooled, StudyEffects
from gutdiv.numerics.robust_centre import axes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIGITS = 5


def rounded(values: Any) -> Any:
    """Round to five significant digits: a number, or a list of such, as deep as it is."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim:
        return [rounded(v) for v in found]
    return float(f"{float(found):.{DIGITS}g}")


def effects_content(fit: StudyEffects, studies: Sequence[str]) -> dict[str, Any]:
    """Content of a metric's study effects; the residual quantiles belong to `SHARES`."""
    return {
        "K": len(studies),
        "studies": list(studies),
        "n": fit.sizes.astype(int).tolist(),
        "mean": rounded(fit.means),
        "sd": rounded(fit.sds),
        "mu": rounded(fit.location.mean),
        "tau": rounded(fit.location.tau2**0.5),
        "se_mu": rounded(fit.location.se2**0.5),
        "ln_sigma": rounded(fit.scale.mean),
        "omega": rounded(fit.scale.tau2**0.5),
        "se_ln_sigma": rounded(fit.scale.se2**0.5),
        "kappa": rounded(fit.kappa),
        "zq": rounded(fit.residuals),
    }


def effects_from(content: Mapping[str, Any]) -> StudyEffects:
    """Study effects of their content."""
    location = Pooled(content["mu"], content["tau"] ** 2, content["se_mu"] ** 2)
    scale = Pooled(content["ln_sigma"], content["omega"] ** 2, content["se_ln_sigma"] ** 2)
    sizes, means, sds = (_floats(content[k]) for k in ("n", "mean", "sd"))
    return StudyEffects(sizes, means, sds, location, scale, content["kappa"], SHARES, _floats(content["zq"]))


def model_content(model: Model, studies: Sequence[str]) -> dict[str, Any]:
    """Content of the model: centres, and effects on -Shannon and MDI."""
    effects = {"-Shannon": effects_content(model.diversity, studies), "MDI": effects_content(model.index, studies)}
    for block in effects.values():
        location, scale = block["tau"] ** 2 + block["se_mu"] ** 2, block["omega"] ** 2 + block["se_ln_sigma"] ** 2
        block |= {"T2": rounded(location), "W2": rounded(scale)}
    return {
        "mu": rounded(model.centres.mean),
        "Sw": rounded(model.centres.within),
        "T": rounded(model.centres.between),
        "K": model.centres.studies,
        "uni": effects,
    }


def model_from(content: Mapping[str, Any]) -> Model:
    """Model of its content."""
    centres = Centres(_floats(content["mu"]), _floats(content["Sw"]), _floats(content["T"]), content["K"])
    return Model(centres, axes_of(centres), effects_from(content["uni"]["-Shannon"]), effects_from(content["uni"]["MDI"]))


def tables_content(tables: Mapping[int, Table]) -> dict[str, Any]:
    """Content of the calibration tables, by number of controls."""
    return {
        str(n): {
            "K": len(t.studies),
            "studies": list(t.studies),
            "comp": {name: rounded(values) for name, values in t.tails.items()},
            "score": effects_content(t.score, t.studies),
            **({} if t.p_map is None else {"p_map": rounded(t.p_map)}),
        }
        for n, t in tables.items()
    }


def tables_from(content: Mapping[str, Any]) -> dict[int, Table]:
    """Calibration tables of their content."""
    return {
        int(n): Table(
            tuple(t["studies"]),
            {name: _floats(values) for name, values in t["comp"].items()},
            effects_from(t["score"]),
            _floats(t["p_map"]) if "p_map" in t else None,
        )
        for n, t in sorted(content.items(), key=lambda item: int(item[0]))
    }


def grids() -> dict[str, list[float]]:
    """The shares to which stored quantiles belong."""
    return {"p_grid": SHARES.tolist(), "tail_grid": TAIL_GRID.tolist(), "map_grid": MAP_SHARES.tolist()}


def _floats(values: Any) -> npt.NDArray[np.float64]:
    """Array of a list."""
    return np.asarray(values, dtype=np.float64)
