"""20,000 people into a SCIM server by a run that is killed again and again, and gone on with.

    PYTHONPATH=.:tests/cli:tests/edge .venv/bin/python benchmarks/kill_and_resume.py [PEOPLE]

Real programs: a HiBob stand-in and scim2-server here, Rollcall's `process` in a process of its own that gets SIGKILL
while it writes, before a request took effect and after. Prints counts; exits 1 unless each external id is there
exactly once, with the values that the preview promised.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from driver import ADMIN, Rollcall, attribute, customer, domain
from scim_servers import DEPARTMENT, EMAIL, TOKEN, Answer, Next, Request, Reset, ScimServer
from tiny_hibob import TinyHiBob, company

ATTRIBUTES = [
    attribute("userName", "root.email", required=True),
    attribute(EMAIL, "root.email"),
    attribute("name.givenName", "root.firstName"),
    attribute("name.familyName", "root.surname"),
    attribute(DEPARTMENT, "humanReadable.work.department"),
]
KILLED_AT = (0.15, 0.4, 0.65, 0.9)
"""When this share of the people is there; every second time after the request took effect."""


class Killer:
    """Kills a process at the first write after so many people are there, before it takes effect or after."""

    def __init__(self) -> None:
        self.victim: subprocess.Popen[bytes] | None = None
        self.there = self.at = 0
        self.after = False

    def __call__(self, request: Request, following: Next) -> Answer:
        if not request.writes:
            return following(request)
        kills = self.victim is not None and self.there >= self.at
        if kills and not self.after:
            self._kill()
            raise Reset
        found = following(request)
        self.there += _created(found)
        if kills:
            self._kill()
            raise Reset
        return found

    def _kill(self) -> None:
        if self.victim is not None:
            self.victim.send_signal(signal.SIGKILL)
            self.victim.wait()
            self.victim = None


def _created(found: Answer) -> int:
    if not isinstance(found.body, dict) or "Operations" not in found.body:
        return int(found.status == 201)
    return sum(str(each.get("status")) == "201" for each in found.body["Operations"])


def main(people: int) -> int:
    killer, began = Killer(), time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        TinyHiBob(company(people)) as hibob,
        ScimServer(killer) as portal,
    ):
        house = Rollcall(Path(folder) / "data", SCIM_TOKEN=TOKEN)
        target = {"scim": portal.base_url, "token": {"env": "SCIM_TOKEN"}}
        staff = domain(*ATTRIBUTES, unique_identifier="userName", target=target)
        house.set_up(customer(hibob.base_url, staff)).fine()
        plan = house.preview()
        house.call("approve", plan["plan"], by=ADMIN).fine()
        print(f"{plan['counts']['add']:,} people to be added")
        _kill_again_and_again(house, plan["plan"], killer, people)
        run = _processed(house, plan["plan"])
        print(f"resumed to the end: {run['status']}, {run['counts']}; {killer.there:,} creates took effect in all")
        wrong = _wrong(portal, plan)
        again = house.preview()
        print(f"the next preview is {again['status']}; {house.call('verify').fine().out.strip().partition(',')[0]}")
        print(f"{time.monotonic() - began:.0f} s in all")
        return int(wrong > 0 or again["status"] != "empty" or run["status"] != "done" or killer.there != people)


def _kill_again_and_again(house: Rollcall, plan: str, killer: Killer, people: int) -> None:
    for turn, share in enumerate(KILLED_AT):
        killer.at, killer.after = int(people * share), turn % 2 == 1
        killer.victim = process = house.start("process", plan)
        process.communicate()
        outcomes = house.sql("SELECT count(*) FROM outcomes")[0][0]
        when = "after" if killer.after else "before"
        print(
            f"killed ({process.returncode}) {when} a request took effect: {killer.there:,} there, {outcomes:,} journalled"
        )


def _processed(house: Rollcall, plan: str) -> Any:
    out, _ = house.start("process", plan, "--json").communicate()
    return json.loads(out)


def _wrong(portal: ScimServer, plan: Any) -> int:
    """How many people are missing, there twice, or not as the preview promised."""
    users = portal.everybody
    times = Counter(each.get("externalId") for each in users)
    promised = {each["key"]: each["after"] for each in plan["changes"]}
    differing = sum(
        each["userName"] != promised[each["externalId"]]["userName"]
        or each["name"]["familyName"] != promised[each["externalId"]]["name.familyName"]
        for each in users
        if each.get("externalId") in promised
    )
    strangers = len(times.keys() - promised.keys())
    missing = len(promised.keys() - times.keys())
    double = sum(count > 1 for count in times.values())
    print(f"{len(users):,} users, {len(times):,} different external ids")
    print(f"missing {missing}, twice {double}, strangers {strangers}, with other values {differing}")
    return missing + double + strangers + differing


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
