"""How something is measured: each contender in a process of its own, one after the other, round by round, so that what
else the machine does meets all of them alike. Nothing here asserts on a figure."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.people import Nights

ROUNDS, ENOUGH = 5, 20.0
"""Rounds unless told otherwise, of which medians are taken; whoever has taken so many seconds is not asked again."""


@dataclass(slots=True)
class Timed:
    """What a contender gives back when it is ready: `run` is measured; `before` each run and `prove` after it are not.
    Contenders of one step prove the same, or one of them is wrong."""

    run: Callable[[], Any]
    prove: Callable[[Any], object] = lambda result: None
    before: Callable[[], object] = lambda: None


Contender = Callable[[Nights], Timed]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another way to do the same. `time`: this project may take so many times as long; `memory`: so many times as much."""

    name: str
    contender: Contender
    time: float | None = None
    memory: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table with its peers. `clock`: what is compared, the processor's time where a step only computes,
    the time on the wall where it waits for others. `most_memory`: megabytes, for a company."""

    name: str
    ours: Contender
    peers: Sequence[Peer] = ()
    clock: str = "processor"
    most_memory: Callable[[Nights], float] | None = None
    most_people: int = 1_000_000


@dataclass(slots=True)
class Measured:
    """Seconds by both clocks, round by round, and the most memory of the first run in megabytes."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peak: float = 0.0
    proof: object = None

    def seconds(self, clock: str) -> float:
        return statistics.median(getattr(self, clock))


def measure(step: Step, nights: Nights, rounds: int = ROUNDS) -> dict[str, Measured]:
    """Everybody's figures by name; this project's first, as `Rollcall`."""
    contenders = {"Rollcall": step.ours} | {peer.name: peer.contender for peer in step.peers}
    running = {name: _start(each, nights) for name, each in contenders.items()}
    found = {name: Measured() for name in contenders}
    try:
        for _ in range(rounds):
            for name, process in running.items():
                if sum(found[name].wall) < ENOUGH:
                    _one_round(process, found[name])
    finally:
        for process in running.values():
            process.terminate()
            process.wait()
    proofs = {
        name: each.proof[:3] if isinstance(each.proof, list) else each.proof
        for name, each in found.items()
        if each.proof is not None
    }
    if len({json.dumps(proof) for proof in proofs.values()}) > 1:
        raise SystemExit(f"{step.name}: not everybody found the same: {proofs}")
    return found


def _start(contender: Contender, nights: Nights) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "benchmarks.contender",
        contender.__module__,
        contender.__name__,
        str(nights.folder),
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _one_round(process: "subprocess.Popen[str]", found: Measured) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.write("go\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"A contender ended: {process.args}")
    said = json.loads(line)
    found.peak = found.peak or said["peak"]
    found.wall.append(said["wall"])
    found.processor.append(said["processor"])
    found.proof = said["proof"]
