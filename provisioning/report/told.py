"""What happened, told as a sentence after whoever did it: “approved 11 changes: 4 to be added, …”. Pure: from an event of the
history and what the previews it is about came to. Whatever has no words of its own is told by its name and details."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provisioning.model import Action
from provisioning.report.called import finding_called
from provisioning.report.charts import WORDS
from provisioning.report.differences import in_words, value_in_words
from provisioning.report.text import WORDS as PLANNED

Details = Mapping[str, object]
UNTOLD = {"digest", "mapping_version", "settings_version"}
"""What only a machine compares."""
_LEFT = {"failed": "failed", "drifted": "drifted", "skipped": "left out"}


@dataclass(frozen=True, slots=True)
class Told:
    """`text` follows who it was; `more`: what else is known, "" where nothing is."""

    text: str
    more: str = ""


def told(what: str, details: Details, counts: Mapping[str, int] | None = None) -> Told:
    """`counts`: of the preview that the event is about, where it is known."""
    if what in _TELL:
        return _TELL[what](details, counts or {})
    rest = {name: value for name, value in details.items() if name not in UNTOLD}
    return Told(_SAY.get(what, what.replace("plan ", "preview ")), in_words(rest))


def planned(counts: Mapping[str, int]) -> str:
    """“4 to be added, 2 to be archived”; "" where nobody changes."""
    found = [f"{counts[action.value]:,} {words}" for action, words in _in_order(PLANNED) if counts.get(action.value)]
    return ", ".join(found)


def done(actions: Mapping[str, int]) -> str:
    """“4 added, 2 archived”; "" where nothing was done."""
    return ", ".join(f"{actions[name]:,} {word.lower()}" for name, word in WORDS.items() if actions.get(name))


def not_done(results: Mapping[str, int]) -> str:
    """“1 failed, 2 left out”; "" where everything was done."""
    return ", ".join(f"{results[name]:,} {word}" for name, word in _LEFT.items() if results.get(name))


def _in_order(words: Mapping[Action, str]) -> list[tuple[Action, str]]:
    return [(Action(name), words[Action(name)]) for name in WORDS]


def _numbers(value: object) -> dict[str, int]:
    return {name: count for name, count in value.items() if isinstance(count, int)} if isinstance(value, dict) else {}


def _made(details: Details, _: Mapping[str, int]) -> Told:
    counts = _numbers(details.get("counts"))
    what = "made a preview that takes a run back" if details.get("undo_of") else "made a preview"
    held = counts.get("held", 0)
    blocks = details.get("blocks")
    said = [f"{held:,} held back"] if held else []
    said += (
        [f"blocked: {', '.join(finding_called(str(each)) for each in blocks)}"]
        if isinstance(blocks, list) and blocks
        else []
    )
    return Told(f"{what}: {planned(counts) or 'nobody changes'}", "; ".join(said))


def _approved(details: Details, counts: Mapping[str, int]) -> Told:
    left, every = _many(details.get("left_out")), sum(counts.get(each.value, 0) for each in Action)
    how = " by Excel file" if details.get("workbook") else ""
    if not every:
        text = f"approved a preview{how}"
    elif left:
        text = f"approved {every - left:,} of {_changes(every)}{how}"
    else:
        text = f"approved {_changes(every)}{how}: {planned(counts)}"
    rest = {name: value for name, value in details.items() if name not in UNTOLD | {"workbook", "overrides"}}
    return Told(text, "; ".join([*_overridden(details.get("overrides")), *filter(None, [in_words(rest)])]))


def _overridden(value: object) -> list[str]:
    given = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [f"overrode “{finding_called(str(each.get('code')))}”, because: {each.get('reason')}" for each in given]


def _many(value: object) -> int:
    """A list, or how many stood in one that was too long to keep."""
    return len(value) if isinstance(value, list) else 0


def _changes(count: int) -> str:
    return "1 change" if count == 1 else f"{count:,} changes"


def _ended(details: Details, counts: Mapping[str, int]) -> Told:
    results = _numbers(details.get("counts"))
    number, left = results.get("done", 0), not_done(results)
    every = number == sum(counts.get(each.value, 0) for each in Action)
    text = f"processed {_changes(number)}"
    text += f": {done(counts)}" if every and done(counts) else ""
    return Told(text + (f"; {left}" if left else ""), str(details.get("why") or ""))


def _stopped(details: Details, _: Mapping[str, int]) -> Told:
    number = _numbers(details.get("counts")).get("done", 0)
    return Told(f"processed {_changes(number)}, then the run stopped", str(details.get("why") or ""))


def _saved_mapping(details: Details, _: Mapping[str, int]) -> Told:
    changed, back = details.get("changed"), details.get("gone_back_to")
    what = f"went back to version {back} of the mapping" if back else "saved the mapping"
    lines = [str(each) for each in changed] if isinstance(changed, list) else []
    version = details.get("mapping_version")
    return Told(f"{what}{f', now version {version}' if version and not back else ''}", "; ".join(lines))


def _saved_settings(details: Details, _: Mapping[str, int]) -> Told:
    changed = details.get("changed")
    return Told(
        "changed the settings", in_words(changed) if isinstance(changed, dict) else value_in_words(changed or "")
    )


def _schedule(what: str) -> Callable[[Details, Mapping[str, int]], Told]:
    def tell(details: Details, _: Mapping[str, int]) -> Told:
        return Told(what, _PAUSES.get(str(details.get("reason")), str(details.get("reason") or "")))

    return tell


def _role(what: str) -> Callable[[Details, Mapping[str, int]], Told]:
    def tell(details: Details, _: Mapping[str, int]) -> Told:
        role = f" the role {details['role']}" if details.get("role") else ""
        return Told(f"{what} {details.get('name', 'somebody')}{role}")

    return tell


_TELL: Mapping[str, Callable[[Details, Mapping[str, int]], Told]] = {
    "plan made": _made,
    "plan approved": _approved,
    "run ended": _ended,
    "run stopped": _stopped,
    "mapping saved": _saved_mapping,
    "settings saved": _saved_settings,
    "schedule on": _schedule("switched the schedule on: a standing approval"),
    "schedule off": _schedule("switched the schedule off"),
    "schedule paused": _schedule("paused the schedule"),
    "schedule goes on": _schedule("let the schedule go on"),
    "schedule in quarantine": _schedule("put the schedule in quarantine"),
    "standing approval used": _schedule("approved it by the standing approval"),
    "role granted": _role("gave"),
    "role given by group": _role("gave, by their group,"),
    "role removed": _role("took every role from"),
    "role by group ended": _role("took, with their group, from"),
}
_PAUSES: Mapping[str, str] = {"undo": "A run is to be taken back.", "farewell": "The domain is to be offboarded."}
_SAY: Mapping[str, str] = {
    "run started": "began to process",
    "run resumed": "resumed the run",
    "stop asked": "asked the run to stop",
    "decided": "decided about people",
    "connection tested": "tested the connection",
    "connection created": "added the connection",
    "connection changed": "changed the connection",
    "connection removed": "removed the connection",
    "domain created": "added the domain",
    "domain changed": "changed the domain",
    "domain removed": "removed the domain",
    "domain offboarded": "offboarded the domain",
    "customer created": "added the customer",
    "customer changed": "changed the customer",
    "customer offboarded": "offboarded the customer",
    "schedule saved": "saved the schedule’s times",
    "all schedules paused": "paused all schedules",
    "all schedules resumed": "let all schedules go on",
    "workbook exported": "downloaded the Excel file",
    "history exported": "took the history out as a file",
    "users exported": "took the users out as a file",
    "set-up exported": "exported the set-up file",
    "person exported": "handed out what is kept of a person",
    "person removed": "removed what is kept of a person",
    "notification target added": "added a notification target",
    "notification target removed": "removed a notification target",
    "test message sent": "sent a test message",
    "signed in": "signed in",
    "signed out": "signed out",
}


def who(name: str) -> str:
    """`operator:root` is whoever runs the program on its machine."""
    kind, colon, rest = name.partition(":")
    return f"The operator ({rest})" if colon and kind == "operator" else name
