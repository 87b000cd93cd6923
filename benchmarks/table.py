"""The one table that a run prints."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from benchmarks.measure import Measured, Step
from benchmarks.people import Nights

Row: TypeAlias = tuple[str, ...]
HEAD = ("step", "people", "this project", "peer", "peer’s", "ratio", "to reach", "reached", "memory", "peer’s", "runs")


def rows(step: Step, nights: Nights, found: Mapping[str, Measured]) -> Iterator[Row]:
    ours = found["Rollcall"]
    seconds, people = ours.seconds(step.clock), f"{nights.people:,}"
    own = f"{seconds_of(seconds)}{'' if step.clock == 'processor' else ' (wall)'}"
    if step.most_memory:
        most = step.most_memory(nights)
        yield (step.name, people, own, "memory", "", f"{ours.peak / most:.2f} ×", f"≤ {most:,.0f} MB", yes(ours.peak <= most), f"{ours.peak:,.0f} MB", "", str(len(ours.wall)))  # fmt: skip
    elif not step.peers:
        yield step.name, people, own, "", "", "", "", "", f"{ours.peak:,.0f} MB", "", str(len(ours.wall))
    for peer in step.peers:
        theirs = found[peer.name]
        ratio = seconds / theirs.seconds(step.clock)
        reached = [ratio <= peer.time] if peer.time else []
        wanted = [_wanted(peer.time)] if peer.time else []
        if peer.memory:
            reached.append(ours.peak <= peer.memory * theirs.peak)
            wanted.append(f"≤ {peer.memory:g} × its memory")
        yield (
            step.name, people, own, peer.name, seconds_of(theirs.seconds(step.clock)), ratio_of(ratio), ", ".join(wanted),
            yes(all(reached)) if reached else "", f"{ours.peak:,.0f} MB", f"{theirs.peak:,.0f} MB",
            f"{len(ours.wall)} / {len(theirs.wall)}",
        )  # fmt: skip


def seconds_of(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def ratio_of(ratio: float) -> str:
    return f"{ratio:.2f} ×" if ratio > 0.995 else f"{1 / ratio:.1f} × faster"


def _wanted(time: float) -> str:
    return f"≤ {time:g} ×" if time >= 1 else f"≥ {1 / time:g} × faster"


def yes(reached: bool) -> str:
    return "yes" if reached else "NO"


def show(table: list[Row]) -> str:
    widths = [max(len(row[place]) for row in [HEAD, *table]) for place in range(len(HEAD))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [HEAD, *table]]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in [lines[0], rule, *lines[1:]])
