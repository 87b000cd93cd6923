"""What a first preview takes at each size, alone: divided by the number of people it should stay the same."""

from benchmarks.measure import Step
from benchmarks.preview import first_read

STEP = Step("growth: preview, first read", first_read)
