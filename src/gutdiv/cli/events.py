"""Runs Snakemake with a log handler that hands each of its messages on as one line of JSON: `python -m gutdiv.cli.events FD OPTIONS`."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from snakemake_interface_logger_plugins.base import LogHandlerBase

if TYPE_CHECKING:
    from logging import LogRecord

# What is handed on of a message besides its words, where it has it: the fields of Snakemake's log events.
_FIELDS = ("jobid", "job_id", "rule_name", "rule_msg", "log", "shellcmd", "done", "total", "stats")
# Which word of Snakemake's option --quiet silences an event.
_KINDS = {
    "job_info": "rules",
    "group_info": "rules",
    "shellcmd": "rules",
    "progress": "progress",
    "job_finished": "progress",
    "resources_info": "progress",
    "run_info": "progress",
}
_target: TextIO | None = None


class LogHandler(LogHandlerBase):
    """Stands in for Snakemake's own handler for the screen."""

    def __post_init__(self) -> None:
        """Hand on how much the user wants to see."""
        common = self.common_settings
        self.quiet = {str(getattr(q, "name", q)).lower() for q in common.quiet or ()}
        self.shellcmds = bool(common.printshellcmds)
        wants = common.dryrun or common.verbose or common.printshellcmds or common.debug_dag
        self.send({"event": "settings", "all": bool(wants)})

    def emit(self, record: LogRecord) -> None:
        """Hand one message on."""
        event = str(getattr(record, "event", None) or "")
        if event in {"debug_dag", "rulegraph"} and not self.common_settings.debug_dag:
            return
        message: dict[str, Any] = {"event": event, "level": record.levelno, "time": record.created}
        message |= {field: value for field in _FIELDS if (value := getattr(record, field, None)) is not None}
        message["wildcards"] = {str(k): str(v) for k, v in dict(getattr(record, "wildcards", None) or {}).items()}
        text = "" if event == "shellcmd" and not self.shellcmds else self.format(record)
        message["text"] = "" if text in {None, "None"} else text
        words = {"all", _KINDS.get(event, ""), str(getattr(getattr(record, "quietness", ""), "name", "")).lower()}
        message["quiet"] = bool(words & self.quiet)
        self.send(message)

    @staticmethod
    def send(message: dict[str, Any]) -> None:
        """Write one line; nobody may listen any more, which must not stop the jobs."""
        global _target
        if _target is None:
            return
        try:
            _target.write(json.dumps(message, default=str) + "\n")
            _target.flush()
        except OSError:
            _target = None

    @property
    def writes_to_stream(self) -> bool:
        """It takes the place of what would write to the screen."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """It writes no file of its own."""
        return False

    @property
    def has_filter(self) -> bool:
        """It lets everything pass: errors must arrive also where the user wants quiet."""
        return True

    @property
    def has_formatter(self) -> bool:
        """It takes Snakemake's own words."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """It needs no graph."""
        return False


def main(argv: list[str]) -> None:
    """Register the handler by Snakemake's interface for such plugins, and run Snakemake."""
    global _target
    from snakemake.cli import main as snakemake
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    descriptor, *options = argv
    _target = os.fdopen(os.dup(int(descriptor)), "w", encoding="utf-8")  # unlike the one given, no job inherits this one
    os.close(int(descriptor))
    LoggerPluginRegistry().register_plugin("snakemake_logger_plugin_gutdiv", sys.modules[__name__])
    snakemake(["--logger", "gutdiv", *options])


if __name__ == "__main__":
    main(sys.argv[1:])
