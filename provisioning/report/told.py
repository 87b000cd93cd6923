"""What happened, told as a sentence after whoever did it: “approved 11 changes: 4 to be added, …”. Pure: from an event of the
history and what the previews it is about came to. Whatever has no words of its own is told by its name and details."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from provisioning.model import Action, Result
from provisioning.report.called import ACTIONS_DONE as WORDS
from provisioning.report.called import LOCAL, RESULTS, SKILLCAST, finding_called, role_called
from provisioning.report.differences import in_words, value_in_words
from provisioning.report.settings import changed_in_words
from provisioning.report.text import WORDS as PLANNED
from provisioning.report.times import in_words as times_in_words

Details = Mapping[str, object]
UNTOLD = {"digest", "mapping_version", "settings_version", "base_url", "status", "from", "scheduled"}
"""What only a machine compares, and what says more to whoever reads the file of the history. From where somebody signed in
or took data out is told (`_FROM`)."""
_FROM = ("signed", "history exported", "users exported", "set-up exported", "workbook exported", "person exported")
_LEFT = {name: word.lower() for name, word in RESULTS.items() if name != Result.DONE}


@dataclass(frozen=True, slots=True)
class Told:
    """`text` follows who it was; `more`: what else is known, "" where nothing is."""

    text: str
    more: str = ""


def told(what: str, details: Details, counts: Mapping[str, int] | None = None) -> Told:
    """`counts`: of the preview that the event is about, where it is known."""
    if what in _TELL:
        return _TELL[what](details, counts or {})
    return Told(_SAY.get(what, what.replace("plan ", "preview ")), _rest(what, details))


def _rest(what: str, details: Details, said: Collection[str] = ()) -> str:
    """What else is known; `said`: what the sentence says. Nothing, and no, say nothing of their own."""
    left = {name: value for name, value in details.items() if name not in UNTOLD and name not in said and value}
    place = _from(details) if what.startswith(_FROM) else ""
    return ", ".join(filter(None, [in_words(left), place]))


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


def _failed(details: Details, _: Mapping[str, int]) -> Told:
    what = "archive everybody" if details.get("farewell") else "take a run back" if details.get("undo_of") else ""
    return Told(f"could not make a preview{f' to {what}' if what else ''}", str(details.get("why") or ""))


def _approved(details: Details, counts: Mapping[str, int]) -> Told:
    left, every = _many(details.get("left_out")), sum(counts.get(each.value, 0) for each in Action)
    how = " by Excel file" if details.get("workbook") else ""
    file = _file(details)
    if not every:
        text = f"approved a preview{how}"
    elif left:
        text = f"approved {every - left:,} of {_changes(every)}{how}"
    else:
        text = f"approved {_changes(every)}{how}: {planned(counts)}"
    # Whoever is kept active was left out too: they are named once.
    kept = _names(details.get("protected"))
    about = {**details, "left_out": [name for name in _names(details.get("left_out")) if name not in kept]}
    named = f"kept active: {', '.join(kept)}" if kept else ""
    said = {"workbook", "overrides", "protected", "file", "sha256"}
    rest = ", ".join(filter(None, [file, named, _rest("plan approved", about, said)]))
    return Told(text, "; ".join([*_overridden(details.get("overrides")), *filter(None, [rest])]))


def _file(details: Details) -> str:
    """“file decided.xlsx (SHA-256 9f2c4b7d1e0a…)”; "" where none is named. The rest of the fingerprint stands in the file of
    the history."""
    name, print_ = (str(details.get(each) or "") for each in ("file", "sha256"))
    return f"file {name} (SHA-256 {print_[:12]}…)".replace("file  ", "file ") if print_ else ""


def _took_workbook(details: Details, _: Mapping[str, int]) -> Told:
    which = "the Excel file by which it was approved" if details.get("sha256") else "the Excel file"
    out = details.get("left_out")
    without = f", {out:,} left out in it" if isinstance(out, int) and out else ""
    rest = _rest("workbook exported", details, {"file", "sha256", "left_out"})
    return Told(f"downloaded {which}{without}", ", ".join(filter(None, [_file(details), rest])))


def _overridden(value: object) -> list[str]:
    given = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [f"overrode “{finding_called(str(each.get('code')))}”, because: {each.get('reason')}" for each in given]


def _names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _many(value: object) -> int:
    """A list, or how many stood in one that was too long to keep."""
    return len(value) if isinstance(value, list) else 0


def _changes(count: int) -> str:
    return "1 change" if count == 1 else f"{count:,} changes"


def _ended(details: Details, counts: Mapping[str, int]) -> Told:
    results = _numbers(details.get("counts"))
    number, left = results.get("done", 0), not_done(results)
    every = number == sum(counts.get(each.value, 0) for each in Action)
    of = sum(results.values())
    text = f"{_began(details)} {_changes(number) if number == of else f'{number:,} of {_changes(of)}'}"
    did = _numbers(details.get("did")) or (counts if every else {})
    text += f": {done(did)}" if done(did) else ""
    return Told(text + (f"; {left}" if left else ""), str(details.get("why") or ""))


def _stopped(details: Details, _: Mapping[str, int]) -> Told:
    number = _numbers(details.get("counts")).get("done", 0)
    return Told(f"{_began(details)} {_changes(number)}, then the run stopped", str(details.get("why") or ""))


def _began(details: Details) -> str:
    if details.get("undo_of"):
        return "took a run back, and so processed"
    return "tried those again who had failed, and processed" if details.get("retry_of") else "processed"


def _saved_mapping(details: Details, _: Mapping[str, int]) -> Told:
    changed, back = details.get("changed"), details.get("gone_back_to")
    what = f"went back to version {back} of the mapping" if back else "saved the mapping"
    lines = [str(each) for each in changed] if isinstance(changed, list) else []
    version = details.get("mapping_version")
    return Told(f"{what}{f', now version {version}' if version and not back else ''}", "; ".join(lines))


def _looked_at(details: Details, _: Mapping[str, int]) -> Told:
    values = ", ".join(f"“{each}”" for each in _names(details.get("values")))
    return Told(f"left {details.get('attribute')} as it is after looking at new values", values)


def _saved_settings(details: Details, _: Mapping[str, int]) -> Told:
    changed = details.get("changed")
    lines = changed_in_words(changed) if isinstance(changed, dict) else [value_in_words(changed or "")]
    return Told("changed the settings", "; ".join(lines))


def _saved_schedule(details: Details, _: Mapping[str, int]) -> Told:
    table = _table(details.get("schedule"))
    if not table:
        return Told("removed the schedule")
    return Told("saved the schedule’s times", times_in_words(str(table.get("cron")), str(table.get("timezone", "UTC"))))


def _table(value: object) -> Mapping[str, object]:
    """A schedule as an event holds it: as itself, or as JSON; without what is as usual."""
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    return value if isinstance(value, dict) else {}


def _took_history(details: Details, _: Mapping[str, int]) -> Told:
    number, kind = details.get("rows"), str(details.get("file") or "").upper()
    of = _called(number, str(details.get("of") or "rows"))
    whose = "a run" if details.get("of") == "outcomes" else "the history"
    return Told(f"took {of} of {whose} out as {f'a {kind} file' if kind else 'a file'}", _from(details))


def _checked(details: Details, _: Mapping[str, int]) -> Told:
    number, problem = details.get("rows"), details.get("problem")
    if problem:
        found = (
            "its seal does not prove that it is as it was written"
            if details.get("doubt")
            else "it is not as it was written"
        )
        return Told(f"checked the history: {found}", str(problem))
    return Told(f"checked the history: {_called(number, 'rows')}, all as they were written")


def _took_users(details: Details, _: Mapping[str, int]) -> Told:
    return Told(f"took {_called(details.get('users'), 'users')} out as a file", _from(details))


def _called(number: object, several: str) -> str:
    """“1 run”, “2 runs”; without a number “the runs”."""
    if not isinstance(number, int):
        return f"the {several}"
    return f"{number:,} {several.removesuffix('s') if number == 1 else several}"


def _from(details: Details) -> str:
    return _place(str(details["from"])) if details.get("from") else ""


def _place(place: str) -> str:
    """“from 10.0.0.1” of “web, 10.0.0.1”, nothing of “vm, web”: a page is where people are; otherwise by which webhook or command.
    What a machine is called says nothing to people; it stands in the file of the history."""
    first, _, rest = place.partition(", ")
    if rest == "web":
        return ""
    if first == "web":
        return f"from {rest}"
    if first == "webhook":
        return f"by webhook, from {rest}"
    return f"by the command {rest}" if rest else f"from {place}"


def _decided(details: Details, _: Mapping[str, int]) -> Told:
    made, back = _names(details.get("decisions")), _names(details.get("taken_back"))
    if back and not made:
        return Told(f"took back what was decided about {', '.join(back)}")
    return Told("decided about people", "; ".join(made))


def _schedule(what: str) -> Callable[[Details, Mapping[str, int]], Told]:
    def tell(details: Details, _: Mapping[str, int]) -> Told:
        return Told(what, _PAUSES.get(str(details.get("reason")), str(details.get("reason") or "")))

    return tell


def _switched_on(details: Details, _: Mapping[str, int]) -> Told:
    previews = _table(details.get("schedule")).get("does", "preview") == "preview"
    return Told(f"switched the schedule on: {'previews only' if previews else 'a standing approval'}")


def _took_roles(details: Details, _: Mapping[str, int]) -> Told:
    """Which roles; an event of before they were recorded tells that it was all of them."""
    roles = _names(details.get("roles"))
    names = " and ".join(map(role_called, roles))
    which = f"the role{'s' if len(roles) > 1 else ''} {names}" if roles else "every role"
    scope = f" for {details['of']}" if details.get("of") else ""
    return Told(f"took {which} from {details.get('name', 'somebody')}{scope}")


def _role(what: str) -> Callable[[Details, Mapping[str, int]], Told]:
    def tell(details: Details, _: Mapping[str, int]) -> Told:
        role = f" the role {role_called(details['role'])}" if details.get("role") else ""
        scope = f" for {details['of']}" if details.get("of") else ""
        before = f", instead of {role_called(details['instead_of'])}" if details.get("instead_of") else ""
        return Told(f"{what} {details.get('name', 'somebody')}{role}{scope}{before}")

    return tell


def _thing(verb: str, thing: str, after: str = "") -> Callable[[Details, Mapping[str, int]], Told]:
    """“added the connection Acme HiBob”, with what else is known of it."""

    def tell(details: Details, _: Mapping[str, int]) -> Told:
        return Told(
            " ".join(filter(None, [verb, "the", thing, str(details.get("name") or ""), after])), _about(details)
        )

    return tell


_ABOUT = ("name", "seats", "token_set", "report", "tokens", "users")


def _about(details: Details) -> str:
    """What is known of a customer, connection or domain beside its name."""
    seats, report = details.get("seats"), details.get("report")
    said = [f"{_called(seats, 'licensed seats')}"] if seats else []
    said += [f"reads custom report {report}"] if report else []
    said += ["with a new token"] if details.get("token_set") else []
    said += ["its tokens were destroyed"] if details.get("tokens") else []
    said += [_USERS.get(str(details["users"]), str(details["users"]))] if details.get("users") else []
    return ", ".join(filter(None, [*said, _rest("", details, _ABOUT)]))


_USERS: Mapping[str, str] = {"stay": "its users stay as they are", "archive": "its users were archived"}


def _saved_target(details: Details, _: Mapping[str, int]) -> Told:
    """In which directory a domain's users are kept from then on."""
    where = str(details.get("target"))
    named = LOCAL if where == "local" else f"{SKILLCAST}, {where}"
    return Told(f"set the target: {named}", "with a new token" if details.get("token_set") else "")


def _sent_test(details: Details, _: Mapping[str, int]) -> Told:
    many = details.get("targets")
    return Told(f"sent a test message to {'1 address' if many == 1 else _called(many, 'addresses')}")


def _notify_target(verb: str) -> Callable[[Details, Mapping[str, int]], Told]:
    def tell(details: Details, _: Mapping[str, int]) -> Told:
        return Told(f"{verb} the notification address {details.get('target') or ''}".rstrip())

    return tell


_TELL: Mapping[str, Callable[[Details, Mapping[str, int]], Told]] = {
    "plan made": _made,
    "plan failed": _failed,
    "plan approved": _approved,
    "run ended": _ended,
    "run stopped": _stopped,
    "run not begun": lambda details, _: Told("could not begin to process", str(details.get("why") or "")),
    "decided": _decided,
    "mapping saved": _saved_mapping,
    "mapping looked at": _looked_at,
    "settings saved": _saved_settings,
    "history exported": _took_history,
    "users exported": _took_users,
    "history checked": _checked,
    "workbook exported": _took_workbook,
    "schedule saved": _saved_schedule,
    "schedule on": _switched_on,
    "schedule off": _schedule("switched the schedule off"),
    "schedule paused": _schedule("paused the schedule"),
    "schedule goes on": _schedule("let the schedule go on"),
    "schedule in quarantine": _schedule("put the schedule in quarantine"),
    "standing approval used": _schedule("approved it by the standing approval"),
    "role granted": _role("gave"),
    "role given by group": _role("gave, by their group,"),
    "role removed": _took_roles,
    "role by group ended": _role("took, with their group, from"),
    **{
        f"{thing} {what}": _thing(verb, thing, after)
        for thing in ("connection", "domain", "customer")
        for what, verb, after in (
            ("created", "added", ""), ("changed", "changed", ""), ("removed", "removed", ""),
            ("offboarded", "offboarded", ""), ("taken up again", "took up", "again"),
        )
    },
    "target saved": _saved_target,
    "notification target added": _notify_target("added"),
    "notification target removed": _notify_target("removed"),
    "test message sent": _sent_test,
}  # fmt: skip
_PAUSES: Mapping[str, str] = {"undo": "A run is to be taken back.", "farewell": "The domain is to be offboarded."}
_SAY: Mapping[str, str] = {
    "run started": "began to process",
    "run resumed": "resumed the run",
    "stop asked": "asked the run to stop",
    "connection tested": "tested the connection",
    "all schedules paused": "paused all schedules",
    "all schedules resumed": "let all schedules go on",
    "set-up exported": "exported the set-up file",
    "person exported": "handed out what is kept of a person",
    "person removed": "removed what is kept of a person",
    "signed in": "signed in",
    "signed out": "signed out",
}
