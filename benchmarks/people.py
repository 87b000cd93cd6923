"""An invented company of any size, the same for the same seed: HiBob's answers of two nights, and what Skillcast has.

Between the two nights 2 % joined, 5 % changed in one to three attributes, and 1 % left. Awkward people are among
them: long text, accents as one character or two, ids with leading zeros or 19 digits, nulls and blanks, two who
share a unique identifier and are managers, people without a manager, and some whose manager is gone. Nothing here is taken from Rollcall: what each attribute should say is written down apart.
"""

import random
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
from pyarrow import ipc

SEED = 20260302
JOINED, CHANGED, LEFT = 0.02, 0.05, 0.01

DEPARTMENTS = {
    str(209192160 + n): label for n, label in enumerate(["Legal & Compliance", "Sales", "Bücher", "R&D", "Ops"])
}
TITLES = {str(501 + n): f"{grade} {what}" for n, (grade, what) in enumerate(
    (g, w) for g in ("Junior", "Senior", "Head of") for w in ("analyst", "clerk", "Möbel", "counsel", "engineer")
)}  # fmt: skip
MANAGER = "Manager"
REPORTS = 8
"""So many report to each manager, on average."""
STATUSES = {"employed": "Employed", "parentalLeave": "Parental leave"}


@dataclass(frozen=True, slots=True)
class Feed:
    """One HiBob field, and the attribute that it feeds, if any. `labels`: the human-readable text of each value."""

    field: str
    name: str
    attribute: str = ""
    type: str = "text"
    labels: dict[str, str] | None = None

    @property
    def data_feed_name(self) -> str:
        return f"humanReadable.{self.field}" if self.labels else self.field

    @property
    def path(self) -> list[str]:
        return self.field.removeprefix("root.").split(".")


FEEDS = (
    Feed("root.id", "ID"),
    Feed("internal.lifecycleStatus", "Lifecycle status", labels=STATUSES, type="list"),
    Feed("internal.status", "Status"),
    Feed("employee.lastDayOfWork", "Last day of work", type="date"),
    Feed("work.employeeIdInCompany", "Employee ID", "Employee ID"),
    Feed("root.email", "Email", "Email"),
    Feed("root.firstName", "First name", "First name"),
    Feed("root.surname", "Last name", "Last name"),
    Feed("work.startDate", "Start date", "Start date", "date"),
    Feed("work.department", "Department", "Department", "list", DEPARTMENTS),
    Feed("work.title", "Job title", "Job title", "list", TITLES),
    Feed("work.site", "Site", "Site"),
    Feed("work.custom.field_1", "Payroll number", "Payroll number"),
    Feed("work.custom.field_2", "Cost centre", "Cost centre"),
    Feed("work.custom.field_3", "Grade", "Grade"),
    Feed("work.custom.field_4", "Desk", "Desk"),
    Feed("work.custom.field_5", "Region", "Region"),
    Feed("address.city", "City", "City"),
    Feed("address.country", "Country", "Country"),
    Feed("address.line1", "Address", "Address"),
    Feed("home.mobilePhone", "Mobile", "Mobile"),
    Feed("about.about", "About", "About"),
    Feed("payroll.employment.fte", "FTE", "FTE", "number"),
    Feed("work.reportsTo", "Reports to", MANAGER, "employee"),
)
FED = tuple(each for each in FEEDS if each.attribute)
ATTRIBUTES = tuple(each.attribute for each in FED)
CHANGING = [place for place, each in enumerate(FEEDS) if each.attribute in ("Department", "Job title", "Site", "Desk", "Region", "Cost centre", "Grade")]  # fmt: skip
IDENTIFIER, BOSS = (
    next(place for place, each in enumerate(FEEDS) if each.attribute == name) for name in ("Employee ID", MANAGER)
)
Person = list[str | int | float | None]
"""A machine value per feed, in their order."""


def company(people: int, seed: int = SEED) -> tuple[list[Person], list[Person]]:
    """(last night's people, tonight's people in another order)."""
    chance = random.Random(seed)  # noqa: S311 - invented people
    before = [_somebody(number, chance, _boss(people, chance, awkward=0)) for number in range(people)]
    if people > 20:
        before[7][IDENTIFIER] = before[8][IDENTIFIER]  # Two share a unique identifier.
    # Whoever leaves had handed their people over before.
    gone = set(chance.sample(range(people // REPORTS, people), int(people * LEFT)))
    moved = set(chance.sample(range(people), int(people * CHANGED))) - gone
    now = [_changed(each, people, chance) if n in moved else each for n, each in enumerate(before) if n not in gone]
    now += [_somebody(people + number, chance, _boss(people, chance)) for number in range(int(people * JOINED))]
    chance.shuffle(now)
    return before, now


def _id(number: int) -> str:
    return str(3_980_342_332_733_000_000 + number)


def _boss(people: int, chance: random.Random, awkward: float = 0.04) -> str | None:
    """The id of one of the managers, or at times of nobody; and for this share of somebody who is gone or shares an
    identifier."""
    if chance.random() < awkward:
        return chance.choice((_id(-1 - chance.randrange(people)), _id(7)))
    return _id(chance.randrange(max(1, people // REPORTS))) if chance.random() < 0.99 else None


def _somebody(number: int, chance: random.Random, boss: str | None) -> Person:
    name = chance.choice(("Zoë", "Zoe\u0308", "Ada", "Åsa", "Bjørn", "Mary  Ann", "O’Neil", "=1+1", "John"))
    about = "a long story " * 80 if number % 500 == 3 else chance.choice((None, "", "Cycling, chess", "Ελληνικά"))
    return [
        _id(number),
        chance.choices(("employed", "parentalLeave"), (98, 2))[0],
        "Active",
        None,
        f"{number:08}",
        f"person{number}@acme.example",
        name,
        f"{chance.choice(('Smith', 'Müller', 'de la Cruz', 'Lindström'))} {number}",
        f"20{chance.randrange(10, 25)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
        chance.choice(list(DEPARTMENTS)),
        chance.choice(list(TITLES)),
        chance.choice(("London", "Dublin", "  Leeds ", "Zürich", None)),
        f"{chance.randrange(10**6):019}",
        f"CC-{chance.randrange(400):04}",
        chance.choice(("A", "B", "C", "D", None)),
        f"{chance.randrange(20)}.{chance.randrange(60):02}",
        chance.choice(("EMEA", "UK & Ireland", "DACH")),
        chance.choice(("London", "Dublin", "Köln", "Reykjavík")),
        chance.choice(("United Kingdom", "Ireland", "Germany")),
        f"{chance.randrange(1, 300)} {chance.choice(('High Street', 'Mühlweg', 'Abbey Road'))}",
        f"+44 7700 {chance.randrange(10**6):06}",
        about,
        chance.choice((100, 80, 50, 62.5, None)),
        boss,
    ]


def _changed(person: Person, people: int, chance: random.Random) -> Person:
    other = list(person)
    places = chance.sample(CHANGING, chance.randint(1, 3))
    if len(places) > 1 and chance.random() < 1 / 4:
        # Beside something else: to a manager who shares an identifier nothing is changed.
        places.pop()
        other[BOSS] = _boss(people, chance)
    for place in places:
        labels = FEEDS[place].labels
        other[place] = (
            chance.choice([each for each in labels if each != person[place]]) if labels else f"{person[place] or ''}x"
        )
    return other


def answer(people: Iterable[Person]) -> bytes:
    """The answer of people/search with both forms of every value (`APPEND`)."""
    return b'{"employees":[' + b",".join(map(_employee, people)) + b"]}"


def _employee(person: Person) -> bytes:
    nested: dict[str, object] = {}
    spoken: dict[str, object] = {}
    spelt: dict[str, object] = {}
    for feed, value in zip(FEEDS, person, strict=True):
        if value is not None:
            spelt["/" + feed.field.replace(".", "/")] = {"value": value}
        _place(nested, feed.path, value)
        _place(spoken, feed.path, said(feed, value))
    return msgspec.json.encode(spelt | nested | {"humanReadable": spoken})


def _place(node: dict[str, object], path: list[str], value: object) -> None:
    for step in path[:-1]:
        node = node.setdefault(step, {})  # type: ignore[assignment]
    node[path[-1]] = value


def said(feed: Feed, value: str | int | float | None) -> str | None:
    """What HiBob shows people."""
    if value is None:
        return None
    return feed.labels[str(value)] if feed.labels else str(value)


def fields() -> bytes:
    """HiBob's list of its fields."""
    return msgspec.json.encode(
        [
            {"id": each.field, "name": each.name, "category": each.path[0], "type": each.type, "jsonPath": each.field}
            for each in FEEDS
        ]
    )


def columns(people: Iterable[Person]) -> pa.Table:
    """What Skillcast should say of these people: their key and a text column per attribute, blank as "". A manager
    is their unique identifier."""
    rows = list(people)
    identifiers = {row[0]: row[IDENTIFIER] for row in rows}
    rows = [[*row[:BOSS], identifiers.get(row[BOSS]), *row[BOSS + 1 :]] for row in rows]
    texts: dict[str, list[str]] = {"key": [str(row[0]) for row in rows]}
    for place, feed in enumerate(FEEDS):
        if feed.attribute:
            texts[feed.attribute] = [_stored(said(feed, row[place])) for row in rows]
    return pa.table({name: pa.array(column, pa.string()) for name, column in texts.items()})


def _stored(text: str | None) -> str:
    return unicodedata.normalize("NFC", text or "").strip()


@dataclass(frozen=True, slots=True)
class Nights:
    """The files of one company: made once for all that are measured, and read by each in a process of its own."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, people: int) -> "Nights":
        folder.mkdir(parents=True, exist_ok=True)
        before, now = company(people)
        (folder / "before.json").write_bytes(answer(before))
        (folder / "now.json").write_bytes(answer(now))
        for name, rows in (("before", before), ("now", now)):
            table = columns(rows)
            with ipc.new_file(folder / f"{name}.arrow", table.schema) as writer:
                writer.write_table(table)
        return cls(folder)

    @property
    def people(self) -> int:
        return int(self.folder.name)

    def bytes(self, night: str = "now") -> bytes:
        return (self.folder / f"{night}.json").read_bytes()

    def table(self, night: str = "now") -> pa.Table:
        with ipc.open_file(self.folder / f"{night}.arrow") as reader:
            return reader.read_all().combine_chunks()

    def rows(self, night: str = "now") -> Iterator[tuple[str, ...]]:
        return zip(*(column.to_pylist() for column in self.table(night).columns), strict=True)
