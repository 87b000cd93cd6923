"""How much is tried is set by ROLLCALL_FUZZ: `quick` (the default; the same inputs every time), or a number of inputs per
parser, new ones each time, whose counts are written to the file that ROLLCALL_FUZZ_COUNTS names."""

import os

import hypothesis

asked = os.environ.get("ROLLCALL_FUZZ", "quick")
common = {"deadline": None, "database": None, "suppress_health_check": list(hypothesis.HealthCheck)}
quick = hypothesis.settings(derandomize=True, max_examples=60, **common)
chosen = (
    quick
    if asked == "quick"
    else hypothesis.settings(derandomize=False, max_examples=int(asked), print_blob=True, **common)
)
