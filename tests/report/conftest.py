"""Fixtures of the report's tests: made-up results, plain and hostile."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves a test's folder out; the fakes stand beside the tests
