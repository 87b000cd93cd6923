"""Plans, approvals and what the next plan is compared with: stored and read again, they are equal to the letter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import NOW, database, make_domain

from provisioning.database import Database
from provisioning.errors import NotFound
from provisioning.model import (
    Absence,
    Action,
    Approval,
    Baseline,
    Change,
    Decision,
    Domain,
    Finding,
    Held,
    Plan,
    PlanStatus,
    Seen,
    Severity,
    Status,
)
from provisioning.store.approvals import get_approval, save_approval
from provisioning.store.customers import domain_by_id
from provisioning.store.decisions import DecisionKind, PersonDecision, decide, decisions_made, forget_decisions
from provisioning.store.plans import (
    drop_old_baselines,
    get_absences,
    get_baseline,
    get_plan,
    recent_plans,
    save_plan,
    take_baseline,
)

ADMIN = "admin@acme.example"
AWKWARD = "  O’Connor “=1+1”, \n\t\0 '; DROP TABLE plans; -- 李 😀 Zoe\u0308 \u202e null"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path / "rollcall.db") as opened:
        make_domain(opened)
        yield opened


@pytest.fixture
def domain(db: Database) -> Domain:
    return domain_by_id(db, 1)


def decision(*changes: Change, held: tuple[Held, ...] = (), findings: tuple[Finding, ...] = ()) -> Decision:
    return Decision(
        status=PlanStatus.READY if changes else PlanStatus.EMPTY,
        digest="9f2c4b7d1e0a8f63" * 4,
        counts={action.value: sum(each.action is action for each in changes) for action in Action} | {"unchanged": 3},
        findings=findings,
        changes=changes,
        held=held,
        baseline=Baseline(("1001", "1002"), {"root.email": 2, AWKWARD: 0}),
        absences={},
    )


def update(key: str = "1001", text: str = AWKWARD) -> Change:
    seen = Seen(Status.LIVE, key, {"Employee ID": "00017", "Department": text})
    return Change(
        key, Action.UPDATE, f"Department {text}", {"Department": text}, {"Department": None}, "U1", seen, text
    )


def add(key: str = "3980342332732998349", **after: str | None) -> Change:
    return Change(key, Action.ADD, "Employed.", {}, {"status": "Live", "external_id": key, **after})


def archive(key: str = "user:U00000007") -> Change:
    seen = Seen(Status.LIVE, "", {})
    return Change(key, Action.ARCHIVE, "Gone.", {"status": "Live"}, {"status": "Archived"}, "U00000007", seen)


FULL = decision(
    add(Department=AWKWARD),
    update(),
    archive(),
    held=(Held("1", "duplicate-id", AWKWARD, AWKWARD), Held("1", "disputed", "twice held", "")),
    findings=(
        Finding("limit-archive", Severity.BLOCK, AWKWARD, "", {"counted": 3, "limit": 3, "of": 19}, ("1", AWKWARD)),
        Finding("seats", Severity.WARN, "m", "r"),
    ),
)


def save(db: Database, domain: Domain, made: Decision = FULL, at: datetime = NOW) -> str:
    return save_plan(db, domain, made, ADMIN, at, at - timedelta(seconds=1, microseconds=5))


# --- plans ------------------------------------------------------------------------------------------------


def test_a_plan_comes_back_equal(db: Database, domain: Domain) -> None:
    plan_id = save(db, domain)
    assert get_plan(db, plan_id) == Plan(
        id=plan_id,
        domain_id=domain.id,
        domain="Acme/staff",
        made_at=NOW,
        read_at=NOW - timedelta(seconds=1, microseconds=5),
        by=ADMIN,
        mapping_version=1,
        settings_version=1,
        attributes=("Employee ID", "Department"),
        status=PlanStatus.READY,
        digest=FULL.digest,
        counts=FULL.counts,
        findings=FULL.findings,
        changes=FULL.changes,
        held=FULL.held,
    )


def test_an_empty_plan_comes_back_equal(db: Database, domain: Domain) -> None:
    plan = get_plan(db, save(db, domain, decision()))
    assert (plan.status, plan.changes, plan.held, plan.findings) == (PlanStatus.EMPTY, (), (), ())


def test_the_order_of_the_people_is_kept(db: Database, domain: Domain) -> None:
    changes = tuple(add(str(key)) for key in (10, 9, 1001, 2, 100))
    held = tuple(Held(str(key), "disputed", "x") for key in (3, 20, 1))
    plan = get_plan(db, save(db, domain, decision(*changes, held=held)))
    assert (plan.changes, plan.held) == (changes, held)


def test_no_value_and_an_empty_value_are_kept_apart(db: Database, domain: Domain) -> None:
    changes = (add("1", Department=None), add("2", Department=""), replace(update("3"), before={}, after={}))
    assert get_plan(db, save(db, domain, decision(*changes))).changes == changes


def test_times_of_any_zone_are_the_same_moment(db: Database, domain: Domain) -> None:
    at = NOW.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    plan = get_plan(db, save(db, domain, at=at))
    assert plan.made_at == NOW
    assert plan.made_at.tzinfo is UTC


def test_a_plan_shows_the_mapping_that_it_was_made_with(db: Database, domain: Domain) -> None:
    own = replace(domain.attributes[1], data_feed_name=None)
    plan = get_plan(db, save(db, replace(domain, attributes=(domain.attributes[0], own), mapping_version=4)))
    assert (plan.attributes, plan.mapping_version) == (("Employee ID",), 4)


def test_every_plan_has_an_id_of_its_own_and_the_latest_is_known(db: Database, domain: Domain) -> None:
    assert recent_plans(db, domain.id, 1) == []
    others = {save(db, domain, at=NOW + timedelta(seconds=each)) for each in range(3)}
    newest = save(db, domain, at=NOW - timedelta(minutes=2))  # whatever the clock said
    assert len({newest, *others}) == 4
    assert [each.id for each in recent_plans(db, domain.id, 1)] == [newest]


def test_a_plan_that_is_not_there_is_named(db: Database) -> None:
    with pytest.raises(NotFound, match="“plan-0”"):
        get_plan(db, "plan-0")


def test_a_plan_that_cannot_be_stored_whole_is_not_stored(db: Database, domain: Domain) -> None:
    twice = replace(FULL, absences={"U1": Absence(1, NOW), "U2": Absence(None, NOW)})  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        save(db, domain, twice)
    assert recent_plans(db, domain.id, 1) == []
    assert db.all("SELECT * FROM changes") == []


TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.dictionaries(TEXTS, st.none() | TEXTS, max_size=3)
SEEN = st.builds(Seen, st.sampled_from(Status), TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3))
CHANGES = st.builds(
    Change, TEXTS, st.sampled_from(Action), TEXTS, VALUES, VALUES, st.none() | TEXTS, st.none() | SEEN, TEXTS
)
HELD = st.builds(Held, TEXTS, TEXTS, TEXTS, TEXTS)
FINDINGS = st.builds(
    Finding, TEXTS, st.sampled_from(Severity), TEXTS, TEXTS, st.dictionaries(TEXTS, st.integers(-(2**63), 2**63 - 1)),
    st.lists(TEXTS, max_size=3).map(tuple),
)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with database(tmp_path_factory.mktemp("shared") / "rollcall.db") as opened:
        make_domain(opened)
        yield opened


@settings(max_examples=50)
@given(st.lists(CHANGES, max_size=3), st.lists(HELD, max_size=2), st.lists(FINDINGS, max_size=2))
def test_any_plan_comes_back_equal(
    shared: Database, changes: list[Change], held: list[Held], findings: list[Finding]
) -> None:
    made = decision(*changes, held=tuple(held), findings=tuple(findings))
    plan = get_plan(shared, save(shared, domain_by_id(shared, 1), made))
    assert (plan.changes, plan.held, plan.findings) == (made.changes, made.held, made.findings)


# --- approvals --------------------------------------------------------------------------------------------


def test_an_approval_comes_back_equal(db: Database, domain: Domain) -> None:
    plan_id = save(db, domain)
    approval = Approval(
        plan_id, FULL.digest, ADMIN, NOW, (AWKWARD, "1001"), {"limit-archive": AWKWARD, "seats": "ok"}, True, AWKWARD
    )
    save_approval(db, approval)
    assert get_approval(db, plan_id) == approval


def test_a_plan_without_approval_has_none(db: Database, domain: Domain) -> None:
    assert get_approval(db, save(db, domain)) is None


def test_the_latest_approval_is_in_force_and_only_for_its_plan(db: Database, domain: Domain) -> None:
    first, second = save(db, domain), save(db, domain)
    for plan_id, by in ((first, "one"), (second, "two"), (first, "three")):
        save_approval(db, Approval(plan_id, FULL.digest, by, NOW))
    found = get_approval(db, first), get_approval(db, second)
    assert [each.by for each in found if each] == ["three", "two"]
    assert found[1] == Approval(second, FULL.digest, "two", NOW)


# --- what the next plan is compared with ------------------------------------------------------------------


def test_a_read_becomes_the_baseline_only_when_it_is_taken(db: Database, domain: Domain) -> None:
    plan_id = save(db, domain)
    assert get_baseline(db, domain.id) is None
    take_baseline(db, plan_id)
    assert get_baseline(db, domain.id) == FULL.baseline


def test_the_next_baseline_replaces_the_last(db: Database, domain: Domain) -> None:
    later = replace(FULL, baseline=Baseline((), {}))
    for made in (FULL, later):
        take_baseline(db, save(db, domain, made))
    assert get_baseline(db, domain.id) == later.baseline


def test_a_baseline_outlives_the_reads_of_plans_too_old_to_approve(db: Database, domain: Domain) -> None:
    old, new = save(db, domain), save(db, domain, at=NOW + timedelta(days=1))
    take_baseline(db, old)
    drop_old_baselines(db, domain.id, NOW + timedelta(hours=1))
    assert get_baseline(db, domain.id) == FULL.baseline
    take_baseline(db, old)  # has nothing to give any more, and must not take anything away
    assert get_baseline(db, domain.id) == FULL.baseline
    take_baseline(db, new)
    assert get_baseline(db, domain.id) == FULL.baseline
    assert get_plan(db, old).changes == FULL.changes


def test_a_baseline_as_long_as_the_head_count_comes_back_equal(db: Database, domain: Domain) -> None:
    baseline = Baseline(tuple(str(3980342332732998349 + n) for n in range(20_000)), {"root.email": 20_000})
    take_baseline(db, save(db, domain, replace(FULL, baseline=baseline)))
    assert get_baseline(db, domain.id) == baseline


def test_absences_are_those_of_the_last_plan(db: Database, domain: Domain) -> None:
    first = {"U1": Absence(1, NOW), AWKWARD: Absence(3, NOW - timedelta(microseconds=1))}
    save(db, domain, replace(FULL, absences=first))
    assert get_absences(db, domain.id) == first
    save(db, domain, replace(FULL, absences={"U2": Absence(1, NOW)}))
    assert get_absences(db, domain.id) == {"U2": Absence(1, NOW)}


def test_protected_people_are_remembered_once(db: Database, domain: Domain) -> None:
    plan = get_plan(db, save(db, domain))
    assert decisions_made(db, domain.id) == []
    for _ in range(2):
        decide(db, domain.id, protected("user:U1", AWKWARD), ADMIN, NOW, plan.id)
    assert [(each.kind, each.key, each.by) for each in decisions_made(db, domain.id)] == [
        ("protect", key, ADMIN) for key in sorted(["user:U1", AWKWARD])
    ]


def test_a_decision_takes_the_place_of_the_one_it_contradicts(db: Database, domain: Domain) -> None:
    plan = get_plan(db, save(db, domain))
    for kind, other in ((DecisionKind.PROTECT, ""), (DecisionKind.MOVE, "alumni"), (DecisionKind.MOVE, "board")):
        decide(db, domain.id, [PersonDecision(kind, "1001", other)], ADMIN, NOW, plan.id)
    assert [(each.kind, each.other) for each in decisions_made(db, domain.id)] == [("move", "board")]
    for other in ("U1", "U2"):
        decide(db, domain.id, [PersonDecision(DecisionKind.NOT_SAME, "1002", other)], ADMIN, NOW, plan.id)
    decide(db, domain.id, [PersonDecision(DecisionKind.SAME, "1002", "U1")], ADMIN, NOW, plan.id)
    about = [(each.kind, each.other) for each in decisions_made(db, domain.id) if each.key == "1002"]
    assert about == [("same", "U1")]


def test_what_was_decided_can_be_taken_back(db: Database, domain: Domain) -> None:
    plan = get_plan(db, save(db, domain))
    decide(db, domain.id, protected("1001", "1002"), ADMIN, NOW, plan.id)
    forget_decisions(db, domain.id, ["1001"])
    assert [each.key for each in decisions_made(db, domain.id)] == ["1002"]


def protected(*keys: str) -> list[PersonDecision]:
    return [PersonDecision(DecisionKind.PROTECT, key) for key in keys]


def test_another_domain_has_plans_baselines_absences_and_decisions_of_its_own(db: Database, domain: Domain) -> None:
    other = make_domain(db, "alumni")
    plan_id = save(db, domain, replace(FULL, absences={"U1": Absence(1, NOW)}))
    take_baseline(db, plan_id)
    decide(db, domain.id, protected("1001"), ADMIN, NOW, plan_id)
    save(db, other, decision())
    assert get_absences(db, domain.id) == {"U1": Absence(1, NOW)}
    assert get_absences(db, other.id) == {}
    assert get_baseline(db, other.id) is None
    assert decisions_made(db, other.id) == []
    assert [each.id for each in recent_plans(db, domain.id, 1)] == [plan_id]
