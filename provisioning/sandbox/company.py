"""Northwind Trading, an invented company: who works there, and what each field says about them.

Deterministic for the same arguments; nothing here knows HTTP. What a day brings is in `day`.
"""

import itertools
import random
import unicodedata
from collections import Counter
from datetime import UTC, date, datetime, timedelta

from provisioning.sandbox import day, values
from provisioning.sandbox.fields import (
    CERTIFIED,
    CONTRACT_END,
    COST_CENTRE,
    NEXT_APPRAISAL,
    PAYROLL_NUMBER,
    Employee,
    Field,
    Json,
    catalogue,
    full_name,
    text,
)
from provisioning.sandbox.lists import LISTS, SABBATICAL, SITES, TITLES, NamedList, item

# Who is awkward, and how. One employed person each (a company too small has only the first of them); None
# empties a field. They joined last of the employed, so that the first rows of a list show ordinary people, and
# nobody reports to them. Further cases fall to others: the chief executive has no manager, every second future
# joiner no e-mail, every second garden leaver has had the last day; each day brings a rename and a returner.
AWKWARD: tuple[tuple[str, Employee], ...] = (
    ("accents, composed", {"root.firstName": "Zoë", "root.surname": "Åkerström"}),
    ("accents, decomposed (NFD)", {"root.firstName": "Rene\u0301e", "root.surname": "Lefe\u0300vre"}),
    ("apostrophe", {"root.firstName": "Siobhán", "root.surname": "O'Brien"}),
    ("typographic apostrophe", {"root.firstName": "Marco", "root.surname": "D\u2019Angelo"}),
    ("double-barrelled", {"root.firstName": "Anne-Marie", "root.surname": "Smith-Jones"}),
    ("double, leading and trailing spaces", {"root.firstName": "Mary  Jane ", "root.surname": " Watkins"}),
    (
        "e-mail in upper case",
        {"root.firstName": "Priya", "root.surname": "Nair", "root.email": "PRIYA.NAIR@NORTHWIND.EXAMPLE"},
    ),
    ("surname Null", {"root.firstName": "Jennifer", "root.surname": "Null"}),
    ("first name True", {"root.firstName": "True", "root.surname": "Olsen"}),
    ("ß and İ, which lower-case badly", {"root.firstName": "İpek", "root.surname": "Groß"}),
    ("title that looks like a formula", {"work.title": item("title", "=Procurement Lead")}),
    ("title that is a formula", {"work.title": item("title", "=1+1")}),
    ("control character in the surname", {"root.firstName": "Colin", "root.surname": "Fen\u0007wick"}),
    ("emoji", {"root.firstName": "Jo 🦊", "root.surname": "Marsh"}),
    (
        "right to left",
        {"root.firstName": "יעל", "root.surname": "כהן", "root.email": "yael.cohen@northwind.example"},
    ),
    ("text longer than an Excel cell", {"about.about": "I like long walks. " * 2_000}),
    ("long name", {"root.secondName": "Wolfeschlegelsteinhausenbergerdorff " * 7}),
    ("line break in a text", {"about.about": 'First line\r\nsecond line, "quoted"; and a tab\there'}),
    ("no department", {"work.department": None}),
    ("no manager", {"work.manager": None}),
    ("shares a payroll number", {PAYROLL_NUMBER: "000042"}),
    ("shares a payroll number", {PAYROLL_NUMBER: "000042"}),
    ("payroll number of zeros only", {PAYROLL_NUMBER: "000000"}),
    ("namesake", {"root.firstName": "James", "root.surname": "Taylor"}),
    ("namesake", {"root.firstName": "James", "root.surname": "Taylor"}),
    ("date that is none", {CONTRACT_END: "31/02/2026"}),
    ("word for a date", {CONTRACT_END: "tbc"}),
    ("label that Excel reads as A", {COST_CENTRE: item(catalogue()[COST_CENTRE].list_id, "_x0041_ Reserve")}),
    ("separator inside a list label", {"about.hobbies": [item("hobbies", "Chess, speed chess")]}),
    ("returner", {"work.startDate": "2023-09-04", "work.originalStartDate": "2011-05-02"}),
    ("zero, which is not blank", {"payroll.employment.fte": 0}),
)

DOMAIN = "northwind.example"
CHIEF: Employee = {
    "root.firstName": "Sunniva",
    "root.surname": "Blackwood",
    "work.title": item("title", "Chief Executive"),
}
# The demo's admin: never leaves, never changes.
ADMIN: Employee = {
    "root.firstName": "Harriet",
    "root.surname": "Lindqvist",
    "root.email": f"admin@{DOMAIN}",
    "work.title": item("title", "Head of People"),
    "work.department": item("department", "People"),
}
# Shares of the whole company; everybody else is employed.
SHARES = {
    "Hired": 0.02,
    "Leave": 0.012,
    "Parental leave": 0.016,
    "Garden leave": 0.012,
    SABBATICAL: 0.008,
    "Terminated": 0.08,
}
SPAN_OF_CONTROL = 8
FIRST_EMPLOYEE_ID = 3_980_342_332_732_998_349

# fmt: off
FIRST_NAMES = (
    "Aisha", "Alan", "Alice", "Amir", "Anders", "Anna", "Beatriz", "Ben", "Bridget", "Carlos", "Carol",
    "Chloe", "Ciara", "Daniel", "Deepa", "Diego", "Ebba", "Edward", "Elin", "Emeka", "Emma", "Erik",
    "Fatima", "Fiona", "Freya", "George", "Grace", "Gustav", "Hannah", "Hassan", "Helen", "Ingrid",
    "Isabel", "Ivan", "Jack", "Joana", "Jonas", "Josefin", "Julia", "Kamal", "Karin", "Kofi", "Laura",
    "Leila", "Liam", "Linnea", "Lucas", "Maeve", "Maria", "Mats", "Meera", "Mikael", "Nadia", "Niamh",
    "Nils", "Olivia", "Oscar", "Patrick", "Paula", "Rosa",
)
SURNAMES = (
    "Abbott", "Adeyemi", "Ahmed", "Almeida", "Andersson", "Baker", "Bennett", "Berg", "Bergman", "Byrne",
    "Campbell", "Carvalho", "Chen", "Clarke", "Costa", "Cunha", "Dahl", "Davies", "Doyle", "Edwards",
    "Eklund", "Evans", "Ferreira", "Fisher", "Foster", "Gallagher", "Gomes", "Gray", "Gupta", "Hall",
    "Hansson", "Harris", "Holm", "Hughes", "Hussain", "Iqbal", "Jansson", "Kelly", "Khan", "Kowalski",
    "Larsen", "Lewis", "Lima", "Lund", "Martins", "Mendes", "Moore", "Morgan", "Murphy", "Murray",
    "Nilsson", "Nolan", "Nowak", "Okafor", "Owen", "Patel", "Pereira", "Quinn", "Ramos", "Reid", "Ribeiro",
    "Roberts", "Rossi", "Ryan", "Santos", "Sharma", "Singh", "Sjöberg", "Walsh", "Young",
)
# fmt: on

_TITLE_IDS = tuple(item("title", label) for label in TITLES)
_DEPARTMENT_IDS = tuple(LISTS["department"].items)
_HOBBY_IDS = tuple(LISTS["hobbies"].items)
_NATIONALITIES = tuple(LISTS["nationalities"].items)
_COST_CENTRE_IDS = tuple(LISTS[catalogue()[COST_CENTRE].list_id].items)
_PERMANENT = item("payrollEmploymentType", "Permanent")
_FIXED_TERM = item("payrollEmploymentType", "Fixed term")
_SPELT_OUT = str.maketrans({"ø": "o", "ß": "ss", "ł": "l", "ı": "i"})


class Company:
    """People by id, in the order HiBob would list them; `pass_day` moves them and `today` on.

    A person is a mapping from field id to machine value and may be changed by a test; what follows from other
    fields (`work.reportsTo`, `root.displayName`, …) is not stored: ask `value` and `label`.
    """

    name = "Northwind Trading"
    id = 640128

    def __init__(self, people: int = 250, seed: int = 1, today: date | None = None) -> None:
        self.today: date = today or datetime.now(UTC).date()
        self.seed = seed
        self.days_passed = 0
        self.people: dict[str, Employee] = {}
        self.fields: dict[str, Field] = catalogue()
        self.lists: dict[str, NamedList] = LISTS
        self.direct_reports: Counter[str] = Counter()
        self._taken: set[str] = set()
        self._next_name = self._hires = 0
        self._last_id = FIRST_EMPLOYEE_ID
        self.chief_id, self.admin_id = self._found(random.Random(seed), people)
        self.usual_headcount = sum(p["internal.lifecycleStatus"] == "Employed" for p in self.people.values())
        self.count_reports()

    def find(self, id_or_email: str) -> Employee | None:
        """One person by id or e-mail, whatever their status."""
        if person := self.people.get(id_or_email):
            return person
        wanted = id_or_email.casefold()
        return next((p for p in self.people.values() if text(p, "root.email").casefold() == wanted), None)

    def value(self, person: Employee, field_id: str) -> Json:
        """The machine value of any field of the catalogue, None (or []) when empty."""
        return values.reader(self, self.fields[field_id])(person)

    def label(self, person: Employee, field_id: str) -> str | None:
        """The human-readable text of any field of the catalogue, None when empty."""
        return values.writer(self, self.fields[field_id])(self.value(person, field_id))

    def pass_day(self) -> day.DayReport:
        """Let one day pass; the same seed and day always bring the same."""
        return day.pass_day(self)

    def hire(self, rng: random.Random, manager: str | None, changes: Employee) -> Employee:
        """Add a person with a new id; employed and here for a while, unless `changes` say otherwise.

        `changes` replace what would be invented; None empties a field.
        """
        person = self._invent(rng, text(changes, "work.startDate") or self._day(-rng.randint(30, 6_000)))
        person["work.manager"] = manager
        person.update(changes if "root.surname" in changes else {**self._free_name(), **changes})
        if "root.email" not in person:
            person["root.email"] = self.free_email(person)
        self._taken |= {text(person, "root.email").casefold(), full_name(person)}
        kept: Employee = {key: value for key, value in person.items() if value is not None}
        self.people[text(kept, "root.id")] = kept
        return kept

    def free_email(self, person: Employee) -> str:
        """A work e-mail that nobody has or had."""
        base = f"{_plain(text(person, 'root.firstName'))}.{_plain(text(person, 'root.surname'))}".strip(".")
        for number in itertools.count(1):
            email = f"{base}{number if number > 1 else ''}@{DOMAIN}"
            if email not in self._taken:
                break
        self._taken.add(email)
        return email

    def free_surname(self, rng: random.Random, person: Employee) -> str:
        """Another surname, under which nobody of that first name is or was known."""
        first, old = text(person, "root.firstName"), text(person, "root.surname")
        choices = [*rng.sample(SURNAMES, 5), *(f"{old}-{new}" for new in rng.sample(SURNAMES, len(SURNAMES)))]
        new = next((name for name in choices if f"{first} {name}" not in self._taken), choices[-1])
        self._taken.add(f"{first} {new}")
        return new

    def count_reports(self) -> None:
        """Count direct reports anew, after people moved."""
        here = (p for p in self.people.values() if p["internal.lifecycleStatus"] != "Terminated")
        self.direct_reports = Counter(text(person, "work.manager") for person in here)

    def _found(self, rng: random.Random, size: int) -> tuple[str, str]:
        elsewhere = [(status, n) for status, share in SHARES.items() for n in range(round(share * size))]
        first = [*([CHIEF] if size > 1 else []), ADMIN]
        employed = size - len(elsewhere)
        awkward = max(len(first), employed - len(AWKWARD))
        special = dict(enumerate(first)) | {n: changes for n, (_, changes) in enumerate(AWKWARD, awkward)}
        ids: list[str] = []
        for n in range(size):
            # Whoever is not employed comes last: nobody reports to the last of a tree.
            manager = ids[(n - 1) // SPAN_OF_CONTROL] if n else None
            changes = special.get(n, {}) if n < employed else self._status(*elsewhere[n - employed], rng)
            ids.append(text(self.hire(rng, manager, changes), "root.id"))
        order = list(self.people.items())
        rng.shuffle(order)
        self.people = dict(order)
        return ids[0], ids[1 if size > 1 else 0]

    def _status(self, status: str, n: int, rng: random.Random) -> Employee:
        """What the n-th person of a status has apart from everybody else."""
        changes: Employee = {"internal.lifecycleStatus": status}
        if status == "Hired":
            changes["work.startDate"] = self._day(1 + n % day.NOTICE_OF_JOINING)
            return changes | ({"root.email": None} if n % 2 else {})
        if status == "Garden leave":
            return changes | day.leaving(self._day(20 + n % 60), self._day(-5 if n % 2 else 4), rng)
        if status == "Terminated":
            gone = self._day(-rng.randint(1, 900))
            started = self._day(-rng.randint(1_000, 6_000))
            return changes | {"work.startDate": started} | day.leaving(gone, gone, rng)
        return changes | {"employee.recentLeaveStartDate": self._day(-rng.randint(1, 10))}

    def _day(self, offset: int) -> str:
        return (self.today + timedelta(days=offset)).isoformat()

    def _free_name(self) -> Employee:
        while True:
            name = _name(self._next_name, self.seed)
            self._next_name += 1
            if full_name(name) not in self._taken:
                return name

    def _invent(self, rng: random.Random, since: str) -> Employee:
        self._hires += 1
        self._last_id += rng.randint(1, 999)
        n, choice = self._hires, rng.choice
        site = choice(SITES)
        fixed_term = rng.random() < 0.1
        part_time = rng.random() < 0.15
        return {
            "root.id": str(self._last_id),
            "root.creationDateTime": f"{min(since, self._day(0))}T08:{n % 60:02}:13.{n % 10**6:06}",
            "personal.birthDate": date(rng.randint(1960, 2003), 1 + n % 12, 1 + n % 28).isoformat(),
            "personal.nationality": [choice(_NATIONALITIES)] if n % 9 else list(_NATIONALITIES[:2]),
            "home.privateEmail": f"home{n}@post.example",
            "work.employeeIdInCompany": n,
            "work.title": choice(_TITLE_IDS),
            "work.department": choice(_DEPARTMENT_IDS),
            "work.site": site.name,
            "work.startDate": since,
            "work.activeEffectiveDate": since,
            "work.workPhone": f"+44 20 7946 0{n % 1000:03}",
            PAYROLL_NUMBER: f"{4_000 + n:06}",
            CONTRACT_END: self._day(rng.randint(20, 500)) if fixed_term else None,
            NEXT_APPRAISAL: self._day(rng.randint(1, 365)),
            COST_CENTRE: choice(_COST_CENTRE_IDS),
            CERTIFIED: rng.random() < 0.1,
            "about.hobbies": list(rng.sample(_HOBBY_IDS, n % 3)),
            "payroll.employment.type": _FIXED_TERM if fixed_term else _PERMANENT,
            "payroll.employment.contract": "Part time" if part_time else "Full time",
            "payroll.employment.fte": 62.5 if part_time else 100,
            "payroll.salary.payment": {"value": 500 * rng.randint(48, 180), "currency": site.currency},
            "internal.lifecycleStatus": "Employed",
        }


def _name(n: int, seed: int) -> Employee:
    """The n-th name: every pair of names once, in a scattered order, then double-barrelled ones."""
    size, pairs = len(SURNAMES), len(FIRST_NAMES) * len(SURNAMES)
    turn, n = divmod(n, pairs)
    first, surname = divmod((n * 1_013 + seed * 37) % pairs, size)
    further = [SURNAMES[(surname + step) % size] for step in (turn % size, turn // size) if step]
    return {"root.firstName": FIRST_NAMES[first], "root.surname": "-".join([SURNAMES[surname], *further])}


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_SPELT_OUT))
    return "".join(c for c in letters if c.isascii() and (c.isalnum() or c == "-"))
