"""The worst day that one can invent, on the sandbox: everything goes wrong at once. Nobody changes, and a person who is
no engineer reads what happened and what to do."""

from collections.abc import Iterator

import pytest
import stamina
from driver import ROOT, Rollcall, Said
from openpyxl import load_workbook

from provisioning.sandbox import Sandbox
from provisioning.sandbox.company import Company
from provisioning.sandbox.fields import PAYROLL_NUMBER, Employee, text

STAFF, ADMIN = "Northwind Trading/staff", "admin@northwind.example"
EMPLOYED = "Employed"


def employed(company: Company) -> list[Employee]:
    """Those who work there, longest known first."""
    found = (each for each in company.people.values() if each["internal.lifecycleStatus"] == EMPLOYED)
    return sorted(found, key=lambda each: text(each, "root.id"))


def worst_day(sandbox: Sandbox) -> None:
    """In the night HR imported a file that had slipped by one row, renamed the company, emptied the departments and the
    sites, let a manager of Rollcall and others go by mistake, and took a permission and half of the people from the
    service user."""
    company, switches = sandbox.company, sandbox.switches
    people = employed(company)
    numbers = [person.get(PAYROLL_NUMBER) for person in people]
    for person, number in zip(people, numbers[1:] + numbers[:1], strict=True):
        person[PAYROLL_NUMBER] = number
        if "root.email" in person:
            person["root.email"] = text(person, "root.email").replace("@northwind.example", "@northwind-group.example")
    for person in people[40:60]:
        person["internal.lifecycleStatus"] = "Terminated"
    company.people[company.admin_id]["internal.lifecycleStatus"] = "Terminated"
    switches.emptied_columns = frozenset({"work.department", "work.site"})
    switches.granted = frozenset(each.category for each in company.fields.values()) - {"employment", "payroll"}
    switches.half_missing = True


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rollcall, Said]]:
    """The installation on that day, and what the preview said to the admin."""
    with stamina.set_testing(True, attempts=2), Sandbox(people=120) as sandbox:
        house = Rollcall(tmp_path_factory.mktemp("northwind") / "data", NORTHWIND_TOKEN=sandbox.token)
        example = (ROOT / "data" / "northwind.toml").read_text(encoding="utf-8")
        # Without the protection of the admin, who must be safe all the same.
        example = example.replace("http://127.0.0.1:8799/v1", sandbox.base_url)
        house.set_up(example.replace(f'protected = ["{ADMIN}"]\n', "")).fine()
        plan = house.preview(STAFF)
        house.call("approve", plan["plan"], by=ADMIN).fine()
        house.call("process", plan["plan"]).fine()
        worst_day(sandbox)
        yield house, house.call("preview", STAFF, by=ADMIN)


BLOCKS = (
    "head-count",
    "column-absent",
    "column-emptied",
    "identifiers-swapped",
    "limit-archive",
    "limit-archive-7-days",
    "self-archive",
)


def test_the_worst_day_is_blocked_by_every_rule_that_it_breaks(morning: tuple[Rollcall, Said]) -> None:
    _, said = morning
    assert said.code == 3
    assert f"is blocked by {', '.join(BLOCKS)}. Nothing was written." in said.err


@pytest.mark.parametrize(
    "sentence",
    [
        "Of the 108 people who were live at the last processed read, HiBob now returns 54",
        "Check the service user's “Access data for” audience in HiBob.",
        "HiBob left out the column payroll.employment.fte for all 60 people: it is not permitted, or misspelt.",
        "grant the service user's permission group “View” on the field category “Employment”",
        "The column work.site has a value for 0 of 43 live people; at the last processed read it was 108 of 108.",
        "Check in HiBob whether the field was cleared or its permission changed.",
        "47 of 48 linked people have another Employee ID than before",
        "Check which HiBob column feeds Employee ID.",
        "62 of 100 live users would be archived; from 10 on (10%) it is blocked.",
        "Look at the people concerned.",
        "1 of the 62 people to be archived would lose access to Rollcall, which they manage for this customer.",
        "Protect them, move them to another domain, or confirm a live test account in another domain.",
        "  people read: 60: 43 active in HiBob, 17 inactive; 43 are to be live by their lifecycle status, 108 were at the last processed read",
        "  not returned: payroll.employment.fte: opened in HiBob by the category Employment",
        "  filled: work.site: 0 of 43 live people; before 108 of 108",
        "Next: put right what blocks (→ above) and preview again. Nobody is changed by a blocked plan.",
    ],
)
def test_what_happened_and_what_to_do_stand_there_in_sentences(morning: tuple[Rollcall, Said], sentence: str) -> None:
    assert sentence in morning[1].out


def test_every_block_stands_above_the_people_with_what_to_do_below_it(morning: tuple[Rollcall, Said]) -> None:
    lines = morning[1].out.splitlines()
    blocks = [place for place, line in enumerate(lines) if line.startswith("  [block]")]
    people = [place for place, line in enumerate(lines) if line.startswith(("  archive ", "  update ", "  held "))]
    assert max(blocks) < min(people)
    assert all(lines[place + 1].strip().startswith("→ ") for place in blocks)


def test_nobody_offers_to_approve_the_worst_day(morning: tuple[Rollcall, Said]) -> None:
    assert "`approve" not in morning[1].out


@pytest.mark.parametrize("overrides", [(), ("head-count",), tuple(code for code in BLOCKS if code != "self-archive")])
def test_the_worst_day_changes_nobody(morning: tuple[Rollcall, Said], overrides: tuple[str, ...]) -> None:
    """Not even when the admin, who is among the leavers, overrides whatever can be overridden."""
    house, said = morning
    plan, before = said.out.split()[1], house.users(STAFF)
    reasons = [word for code in overrides for word in ("--override", f"{code}=I am in a hurry")]
    house.call("approve", plan, *reasons, by=ADMIN).complaint(3)
    house.call("process", plan).complaint(3)
    assert house.users(STAFF) == before


def test_the_person_concerned_cannot_override_their_own_archiving(morning: tuple[Rollcall, Said]) -> None:
    house, said = morning
    reasons = [word for code in BLOCKS for word in ("--override", f"{code}=I am in a hurry")]
    assert "This preview archives you" in house.call("approve", said.out.split()[1], *reasons, by=ADMIN).complaint(3)


def test_the_workbook_says_what_the_read_proved(morning: tuple[Rollcall, Said]) -> None:
    house, said = morning
    house.call("workbook", said.out.split()[1], "worst.xlsx").fine()
    rows = [row[:2] for row in load_workbook(house.folder / "worst.xlsx")["Summary"].iter_rows(values_only=True)]
    start = rows.index(("What was read from HiBob", None))
    told = dict(reversed(rows[start + 1 : start + 12]))
    assert str(told["People read"]).startswith("60: ")
    assert "opened in HiBob by the category" in str(told["    Not returned"])
    assert "before" in str(told["    Filled"])
