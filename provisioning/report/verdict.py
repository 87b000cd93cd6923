"""What a check of the history found besides that every row fits, in words."""

from collections.abc import Iterator, Sequence


def not_whole(broken: str, *, doubt: bool) -> str:
    """`broken`, `doubt`: as a check of the history found them."""
    if doubt:
        return (
            f"Nothing proves that the history is as it was written, although every row follows the one before. {broken}"
        )
    return f"The history is not as it was written. {broken}"


def notes(unsealed: int, found_unsealed: Sequence[tuple[int, int]], emptied: int) -> Iterator[str]:
    """`unsealed`: rows at the end that no seal covers yet; `found_unsealed`: (first, last) of those that none covered when the
    next was written; `emptied`: rows whose content was removed, which other rows tell."""
    if unsealed:
        yield (
            f"The last {unsealed:,} of them came after the seal: somebody is at work, a process was killed while it "
            "wrote, or an older seal was put back. Compare them with a head kept elsewhere: `verify --head HASH`."
        )
    for first, last in found_unsealed:
        rows = f"Row {first:,}" if first == last else f"Rows {first:,} to {last:,}"
        yield (
            f"{rows}: no seal covered this when the next row was written. A process was killed while it wrote, or somebody "
            "wrote it who has no key."
        )
    if emptied:
        yield (
            f"{emptied:,} of them lost {'its' if emptied == 1 else 'their'} content since, by retention or for a person’s "
            "sake; rows of their own say who removed it."
        )
