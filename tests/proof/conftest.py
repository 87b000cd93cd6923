"""The companies of tests/engine and the servers of tests/cli are used here too. How long the machines run is set by
ROLLCALL_PROOF: `ci` (the default; the same examples every time) or `long` (new ones, for some minutes)."""

import sys
from pathlib import Path

import hypothesis

TESTS = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(TESTS / "engine"), str(TESTS / "cli")]

common = {"deadline": None, "database": None, "suppress_health_check": list(hypothesis.HealthCheck)}
hypothesis.settings.register_profile("proof ci", derandomize=True, max_examples=150, stateful_step_count=30, **common)
hypothesis.settings.register_profile(
    "proof long", derandomize=False, max_examples=1500, stateful_step_count=60, print_blob=True, **common
)
