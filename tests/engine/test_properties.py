"""What holds for every company: small ones are generated, with clashes and awkward texts, and planned for."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import hypothesis
from build import CATALOGUE, FIELDS, NOW, Row, User, directory, employee, mapped, settings, situation, user
from hypothesis import assume, given
from hypothesis import strategies as st

from provisioning.engine.columns import column_names, resolve_all
from provisioning.engine.mapping import map_all
from provisioning.engine.plan import digest, make_plan
from provisioning.engine.situation import Situation, lay_out
from provisioning.engine.transforms import fold
from provisioning.model import (
    RESERVED_NAMES,
    AbsenceArchives,
    Action,
    Apply,
    Attribute,
    AttributeType,
    BlankPolicy,
    Change,
    Decision,
    Lifecycle,
    Limit,
    Limits,
    Meaning,
    PlanStatus,
    Protection,
    ScopeRule,
    Severity,
    Snapshot,
)
from provisioning.source.people import decode_people

hypothesis.settings.register_profile("engine", derandomize=True, deadline=None, max_examples=30)
some = hypothesis.settings(hypothesis.settings.get_profile("engine"))

# --- companies --------------------------------------------------------------------------------------------------

KEYS = ("1", "2", "3", "4", "5")
SHARED = {
    "identifier": ("E1", "E2", "E3", "E4", "E5", "007", "7", "é", ""),
    "email": ("", "person1@acme.example", "PERSON1@acme.example", "person2@acme.example", "d'arcy@acme.example"),
    "first": ("ada", "Zoë", "Zoe\u0308", ""),
    "last": ("Person 1", "O’Connor", "O'Connor", "李", ""),
    "department": ("", " ", "sales ", "Caf\u00e9", "Cafe\u0301", "=1+1", "null", "\U0001f600", "a\tb", "\u00a0", "No"),
}
OF_EMPLOYEES = SHARED | {
    "lifecycle": ("Terminated", "Terminated", "Hired", "Hired", "Leave", "Leave", "garden leave", "2284915", "", None),
    "start": ("2026-03-01", "2026-03-02", "2026-03-03", "2026-02-31", "soon"),
    "last_day": ("2026-03-01", "2026-03-02"),
    "site": ("London", "Cork"),
    "manager": (*KEYS, "404"),
}
OF_USERS = SHARED | {
    "start": ("2026-03-01", "2026-03-03"),
    "manager": ("E1", "E2"),
    "Portal role": ("Admin",),
}


def mapping(blank: BlankPolicy, apply: Apply, *, required: bool) -> tuple[Attribute, ...]:
    return mapped(
        Attribute("Department", "work.department", blank=blank, required=required, apply=apply),
        Attribute("Start date", "work.startDate", type=AttributeType.DATE, blank=blank),
        Attribute("Manager", "work.reportsTo", type=AttributeType.USER),
        Attribute("Portal role"),
    )


@dataclass(frozen=True)
class Company:
    employees: list[Row]
    users: list[User]
    rest: dict[str, Any]

    def situation(self, users: Sequence[User] | None = None) -> Situation:
        return situation(self.employees, self.users if users is None else users, **self.rest)

    def plan(self, users: Sequence[User] | None = None) -> Decision:
        return make_plan(self.situation(users))


# As Rollcall left them, by hand, archived, linked to somebody else, or for the former record of a person.
ORIGINS = st.sampled_from(
    (
        {},
        {"link": ""},
        {"status": "Archived"},
        {"link": "", "status": "Archived"},
        {"link": "2"},
        {"link": "99", "identifier": "X", "email": ""},
    )
)


def twists(pools: Mapping[str, Sequence[str | None]]) -> st.SearchStrategy[dict[str, Any]]:
    """In what somebody differs from the default: a few of the values in these pools."""
    pairs = [(name, value) for name, pool in pools.items() for value in pool]
    return st.lists(st.sampled_from(pairs), max_size=5).map(dict)


EMPLOYEE_TWISTS, USER_TWISTS = twists(OF_EMPLOYEES), twists(OF_USERS)


@st.composite
def employees(draw: st.DrawFn) -> list[Row]:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, min_size=2, max_size=5))
    return [employee(key, **draw(EMPLOYEE_TWISTS)) for key in keys]


@st.composite
def users(draw: st.DrawFn) -> list[User]:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, min_size=1, max_size=5))
    return [user(key, id=f"u{place}", **(draw(ORIGINS) | draw(USER_TWISTS))) for place, key in enumerate(keys)]


PROTECTIONS = (
    Protection(person="u1"),
    Protection(person="user:u2"),
    Protection(person="3"),
    Protection(person="Person1@Acme.example"),
    Protection(person="E1"),
    Protection(attribute="Department", values=("no", "Café")),
    Protection(attribute="Portal role", values=("Admin",)),
)


@st.composite
def companies(draw: st.DrawFn, limits: Limits = Limits()) -> Company:  # noqa: B008 - frozen
    identifier = draw(st.sampled_from(("Employee ID", "Employee ID", "Email")))
    scope = draw(st.sampled_from(((), (ScopeRule(True, "work.site", ("london",)),))))
    return Company(
        draw(employees()),
        draw(users()),
        {
            "attributes": mapping(
                draw(st.sampled_from(BlankPolicy)), draw(st.sampled_from(Apply)), required=draw(st.booleans())
            ),
            "settings": settings(
                unique_identifier=identifier,
                scope=scope,
                absence_archives=draw(st.sampled_from(AbsenceArchives)),
                lifecycle=Lifecycle((("2284915", draw(st.sampled_from(Meaning))),)),
                protected=tuple(draw(st.lists(st.sampled_from(PROTECTIONS), max_size=2, unique=True))),
                limits=limits,
            ),
            "members": ("person1@acme.example",),
            "seats": draw(st.sampled_from((None, 0, 2))),
        },
    )


def apply(users: Sequence[User], changes: Sequence[Change]) -> list[User]:
    """The directory after all of these changes, done the plainest way."""
    after = {each.id: each for each in users}
    for change in changes:
        old = User(f"new-{change.key}") if change.action is Action.ADD else after[change.user_id or ""]
        values = {name: value or "" for name, value in change.after.items() if name not in RESERVED_NAMES}
        after[old.id] = User(
            old.id,
            change.after.get("external_id", old.link) or "",
            change.after.get("status", old.status) or "",
            {**old.attributes, **values},
        )
    return list(after.values())


def taken(decision: Decision) -> bool:
    return any(each.code == "identifier-taken" for each in decision.held)


# --- settling -------------------------------------------------------------------------------------------------------


@some
@given(companies())
def test_planning_after_a_complete_run_gives_no_changes(company: Company) -> None:
    people, decision = company.users, company.plan()
    rounds = 0
    while taken(decision) and decision.changes and rounds < 5:
        # Who waited for an identifier that this run freed may follow in the next.
        people, rounds = apply(people, decision.changes), rounds + 1
        decision = company.plan(people)
    again = company.plan(apply(people, decision.changes))
    assert again.changes == ()
    assert again.status in (PlanStatus.EMPTY, PlanStatus.BLOCKED)


@some
@given(companies(), st.randoms(use_true_random=False))
def test_the_order_of_rows_on_either_side_changes_nothing(company: Company, random: Any) -> None:
    shuffled = Company(
        random.sample(company.employees, len(company.employees)),
        random.sample(company.users, len(company.users)),
        company.rest,
    )
    one, other = company.plan(), shuffled.plan()
    assert one.digest == other.digest
    assert [each.code for each in one.findings] == [each.code for each in other.findings]
    assert one.held == other.held
    assert one.changes == other.changes
    assert one.counts == other.counts
    assert one.baseline == other.baseline


# --- the digest -------------------------------------------------------------------------------------------------------


@some
@given(companies(), st.data())
def test_the_digest_changes_with_any_value_of_any_change(company: Company, data: st.DataObject) -> None:
    now, decision = company.situation(), company.plan()
    assume(decision.changes)
    place = data.draw(st.integers(0, len(decision.changes) - 1))
    change = decision.changes[place]
    side = data.draw(st.sampled_from([name for name in ("before", "after") if getattr(change, name)]))
    values = dict(getattr(change, side))
    name = data.draw(st.sampled_from(sorted(values)))
    other = data.draw(st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=5)))
    assume(other != values[name])
    changes = list(decision.changes)
    changes[place] = replace(change, **{side: {**values, name: other}})
    assert digest(now.domain, changes) != decision.digest


@some
@given(companies(), st.sampled_from(["mapping_version", "settings_version"]), st.integers(1, 9))
def test_the_digest_changes_with_the_versions_of_mapping_and_settings(company: Company, version: str, by: int) -> None:
    now = company.situation()
    later = replace(now, domain=replace(now.domain, **{version: getattr(now.domain, version) + by}))
    assert make_plan(later).digest != make_plan(now).digest


# --- counts -------------------------------------------------------------------------------------------------------------


@some
@given(companies())
def test_the_counts_add_up(company: Company) -> None:
    now, decision = company.situation(), company.plan()
    assert set(decision.counts) == {*Action, "held", "unchanged"}
    per_action = Counter(change.action for change in decision.changes)
    assert all(decision.counts[action] == per_action[action] for action in Action)
    assert decision.counts["held"] == len(decision.held)
    people = lay_out(now)
    row_of = {key: row for row, key in enumerate(people.keys)}
    held_users = {
        people.user_ids[people.matches.user[row_of[each.key]]] if each.key in row_of else each.key.removeprefix("user:")
        for each in decision.held
        if each.key not in row_of or people.matches.user[row_of[each.key]] >= 0
    }
    touched = {change.user_id for change in decision.changes if change.user_id} | held_users
    assert decision.counts["unchanged"] + len(touched) == len(company.users)


@some
@given(companies())
def test_everybody_who_was_read_is_counted_somewhere(company: Company) -> None:
    decision = company.plan()
    proved = decision.evidence
    assert proved is not None
    assert proved.needless is not None
    assert proved.elsewhere is not None
    touched = {each.key for each in (*decision.changes, *decision.held)}
    told = len(touched) + decision.counts["unchanged"] + proved.needless
    assert told == len(company.situation().employees.table) + proved.elsewhere


@some
@given(companies())
def test_everybody_is_held_once_and_nobody_is_both_held_and_changed(company: Company) -> None:
    decision = company.plan()
    held = [each.key for each in decision.held]
    assert len(held) == len(set(held))
    changed = [change.key for change in decision.changes if change.action is not Action.LINK]
    assert not set(held) & set(changed)
    assert len(changed) == len(set(changed))


@some
@given(companies())
def test_a_change_holds_what_changes_and_what_the_user_was_seen_with(company: Company) -> None:
    users = {each.id: each for each in company.users}
    linked: dict[str, str] = {}
    for change in company.plan().changes:
        if change.action is Action.ADD:
            assert change.user_id is None
            assert change.before == {}
            assert change.after["external_id"] == change.key
            continue
        someone = users[change.user_id or ""]
        assert set(change.before) == set(change.after)
        assert all(change.before[name] != change.after[name] for name in change.after)
        assert change.seen is not None
        assert change.seen.status == someone.status
        assert change.seen.external_id == linked.get(someone.id, someone.link)
        assert all(someone.attributes.get(name, "") == value for name, value in change.seen.attributes.items())
        if change.action is Action.LINK:
            linked[someone.id] = change.key


HELD_CODES = {
    "duplicate-id", "disputed", "required-blank", "unreadable", "identifier-taken", "future-starter", "on-leave",
    "protected", "same-person",
}  # fmt: skip

FINDING_CODES = {
    "no-employees", "head-count", "column-absent", "column-emptied", "identifiers-swapped", "limit-archive",
    "limit-archive-7-days", "limit-update", "limit-add", "limit-reactivate", "limit-blank", "self-archive", "seats",
    "same-person", "two-domains", "unknown-lifecycle", "absent", "nobody-in-scope",
}  # fmt: skip


@some
@given(companies(limits=Limits(update=Limit(number=1), add=Limit(number=1), reactivate=Limit(number=1))))
def test_every_block_says_what_it_counted_and_every_code_is_known(company: Company) -> None:
    decision = company.plan()
    assert {each.code for each in decision.held} <= HELD_CODES
    assert {each.code for each in decision.findings} <= FINDING_CODES
    for each in decision.findings:
        assert each.message
        assert each.remedy
        if each.severity is Severity.BLOCK:
            assert {"counted", "limit", "of"} <= set(each.numbers)
    blocked = any(each.severity is Severity.BLOCK for each in decision.findings)
    expected = PlanStatus.BLOCKED if blocked else PlanStatus.READY if decision.changes else PlanStatus.EMPTY
    assert decision.status is expected


# --- who is left alone ----------------------------------------------------------------------------------------------------


@some
@given(companies())
def test_archived_users_are_reactivated_or_linked_and_never_updated(company: Company) -> None:
    status = {each.id: each.status for each in company.users}
    for change in company.plan().changes:
        if status.get(change.user_id or "") == "Archived":
            assert change.action in (Action.REACTIVATE, Action.LINK)
        else:
            assert change.action is not Action.REACTIVATE


@some
@given(companies(), st.lists(st.sampled_from(PROTECTIONS), min_size=1, max_size=4, unique=True))
def test_nobody_protected_is_ever_archived(company: Company, rules: list[Protection]) -> None:
    asked = company.rest | {"settings": replace(company.rest["settings"], protected=tuple(rules))}
    users = {each.id: each for each in company.users}
    named = {fold(each.person) for each in rules if each.person}
    by_value = [(each.attribute, {fold(value) for value in each.values}) for each in rules if each.attribute]
    identifier = asked["settings"].unique_identifier
    for change in Company(company.employees, company.users, asked).plan().changes:
        if change.action is Action.ARCHIVE:
            someone = users[change.user_id or ""]
            names = {change.key, someone.id, f"user:{someone.id}", someone.attributes["Email"]}
            names.add(someone.attributes[identifier])
            assert not {fold(name) for name in names if name} & named
            assert not any(fold(someone.attributes.get(name, "")) in values for name, values in by_value)


@some
@given(companies())
def test_an_answer_without_people_archives_and_changes_nobody(company: Company) -> None:
    decision = Company([], company.users, company.rest).plan()
    assert decision.changes == ()
    assert decision.status is PlanStatus.BLOCKED
    assert decision.counts["unchanged"] == len(company.users)


# --- whatever HiBob may put into a field -----------------------------------------------------------------------------------

LEAVES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**25)
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(SHARED["department"])
    | st.sampled_from(["2026-03-02", "31/02/2026", "1e5", "1e99", "-0", "yes", "٣", "\ud800", "\x00", "1" * 400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "value", "email", "currency", "\U0001f600"]), inner, max_size=3)
    ),
    max_leaves=6,
)
READ = tuple(FIELDS.values())
EVERY_TYPE = tuple(
    Attribute(f"{kind.value} of {name}", column, type=kind, options=("Sales",) if kind is AttributeType.LIST else ())
    for name, column in (
        ("text", "work.site"),
        ("list", "humanReadable.work.department"),
        ("date", "work.startDate"),
        ("manager", "work.reportsTo"),
        ("contractor", "humanReadable.work.custom.contractor"),
    )
    for kind in AttributeType
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """An answer of people/search whose leaves, and sometimes the steps to them, hold anything at all."""
    people = []
    for number in range(draw(st.integers(1, 3))):
        person: dict[str, Any] = {"id": str(number)}
        for field in ("work.site", "work.department", "work.startDate", "work.reportsTo", "work.custom.contractor"):
            for where in draw(st.lists(st.sampled_from(["slash", "nested", "human"]), unique=True)):
                _put(person, where, field, draw(LEAVES))
        for step in draw(st.lists(st.sampled_from(["work", "internal", "humanReadable", "employee"]), max_size=1)):
            person[step] = draw(LEAVES)
        people.append(person)
    return json.dumps({"employees": people}).encode()


def _put(person: dict[str, Any], where: str, field: str, leaf: object) -> None:
    if where == "slash":
        person["/" + field.replace(".", "/")] = {"value": leaf}
        return
    place: dict[str, Any] = person.setdefault("humanReadable", {}) if where == "human" else person
    *steps, last = field.split(".")
    for step in steps:
        place = place.setdefault(step, {})
    place[last] = leaf


def _maps(read: Snapshot) -> None:
    attributes = mapped(*EVERY_TYPE)
    columns = resolve_all(CATALOGUE, column_names(attributes, ()))
    for each in map_all(attributes, columns, read.table, "Employee ID").values():
        assert len(each.values) == read.table.num_rows
        assert all(isinstance(value, str) for value in each.values.to_pylist())
        assert set(each.problems) <= set(range(read.table.num_rows))


@some
@given(answers())
def test_whatever_a_field_holds_mapping_and_planning_never_raise(body: bytes) -> None:
    read = decode_people(body, READ, NOW)
    _maps(read)
    attributes = mapped(*EVERY_TYPE)
    now = replace(situation(attributes=attributes), employees=read, users=directory([User("u1", "0")]))
    assert make_plan(now).counts["unchanged"] <= 1


def test_a_value_nested_beyond_reason_concerns_one_person_and_not_the_read() -> None:
    for depth in (10, 100, 400):
        leaf = "[" * depth + '"x"' + "]" * depth
        body = (
            f'{{"employees": [{{"id": "1", "work": {{"site": {leaf}}}}}, {{"id": "2", "work": {{"site": "Cork"}}}}]}}'
        )
        read = decode_people(body.encode(), READ, NOW)
        _maps(read)
        assert read.table["work.site"].to_pylist()[1] == "Cork"


def test_a_key_that_is_no_text_concerns_one_person_and_not_the_read() -> None:
    read = decode_people(b'{"employees": [{"id": "1", "work": {"\\ud800": 1}}, {"id": "2"}]}', READ, NOW)
    assert read.table["root.id"].to_pylist() == ["1", "2"]
