"""What a command spares itself when it starts and ends; it changes no result."""

from __future__ import annotations

import gc
import importlib.util
import sys

# Loaded by others for the sake of a name: scipy takes all names of numpy (`from numpy import *`), and numpy then loads a Fortran compiler's front
# end, a test suite, masked arrays and a bridge to C.
_UNUSED = ("numpy.f2py", "numpy.testing", "numpy.ma", "numpy.ctypeslib")
_OBJECTS = 200_000  # new objects before garbage is looked for: imports make some hundred thousand, all of which stay


def start_soon() -> None:
    """Look for garbage less often: a tenth of the start of most commands, for at most some ten megabytes."""
    gc.set_threshold(_OBJECTS, 10, 10)


def defer_unused() -> None:
    """Load these packages only if somebody asks them for something: a sixth of the start of most commands."""
    for name in _UNUSED:
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            continue
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        parent, _, part = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], part, module)


def end_soon() -> None:
    """Spare the interpreter its last search for garbage among some hundred thousand objects, which end with the process anyway."""
    gc.freeze()
