"""Columns of the tables of the immune stage that tell of samples and of guilds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IMMUNE_TABLES: Mapping[str, Mapping[str, str]] = {
    "samples": {
        "sample_id": "str",
        "verdict": "str",
        "low_metrics": "str",
        "level": "str",
        "name": "str",
        "state": "str",
        "detected": "bool",
        "share": "float",
        "control_share": "float",
        "value": "float",
        "control_median": "float",
        "z": "float",
        "control_tail": "float",
        "n_controls": "int",
        "depth": "int",
        "detection_limit": "float",
        "row": "int",
        "reported_direction": "str",
        "agreement": "str",
        "evidence": "str",
        "strength": "str",
        "contested_reason": "str",
        "text_checked": "str",
        "substrates": "str",
        "substrate_keys": "str",
        "probiotic": "bool",
    },
    "enrichment": {
        "source": "str",
        "direction": "str",
        "guild": "str",
        "n_taxa": "int",
        "n_hits": "int",
        "n_guild": "int",
        "observed": "int",
        "expected": "float",
        "p": "float",
        "q": "float",
        "members": "str",
        "reason": "str",
    },
}
