"""Many domains at once, on one machine and on a cluster: not measured here yet."""

from benchmarks.measure import Step

STEPS: tuple[Step, ...] = ()
