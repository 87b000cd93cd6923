"""What one day brings to the invented company: joiners, movers, leavers, a returner, a rename, a leave."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from provisioning.sandbox.fields import PAYROLL_NUMBER, Employee, full_name, text
from provisioning.sandbox.lists import LISTS, REASONS, SITES, TITLES, item

if TYPE_CHECKING:
    from provisioning.sandbox.company import Company

NOTICE_OF_JOINING = 5
LENGTH_OF_LEAVE = 30
SMALLEST_TO_LEAVE = 25
"""Of fewer people nobody leaves by themselves: one would be too large a share."""

STATUS = "internal.lifecycleStatus"
LEAVING = ("internal.terminationDate", "internal.terminationReason", "employee.lastDayOfWork")


@dataclass(frozen=True, slots=True)
class Happening:
    """One person and what happened to them, in words."""

    id: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class DayReport:
    """All that a day brought; nobody stands in two of the lists."""

    date: date
    day: int
    joiners: tuple[Happening, ...]
    announced: tuple[Happening, ...]
    movers: tuple[Happening, ...]
    leavers: tuple[Happening, ...]
    returners: tuple[Happening, ...]
    renamed: tuple[Happening, ...]
    on_leave: tuple[Happening, ...]
    back: tuple[Happening, ...]


def pass_day(company: Company) -> DayReport:
    """Move the company on by one day, and say what changed."""
    company.today += timedelta(days=1)
    company.days_passed += 1
    today = _Day(company)
    back = today.back_from_leave()
    leavers = today.leavers()
    joiners, announced = today.joiners()
    report = DayReport(
        date=company.today,
        day=company.days_passed,
        joiners=joiners,
        announced=announced,
        movers=today.movers(),
        leavers=leavers,
        returners=today.returners(),
        renamed=today.renamed(),
        on_leave=today.on_leave(),
        back=back,
    )
    company.count_reports()
    return report


def leaving(on: str, last_day: str, rng: random.Random) -> Employee:
    """The fields of somebody who leaves or has left; dates are ISO."""
    return dict(zip(LEAVING, (on, rng.choice(REASONS), last_day), strict=True))


class _Day:
    def __init__(self, company: Company) -> None:
        self.company = company
        self.rng = random.Random(f"{company.seed} day {company.days_passed}")
        self.today = company.today.isoformat()
        # The admin and the chief executive stay as they are, and nobody is chosen twice.
        self.spoken_for = {company.admin_id, company.chief_id}
        self.employed = sum(1 for person in company.people.values() if person[STATUS] == "Employed")

    def joiners(self) -> tuple[tuple[Happening, ...], tuple[Happening, ...]]:
        due = [p for p in self._who("Hired") if text(p, "work.startDate") <= self.today]
        new = max(0, self._count(3, least=1) - len(due))
        started = tuple(self._start(person) for person in due)
        hired = tuple(self._hire({"work.startDate": self.today}, "joins today") for _ in range(new))
        return started + hired, tuple(self._announce(n) for n in range(len(due)))

    def movers(self) -> tuple[Happening, ...]:
        moves: tuple[Callable[[Employee], str], ...] = (
            lambda person: self._change(person, "work.department", tuple(LISTS["department"].items)),
            lambda person: self._change(person, "work.title", tuple(item("title", label) for label in TITLES)),
            self._change_manager,
            lambda person: self._change(person, "work.site", tuple(site.name for site in SITES)),
        )
        chosen = self._pick("Employed", self._count(4, least=1))
        return tuple(self._move(person, moves[n % len(moves)]) for n, person in enumerate(chosen))

    def leavers(self) -> tuple[Happening, ...]:
        due = [p for p in self._who("Garden leave") if text(p, "internal.terminationDate") <= self.today]
        more = self._pick("Employed", self._count(2, least=1 if self.employed >= SMALLEST_TO_LEAVE else 0) - len(due))
        for person in due:
            person[STATUS] = "Terminated"
        for person in more:
            person.update({STATUS: "Terminated", **leaving(self.today, self.today, self.rng)})
        self._hand_over()
        return tuple(self._happened(person, text(person, LEAVING[1])) for person in due + more)

    def returners(self) -> tuple[Happening, ...]:
        return tuple(self._return(person) for person in self._pick("Terminated", self._count(1)))

    def renamed(self) -> tuple[Happening, ...]:
        return tuple(self._rename(person) for person in self._pick("Employed", self._count(1, least=1)))

    def on_leave(self) -> tuple[Happening, ...]:
        chosen = self._pick("Employed", self._count(1))
        for person in chosen:
            person.update({STATUS: "Leave", "employee.recentLeaveStartDate": self.today})
        return tuple(self._happened(person, "goes on leave") for person in chosen)

    def back_from_leave(self) -> tuple[Happening, ...]:
        since = (self.company.today - timedelta(days=LENGTH_OF_LEAVE)).isoformat()
        due = [p for p in self._who("Leave") if text(p, "employee.recentLeaveStartDate") <= since]
        for person in due:
            person.update({STATUS: "Employed", "employee.recentLeaveEndDate": self.today})
        return tuple(self._happened(person, "comes back from leave") for person in due)

    def _count(self, of_250: int, least: int = 0) -> int:
        """How many, if it happens to so many in a company of 250; the pace stays when the company grows."""
        return max(least, round(of_250 * self.company.usual_headcount / 213))

    def _who(self, status: str) -> list[Employee]:
        people = self.company.people
        return [p for key, p in people.items() if p[STATUS] == status and key not in self.spoken_for]

    def _pick(self, status: str, count: int) -> list[Employee]:
        there = self._who(status)
        chosen = self.rng.sample(there, max(0, min(count, len(there))))
        self.spoken_for.update(text(person, "root.id") for person in chosen)
        return chosen

    @cached_property
    def _managers(self) -> list[str]:
        people, leading = self.company.people, self.company.direct_reports
        numbers = Counter(person.get(PAYROLL_NUMBER) for person in people.values())
        here = [key for key in leading if key in people and people[key][STATUS] == "Employed"]
        # Who shares a payroll number cannot be referred to by it: a move to them would show nowhere.
        return [key for key in here if numbers[people[key].get(PAYROLL_NUMBER)] == 1] or [self.company.chief_id]

    def _happened(self, person: Employee, what: str) -> Happening:
        self.spoken_for.add(text(person, "root.id"))
        return Happening(text(person, "root.id"), full_name(person), what)

    def _hire(self, changes: Employee, what: str) -> Happening:
        return self._happened(self.company.hire(self.rng, self.rng.choice(self._managers), changes), what)

    def _announce(self, n: int) -> Happening:
        start = (self.company.today + timedelta(days=NOTICE_OF_JOINING)).isoformat()
        without_email: Employee = {"root.email": None} if (self.company.days_passed + n) % 2 else {}
        return self._hire({STATUS: "Hired", "work.startDate": start, **without_email}, f"will start on {start}")

    def _start(self, person: Employee) -> Happening:
        person[STATUS] = "Employed"
        if "root.email" not in person:
            person["root.email"] = self.company.free_email(person)
        return self._happened(person, "starts as announced")

    def _return(self, person: Employee) -> Happening:
        for key in LEAVING:
            person.pop(key, None)
        person.setdefault("work.originalStartDate", person["work.startDate"])
        person.update({STATUS: "Employed", "work.startDate": self.today, "work.activeEffectiveDate": self.today})
        person["work.manager"] = self._present_manager(person)
        return self._happened(person, "comes back to the company")

    def _rename(self, person: Employee) -> Happening:
        before = full_name(person)
        person["root.surname"] = self.company.free_surname(self.rng, person)
        person["root.email"] = self.company.free_email(person)
        return self._happened(person, f"was {before}")

    def _move(self, person: Employee, change: Callable[[Employee], str]) -> Happening:
        what = change(person)
        person["work.activeEffectiveDate"] = self.today
        return self._happened(person, what)

    def _change(self, person: Employee, field_id: str, choices: tuple[str, ...]) -> str:
        before = self.company.label(person, field_id) or "none"
        person[field_id] = self.rng.choice([choice for choice in choices if choice != person.get(field_id)])
        name = self.company.fields[field_id].name
        return f"{name}: {before} → {self.company.label(person, field_id)}"

    def _change_manager(self, person: Employee) -> str:
        old = text(person, "work.manager")
        tried = (self.rng.choice(self._managers) for _ in range(20))
        fits = (key for key in tried if key != old and not self._is_above(text(person, "root.id"), key))
        if (new := next(fits, self.company.chief_id)) == old:
            return self._change(person, "work.title", tuple(item("title", label) for label in TITLES))
        person["work.manager"] = new
        return f"Reports to: {full_name(self.company.people[new])}"

    def _is_above(self, boss: str, key: str | None) -> bool:
        """Whether somebody is this person or stands above them."""
        while key:
            if key == boss:
                return True
            key = text(self.company.people[key], "work.manager")
        return False

    def _hand_over(self) -> None:
        """Who reports to a leaver reports to the leaver's manager from now on."""
        for person in self.company.people.values():
            if person[STATUS] != "Terminated" and "work.manager" in person:
                person["work.manager"] = self._present_manager(person)

    def _present_manager(self, person: Employee) -> str:
        key = text(person, "work.manager")
        while key and self.company.people[key][STATUS] == "Terminated":
            key = text(self.company.people[key], "work.manager")
        return key or self.company.chief_id
