"""What a plan's read of HiBob proved, in a few rows of label and text for the terminal and the workbook."""

from collections.abc import Iterator, Mapping

from provisioning.model import ColumnFill, ReadEvidence


def evidence_rows(
    evidence: ReadEvidence | None, attributes: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """Nothing for a plan that was stored before evidence was. `attributes`: which of them each column feeds, in words."""
    fed = attributes or {}
    if evidence is None:
        return
    yield "People read", _people(evidence)
    absent = len(evidence.absent)
    yield "Columns", f"{evidence.asked:,} asked for, {evidence.asked - absent:,} returned"
    for field, category in evidence.absent:
        opens = f"opened in HiBob by the category {category}" if category else "not listed by HiBob"
        yield "    Not returned", f"{_called(field, fed)}: {opens}"
    changed = [each for each in evidence.fill if _differs(each)]
    for each in changed:
        yield "    Filled", f"{_called(each.column, fed)}: {_fill(each)}"
    if not changed and any(each.before_of for each in evidence.fill):
        yield "    Filled", "every mapped column about as at the last processed read"


def read_in_words(evidence: ReadEvidence) -> str:
    """What a read brought, in one line."""
    absent = len(evidence.absent)
    missing = f", without {absent:,} of {evidence.asked:,} columns" if absent else ""
    return f"HiBob’s whole answer: {evidence.people:,} people, {evidence.active:,} of them active{missing}."


def uncounted_in_words(evidence: ReadEvidence) -> str:
    """Whom the numbers of a preview do not count, and whom they count who is not in the read: with both, they add up to it."""
    needless, elsewhere = evidence.needless or 0, evidence.elsewhere or 0
    said = []
    if needless:
        said += [f"{needless:,} {'needs' if needless == 1 else 'need'} no user, such as people who left."]
    if elsewhere:
        said += [f"{elsewhere:,} {'user is' if elsewhere == 1 else 'users are'} not in that read."]
    return " ".join(said)


def _people(evidence: ReadEvidence) -> str:
    """Active is what HiBob calls them; live is what their lifecycle status means for a user."""
    told = f"{evidence.people:,}: {evidence.active:,} active in HiBob, {evidence.people - evidence.active:,} inactive"
    if evidence.live_before is None:
        return told
    now = f"{evidence.fill[0].of:,} are to be live by their lifecycle status, " if evidence.fill else ""
    return f"{told}; {now}{evidence.live_before:,} were at the last processed read"


def _differs(each: ColumnFill) -> bool:
    """By a percentage point or more: newcomers and leavers alone move every share a little."""
    apart = abs(each.filled * each.before_of - each.before * each.of)
    return apart > 0 and apart * 100 >= each.of * each.before_of


def _fill(each: ColumnFill) -> str:
    return f"{each.filled:,} of {each.of:,} live people; before {each.before:,} of {each.before_of:,}"


def _called(column: str, fed: Mapping[str, str]) -> str:
    return f"{fed[column]} ({column})" if column in fed else column
