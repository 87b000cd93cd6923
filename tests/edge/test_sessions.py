"""Sessions: eight hours from the sign-in, ended everywhere by one sign-out, and roles that groups give."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.errors import Refused, RoleMissing, SettingsError, SignedOut
from provisioning.model import Role
from provisioning.workflow import looking, overseeing, setting_up, signing_in
from provisioning.workflow.house import Workspace, customers_seen, may, member, operator
from provisioning.workflow.signing_in import Ticket

NOW = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
ADMIN = "admin@acme.example"
TICKET = Ticket(ADMIN, "https://id.example", "subject-1", NOW, "first")


class Installation:
    """Two customers, Acme with one admin, and a clock that a test moves."""

    def __init__(self, data: Path) -> None:
        self.data, self.now = data, NOW
        self.houses: list[Workspace] = []
        for name in ("Acme", "Globex"):
            setting_up.set_up(self.house(None), f'[customer]\nname = "{name}"\n')
        setting_up.grant(self.house(None), ADMIN, Role.ADMIN, "Acme")

    def house(self, email: str | None = ADMIN) -> Workspace:
        actor = member(email) if email else operator()
        self.houses.append(Workspace(self.data, {}, actor, lambda: self.now, where="web, 192.0.2.7"))
        return self.houses[-1]

    def comes(self, ticket: Ticket = TICKET, grants: signing_in.Grants | None = None) -> Workspace:
        """Somebody's browser, at any request."""
        house = self.house(ticket.email)
        signing_in.sign_in(house, ticket, grants or {})
        return house

    def told(self, customer: str = "Acme") -> list[tuple[str, str]]:
        return [(each.what, each.who) for each in looking.see_history(self.house(None), customer)]


@pytest.fixture
def rollcall(tmp_path: Path) -> Iterator[Installation]:
    found = Installation(tmp_path)
    yield found
    for house in found.houses:
        if "db" in vars(house):
            house.db.close()


def test_a_session_lasts_eight_hours_from_the_sign_in(rollcall: Installation) -> None:
    rollcall.comes()
    rollcall.now = NOW + timedelta(hours=7, minutes=59, seconds=59)
    rollcall.comes()
    rollcall.now = NOW + timedelta(hours=8)
    with pytest.raises(SignedOut, match="8 hours"):
        rollcall.comes()


def test_a_cookie_that_is_first_seen_late_has_no_new_eight_hours(rollcall: Installation) -> None:
    rollcall.now = NOW + timedelta(hours=8)
    with pytest.raises(SignedOut, match="8 hours"):
        rollcall.comes()


def test_a_token_of_the_future_begins_now(rollcall: Installation) -> None:
    late = replace(TICKET, issued_at=NOW + timedelta(days=400))
    rollcall.comes(late)
    rollcall.now = NOW + timedelta(hours=8, days=400)
    with pytest.raises(SignedOut):
        rollcall.comes(late)


def test_one_sign_out_ends_every_session_of_the_person(rollcall: Installation) -> None:
    here, elsewhere, never_seen = TICKET, replace(TICKET, mark="second"), replace(TICKET, mark="third")
    rollcall.comes(elsewhere)
    rollcall.now += timedelta(minutes=5)
    signing_in.sign_out(rollcall.comes(here))
    for ticket in (here, elsewhere, never_seen):
        with pytest.raises(SignedOut, match="signed out"):
            rollcall.comes(ticket)
    rollcall.comes(replace(TICKET, issued_at=rollcall.now, mark="fourth"))


def test_what_runs_on_another_thread_ends_with_the_session(rollcall: Installation) -> None:
    house = rollcall.comes()
    signing_in.need_membership(house)
    signing_in.sign_out(rollcall.comes())
    with pytest.raises(SignedOut):
        signing_in.need_membership(house)


def test_somebody_elses_sign_out_ends_nothing(rollcall: Installation) -> None:
    signing_in.sign_out(rollcall.comes(Ticket("other@acme.example", "https://id.example", "subject-2", NOW)))
    rollcall.comes()


def test_a_ticket_opens_only_its_own_persons_workspace(rollcall: Installation) -> None:
    with pytest.raises(SignedOut):
        signing_in.sign_in(rollcall.house("other@acme.example"), TICKET, {})


def test_sign_in_and_out_stand_in_the_history_once_with_who_and_from_where(rollcall: Installation) -> None:
    rollcall.comes()
    signing_in.sign_out(rollcall.comes())
    assert rollcall.told()[:2] == [("signed out", ADMIN), ("signed in", ADMIN)]
    events = looking.see_history(rollcall.house(None), "Acme")
    assert events[0].details == {"from": "web, 192.0.2.7"}
    assert all(what not in ("signed in", "signed out") for what, _ in rollcall.told("Globex"))


def test_somebody_without_membership_is_let_in_nowhere(rollcall: Installation) -> None:
    stranger = rollcall.comes(Ticket("stranger@nowhere.example", "https://id.example", "subject-3", NOW))
    with pytest.raises(RoleMissing):
        signing_in.need_membership(stranger)
    assert customers_seen(stranger) == []


# --- groups -----------------------------------------------------------------------------------------------

GRANTS = signing_in.read_grants(
    {"hr": "auditor:Acme", "care": ["csm", "admin:Globex"], "gone": "admin:No such customer"}
)
GROUPED = Ticket("g@acme.example", "https://id.example", "subject-4", NOW, "1", ("hr", "unknown", "gone"))


def test_a_group_gives_its_role_for_its_customer_alone(rollcall: Installation) -> None:
    house = rollcall.comes(GROUPED, GRANTS)
    assert [each.name for each in customers_seen(house)] == ["Acme"]
    assert may(house, "Acme") == frozenset()
    assert ("role given by group", "g@acme.example") in rollcall.told()


def test_the_next_sign_in_decides_anew(rollcall: Installation) -> None:
    rollcall.comes(GROUPED, GRANTS)
    house = rollcall.comes(replace(GROUPED, mark="2", groups=("care",)), GRANTS)
    assert [each.name for each in customers_seen(house)] == ["Acme", "Globex"]
    house = rollcall.comes(replace(GROUPED, mark="3", groups=()), GRANTS)
    assert customers_seen(house) == []
    assert ("role by group ended", "g@acme.example") in rollcall.told()


def test_a_role_by_group_ends_with_the_session(rollcall: Installation) -> None:
    house = rollcall.comes(GROUPED, GRANTS)
    rollcall.now += timedelta(hours=8)
    assert customers_seen(house) == []


def test_a_role_by_group_is_nobodys_in_the_set_up_file(rollcall: Installation) -> None:
    rollcall.comes(GROUPED, GRANTS)
    assert "g@acme.example" not in setting_up.export(rollcall.house(None), "Acme")


@pytest.mark.parametrize("given", ["admin", "auditor:", "boss:Acme", "", 7, ["csm", None], {"role": "admin"}])
def test_a_group_that_gives_nothing_sensible_is_refused(given: object) -> None:
    with pytest.raises(SettingsError, match="hr"):
        signing_in.read_grants({"hr": given})


# --- the last admin ---------------------------------------------------------------------------------------


def test_the_last_admin_leaves_only_when_that_is_said(rollcall: Installation) -> None:
    house = rollcall.house(None)
    for leaving in (
        lambda: setting_up.revoke(house, ADMIN, "Acme"),
        lambda: setting_up.grant(house, ADMIN, Role.AUDITOR, "Acme"),
        lambda: setting_up.set_up(
            house, '[customer]\nname = "Acme"\n[[members]]\nemail = "a@b.example"\nrole = "csm"\n', prune=True
        ),
        lambda: setting_up.set_up(
            house, f'[customer]\nname = "Acme"\n[[members]]\nemail = "{ADMIN}"\nrole = "auditor"\n', prune=False
        ),
        lambda: setting_up.set_up(
            house,
            '[customer]\nname = "Acme"\n[[members]]\nemail = "a@b.example"\nrole = "csm"\n'
            f'[[members]]\nemail = "{ADMIN.upper()}"\nrole = "csm"\n',
        ),
    ):
        with pytest.raises(Refused, match="last admin"):
            leaving()
    assert "approve" in may(rollcall.house(ADMIN), "Acme")
    assert setting_up.revoke(house, ADMIN, "Acme", last_admin=True)
    assert rollcall.told()[0][0] == "role removed"


def test_what_is_taken_from_somebody_is_named_role_by_role_and_they_have_none_then(rollcall: Installation) -> None:
    house = rollcall.comes(GROUPED, GRANTS)
    operator = rollcall.house(None)
    setting_up.grant(operator, GROUPED.email, Role.CSM, "Acme")
    held = [(each.role, each.until is not None) for each in overseeing.roles_seen(house, "Acme") if each.email != ADMIN]
    assert held == [(Role.AUDITOR, True), (Role.CSM, False)]
    setting_up.revoke(operator, GROUPED.email, "Acme")
    taken = next(each for each in looking.see_history(operator, "Acme") if each.what == "role removed")
    assert taken.details["roles"] == ["csm", "auditor"]
    assert [each.email for each in overseeing.roles_seen(operator, "Acme")] == [ADMIN]


def test_an_admin_leaves_when_there_is_another(rollcall: Installation) -> None:
    house = rollcall.house(None)
    setting_up.grant(house, "second@acme.example", Role.ADMIN, "Acme")
    assert setting_up.revoke(house, ADMIN, "Acme")
    assert not setting_up.revoke(house, ADMIN, "Acme")
