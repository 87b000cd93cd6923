"""What somebody tries who knows the source and is admin of another customer: every command, with our names and ids.

Whatever they call, the answer is the one for names that nobody has: no name, nor whether it is there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from driver import Rollcall, customer
from tiny_hibob import TinyHiBob, company

from provisioning.command_line.words import parser

STRANGER = "boss@globex.example"
NOT_ABOUT_A_CUSTOMER = {"demo", "sandbox", "day"}  # they start servers of their own


@dataclass(frozen=True)
class Ids:
    """What leads to a customer, or to none."""

    customer: str
    plan: str
    run: str
    person: str
    folder: Path

    @property
    def domain(self) -> str:
        return f"{self.customer}/staff"

    @property
    def set_up(self) -> Path:
        path = self.folder / f"{self.customer}.toml"
        path.write_text(f'[customer]\nname = "{self.customer}"\nseats = 1\n', encoding="utf-8")
        return path


COMMANDS: dict[str, tuple[str, ...]] = {
    "setup": ("setup", "{set_up}"),
    "setup, with what is not named removed": ("setup", "{set_up}", "--prune"),
    "export": ("export", "{customer}"),
    "check": ("check", "{domain}", "--json"),
    "preview": ("preview", "{domain}", "--json", "--excel", "stolen"),
    "compare": ("compare", "{domain}", "1", "draft"),
    "compare versions": ("compare", "{domain}", "1", "1"),
    "plan": ("plan", "{plan}", "--json"),
    "workbook": ("workbook", "{plan}", "stolen"),
    "decide": ("decide", "{plan}", "--protect", "{person}"),
    "approve": ("approve", "{plan}"),
    "approve by workbook": ("approve", "{plan}", "--workbook", "plan.xlsx"),
    "process": ("process", "{plan}", "--json"),
    "process again": ("process", "{plan}", "--retry-failed"),
    "undo": ("undo", "{run}", "--json"),
    "stop": ("stop", "{run}"),
    "users": ("users", "{domain}", "--json"),
    "users as CSV": ("users", "{domain}", "--csv", "stolen"),
    "history": ("history", "{customer}", "--json"),
    "history of a domain": ("history", "{domain}", "--json"),
    "explain": ("explain", "{domain}", "{person}", "--json"),
    "schedule": ("schedule", "{domain}"),
    "schedule on": ("schedule", "{domain}", "on"),
    "schedules off": ("schedule", "{customer}", "off"),
    "schedules on": ("schedule", "{customer}", "on"),
    "grant": ("grant", STRANGER, "admin", "{customer}"),
    "grant everything": ("grant", STRANGER, "csm"),
    "roles": ("roles", "{customer}"),
    "revoke": ("revoke", "admin@acme.example", "{customer}", "--last-admin"),
    "export-person": ("export-person", "{customer}", "{person}"),
    "forget-person": ("forget-person", "{customer}", "{person}"),
    "forget-history": ("forget-history", "{customer}"),
    "offboard": ("offboard", "{customer}", "--users", "stay"),
    "offboard a domain": ("offboard", "{domain}", "--users", "archive"),
    "offboard a connection": ("offboard", "{customer}", "--users", "stay", "--connection", "Acme HiBob"),
    "due": ("due",),
    "worker": ("worker",),
    "rotate-key": ("rotate-key",),
    "rotate-key, as if it were lost": ("rotate-key", "--lost"),
    "backup": ("backup", "stolen"),
    "restore": ("restore", "copy.db"),
    "doctor": ("doctor",),
    "verify": ("verify", "--seal", "because"),
}
NAMED = [name for name, words in COMMANDS.items() if {"{customer}", "{domain}", "{set_up}"} & {*words}]
"""What is called by names that one can guess; the numbers of previews and runs are random."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rollcall, Ids]]:
    """Acme after a run, and Globex, whose admin is the stranger."""
    with TinyHiBob(company()) as hibob:
        found = Rollcall(tmp_path_factory.mktemp("hostile") / "data")
        found.set_up(customer(hibob.base_url)).fine()
        theirs = customer(hibob.base_url) | {"customer": {"name": "Globex"}}
        found.set_up(theirs | {"members": [{"email": STRANGER, "role": "admin"}]}).fine()
        plan = found.sync()
        run = found.call("process", plan["plan"], "--json").json
        found.call("workbook", plan["plan"], "plan.xlsx").fine()
        found.call("backup", "copy.db").fine()
        yield found, Ids("Acme", plan["plan"], run["run"], plan["changes"][0]["key"], found.folder)


def asked(house: Rollcall, words: tuple[str, ...], ids: Ids) -> tuple[int, str]:
    """Exit code and words, without what was asked for itself."""
    names = {name: getattr(ids, name) for name in ("customer", "domain", "plan", "run", "person", "set_up")}
    said = house.call(*(each.format(**names) for each in words), by=STRANGER)
    assert said.out == ""
    return said.code, re.sub(rf"{ids.customer}|{ids.plan}|{ids.run}", "NAME", said.err)


def test_every_command_is_tried_below() -> None:
    actions = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert {*actions} == {words[0] for words in COMMANDS.values()} | NOT_ABOUT_A_CUSTOMER  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_admin_of_another_customer_gets_nowhere(house: tuple[Rollcall, Ids], name: str) -> None:
    rollcall, acme = house
    before = dump(rollcall)
    code, said = asked(rollcall, COMMANDS[name], acme)
    assert code in (2, 3)
    assert [each for each in ("Acme", "admin@acme.example", acme.person) if each in said] == []
    assert dump(rollcall) == before
    assert not (rollcall.folder / "stolen").exists()


@pytest.mark.parametrize("name", NAMED)
def test_what_is_anothers_is_answered_as_what_is_not_there(house: tuple[Rollcall, Ids], name: str) -> None:
    rollcall, acme = house
    nobody = Ids("Umbra", "plan-0000000000", "run-0000000000", acme.person, acme.folder)
    assert asked(rollcall, COMMANDS[name], acme) == asked(rollcall, COMMANDS[name], nobody)


def dump(house: Rollcall) -> list[str]:
    with house.database() as db:
        return list(db.iterdump())


def test_a_name_that_is_not_there_is_answered_with_ones_own_alone(house: tuple[Rollcall, Ids]) -> None:
    rollcall, _ = house
    said = rollcall.call("users", "Globex/stuff", by=STRANGER).complaint(2)
    assert "Globex/staff" in said
    assert "Acme" not in said
