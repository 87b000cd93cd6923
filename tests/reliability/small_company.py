"""A company of sixteen on its third day, with everything a run can do in it; its directory, ours or a portal; and the
end that a run nobody disturbs comes to."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Self

import pytest
import tiny_hibob
from driver import ADMIN, ATTRIBUTES, Rollcall, attribute, customer, domain
from fault_matrix import BULK, LOCAL
from scim_servers import DEPARTMENT, EMAIL, MANAGER, TOKEN, Request, ScimServer, _Handler, _Server
from tiny_hibob import TinyHiBob, key_of

from provisioning.target.scim_pace import Pace
from provisioning.workflow.house import Workspace

Essence = dict[str, dict[str, str]]
"""What matters of a directory: external id → status and values."""

CHUNK = 4
IN_PORTAL = [
    attribute("userName", "root.email", required=True),
    attribute(EMAIL, "root.email"),
    attribute("name.givenName", "root.firstName"),
    attribute("name.familyName", "root.surname"),
    attribute(DEPARTMENT, "humanReadable.work.department"),
    attribute(MANAGER, "work.manager", type="user"),
]
HERE = [*ATTRIBUTES, attribute("Manager", "work.manager", type="user")]


class HiBob(TinyHiBob):
    """Goes away and comes back at the same address. Says nothing of callers who went away."""

    def __enter__(self) -> Self:
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        return super().__enter__()

    def go_away(self) -> None:
        self.close()

    def come_back(self) -> None:
        address = self._server.server_address
        self._server = type(self._server)(address, tiny_hibob._Handler)
        self._server.daemon_threads = True
        self._server.hibob = self  # type: ignore[attr-defined]
        self.__enter__()


class Portal(ScimServer):
    """scim2-server; goes away and comes back at the same address."""

    def __init__(self, bulk: bool = False) -> None:
        super().__init__(bulk=bulk)

    def __enter__(self) -> Self:
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        return super().__enter__()

    def go_away(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def come_back(self) -> None:
        self._server = _Server(self._server.server_address[:2], _Handler)
        self._server.owner = self
        self.__enter__()

    def essence(self) -> Essence:
        everybody = self.everybody
        names = {each["id"]: str(each.get("externalId")) for each in everybody}
        found = {str(each.get("externalId")): _essence(each, names) for each in everybody}
        assert len(found) == len(everybody), "somebody is there twice"
        return found


def _essence(user: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    work = user.get(DEPARTMENT.rpartition(":")[0], {})
    boss = work.get("manager", {}).get("value", "")
    return {
        "status": "Live" if user["active"] else "Archived",
        "userName": user["userName"],
        "email": ", ".join(each["value"] for each in user.get("emails", [])),
        "name": " ".join(user["name"].values()),
        "department": work.get("department", ""),
        "manager": names.get(boss, boss),
    }


def first_day(hibob: TinyHiBob) -> None:
    hibob.people = {}
    for number in range(1, 17):
        hibob.join(number, **({"manager": key_of(number - 1)} if number % 3 == 0 else {}))


def third_day(hibob: TinyHiBob) -> None:
    """Joiners who manage each other, movers, leavers, and one who comes back."""
    hibob.join(21, manager=key_of(22))
    hibob.join(22, manager=key_of(21))
    hibob.join(23, manager=key_of(4))
    hibob.join(24)
    hibob.change(1, surname="Newname")
    hibob.change(2, department="209192161")
    hibob.change(4, email="moved4@acme.example")
    hibob.change(7, first_name="Other", manager=key_of(8))
    hibob.change(10, status="terminated")
    hibob.forget(11)
    hibob.change(16, status="employed")


@dataclass
class Stage:
    """Both neighbours, and an installation on its third day that can be copied. `before`, `after`: the directory before
    the run and after an undisturbed one; `writes`: (method, changed people) that it took."""

    target: str
    hibob: HiBob
    portal: Portal
    folder: Path
    resources: list[Any] = field(default_factory=list)
    people: dict[str, Any] = field(default_factory=dict)
    before: Essence = field(default_factory=dict)
    after: Essence = field(default_factory=dict)
    writes: list[Request] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        (self.folder / "template").mkdir()
        house = Rollcall(self.folder / "template" / "data", SCIM_TOKEN=TOKEN)
        first_day(self.hibob)
        house.set_up(customer(self.hibob.base_url, self._domain())).fine()
        house.sync()
        self.hibob.change(16, status="terminated")
        house.sync()
        third_day(self.hibob)
        house.sql("UPDATE connections SET metadata_at = '2020-01-01T00:00:00.000000Z'")
        house.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.people = {key: dict(person) for key, person in self.hibob.people.items()}
        self.resources = [each.model_copy(deep=True) for each in self.portal.storage.resources]
        self.before = self.essence(house)
        undisturbed = self.house(self.folder / "undisturbed")
        self.portal.forget()
        plan = undisturbed.preview()
        with pytest.MonkeyPatch.context() as monkeypatch:
            one_by_one(monkeypatch)
            self._undisturbed(undisturbed, plan)

    def _undisturbed(self, undisturbed: Rollcall, plan: dict[str, Any]) -> None:
        self.keys = [each["key"] for each in plan["changes"]]
        assert undisturbed.approve_and_process(plan)["status"] == "done"
        self.writes = self.portal.writes
        self.after = self.essence(undisturbed)

    def _domain(self) -> dict[str, Any]:
        if self.target == LOCAL:
            return domain(*HERE)
        target = {"scim": self.portal.base_url, "token": {"env": "SCIM_TOKEN"}}
        return domain(*IN_PORTAL, unique_identifier="userName", target=target)

    def house(self, folder: Path) -> Rollcall:
        """The installation as it was on the third day, and its neighbours as they were."""
        shutil.copytree(self.folder / "template", folder, dirs_exist_ok=True)
        self.hibob.people = {key: dict(person) for key, person in self.people.items()}
        self.hibob.fault, self.hibob.fault_on, self.hibob.headers = None, "", {}
        self.hibob.meanwhile = lambda path: None
        self.portal.storage.resources = [each.model_copy(deep=True) for each in self.resources]
        self.portal.twists, self.portal.requests = [], []
        return Rollcall(folder / "data", SCIM_TOKEN=TOKEN)

    def essence(self, house: Rollcall) -> Essence:
        if self.target != LOCAL:
            return self.portal.essence()
        users = house.sql("SELECT external_id, status, attributes FROM users")
        found = {str(link): {"status": status} | json.loads(values) for link, status, values in users}
        assert len(found) == len(users), "somebody is there twice"
        return found

    def wrong(self, now: Essence) -> list[str]:
        """Who is neither as before the run nor as after it. A reference may come later than the rest."""
        strangers = sorted(now.keys() - self.after.keys())
        lost = sorted(self.before.keys() - now.keys())
        return strangers + lost + [key for key in now.keys() & self.after.keys() if not self._fits(key, now[key])]

    def _fits(self, key: str, now: Mapping[str, str]) -> bool:
        old, new = self.before.get(key, {}), self.after[key]
        late = {name: old.get(name, "") for name in new if name == "manager"}
        return now in (old, new, {**new, **late})


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes to the portal follow each other: side by side, it is chance whether a manager is there in time to need no
    write of their own."""
    monkeypatch.setitem(Pace.__init__.__kwdefaults__, "width", 1)


def with_clock(monkeypatch: pytest.MonkeyPatch, clock: Callable[[], datetime]) -> None:
    """Every installation that is opened from now on has this clock."""
    optional = [each for each in signature(Workspace).parameters.values() if each.default is not Parameter.empty]
    defaults = tuple(clock if each.name == "clock" else each.default for each in optional)
    assert clock in defaults
    monkeypatch.setattr(Workspace.__init__, "__defaults__", defaults)


def go_on(house: Rollcall, plan: str | None) -> list[str]:
    """What a person does after a run that was disturbed: resume it, retry who failed (once), and preview again until
    there is nothing left to do. Gives the ways that were needed."""
    ways: list[str] = []
    for _ in range(8):
        if plan is None:
            made = house.preview()
            if made["status"] == "empty":
                assert house.call("verify").fine()
                return ways
            ways.append("new preview")
            plan = str(made["plan"])
            house.call("approve", plan, by=ADMIN).fine()
        plan = _next_step(house, plan, ways)
    raise AssertionError(f"it does not come to an end: {ways}")


def _next_step(house: Rollcall, plan: str, ways: list[str]) -> str | None:
    rows = house.sql("SELECT status FROM runs WHERE plan_id = ? ORDER BY rowid DESC", plan)
    if not rows or rows[0][0] in ("running", "stopped"):
        ways += ["resumed"] if rows else []
        said = house.call("process", plan, "--json")
        assert said.code in (0, 4), said
        return plan if said.code else None
    if rows[0][0] == "partial" and len(rows) == 1 and _failed(house, plan):
        ways.append("retried")
        said = house.call("process", plan, "--retry-failed", "--json")
        assert said.code in (0, 4), said
        return plan if said.code else None
    return None


def _failed(house: Rollcall, plan: str) -> int:
    return int(
        house.sql(
            "SELECT count(*) FROM outcomes WHERE result = 'failed' AND run_id = "
            "(SELECT id FROM runs WHERE plan_id = ? ORDER BY rowid DESC LIMIT 1)",
            plan,
        )[0][0]
    )


@contextmanager
def stage(target: str, folder: Path) -> Iterator[Stage]:
    with HiBob([]) as hibob, Portal(bulk=target == BULK) as portal:
        made = Stage(target, hibob, portal, folder)
        made.prepare()
        yield made
