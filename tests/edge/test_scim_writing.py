"""What happens when a write goes wrong at a SCIM server: nothing is lost, nothing is done twice, and people are told."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from scim_servers import (
    DEPARTMENT,
    ENTERPRISE,
    NAMES,
    PORTAL,
    TOKEN,
    Answer,
    Journal,
    Next,
    Request,
    Reset,
    ScimServer,
    Times,
    Twist,
    add,
    adds,
    answers,
    archive,
    bring_about,
    directory,
    edit,
    ids,
    ignores_patch,
    is_create,
    is_write,
    key,
    lowers_user_names,
    refuses_filters,
    reset_after,
    reset_before,
    scim_error,
    then_answers,
    values,
)

from provisioning.errors import TargetError
from provisioning.model import Action, Change
from provisioning.target.scim import ScimDirectory

SINGLE = {"bulk": False}
PAGE = b"<!DOCTYPE html><html><body>Gateway</body></html>"


def truncated(request: Request, following: Next) -> Answer:
    following(request)
    return Answer(200, {"Content-Type": "application/scim+json"}, b'{"schemas": ["urn:ietf:par')


LOST: dict[str, Twist] = {
    "reset before": reset_before,
    "reset after": reset_after,
    "500 before": answers(500, scim_error(500, "Something broke.")),
    "500 after": then_answers(500, scim_error(500, "Something broke.")),
    "503 after": then_answers(503),
    "504 after": then_answers(504, PAGE, Content_Type="text/html"),
    "a page after": then_answers(200, PAGE, Content_Type="text/html"),
    "truncated after": truncated,
}


def state(portal: ScimServer) -> list[dict[str, Any]]:
    """Everybody, without ids and times; managers by external id."""
    names = {each["id"]: each.get("externalId") for each in portal.everybody}
    found = []
    for each in portal.everybody:
        plain = {name: value for name, value in each.items() if name not in ("id", "meta")}
        extension = plain.get(ENTERPRISE, {})
        if "manager" in extension:
            plain[ENTERPRISE] = extension | {"manager": names[extension["manager"]["value"]]}
        found.append(plain)
    return found


def seeded(*twists: Twist, **options: Any) -> ScimServer:
    """Six people who are there: five linked, the fifth archived, the sixth without a link."""
    portal = ScimServer(*twists, **options)
    for number in range(1, 7):
        about = values(number)
        link = {"externalId": key(number)} if number != 6 else {"nickName": "Six"}
        name = {"givenName": about["name.givenName"], "familyName": about["name.familyName"]}
        emails = [{"type": "work", "value": about["userName"]}]
        portal.add(
            userName=about["userName"], name=name, emails=emails, active=number != 5, **link,
            **{ENTERPRISE: {"department": about[DEPARTMENT]}, PORTAL: {"grade": 3}},
        )  # fmt: skip
    return portal


def changes_of(portal: ScimServer) -> list[Change]:
    """A plan of every kind of change over the seeded people."""
    with directory(portal) as there:
        users = there.users(NAMES)
    who = ids(users)
    six = edit(users, who[""], Action.LINK, external_id=key(6))
    assert six.seen is not None
    then = replace(edit(users, who[""], Action.UPDATE, department="Six"), key=key(6))
    return [
        six,
        edit(users, who[key(5)], Action.REACTIVATE, status="Live", department="Back"),
        add(7, manager="p8@acme.example"),
        add(8, manager="p7@acme.example"),
        add(9),
        edit(users, who[key(1)], Action.UPDATE, department="Sales", manager="p9@acme.example"),
        edit(users, who[key(2)], Action.UPDATE, userName="q2@acme.example", email="q2@acme.example", grade=None),
        replace(then, seen=replace(six.seen, external_id=key(6))),
        archive(users, who[key(3)]),
    ]


@pytest.fixture(scope="module", params=["bulk and etags", "bulk", "etags", "neither"])
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"bulk": "bulk" in request.param, "etag": "etags" in request.param}


@pytest.fixture(scope="module")
def undisturbed(options: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """The end state of the plan's run with nothing in its way, and how many writes it takes."""
    with seeded(**options) as portal:
        changes = changes_of(portal)
        portal.forget()
        with directory(portal) as there:
            assert bring_about(there, changes, chunk=4).results == ["done"] * len(changes)
        return state(portal), len(portal.writes)


@pytest.mark.parametrize("fault", LOST)
def test_a_fault_at_any_write_leads_to_the_same_end(
    fault: str, options: dict[str, Any], undisturbed: tuple[list[dict[str, Any]], int]
) -> None:
    end, writes = undisturbed
    for number in range(1, writes + 1):
        with seeded(**options) as portal:
            changes = changes_of(portal)
            portal.twists = [Times(LOST[fault], is_write, first=number)]
            with directory(portal) as there:
                journal = bring_about(there, changes, chunk=4)
            assert (number, journal.results) == (number, ["done"] * len(changes))
            assert (number, state(portal)) == (number, end)


def test_a_portal_that_goes_away_at_any_write_is_gone_on_with_later(
    options: dict[str, Any], undisturbed: tuple[list[dict[str, Any]], int]
) -> None:
    """As after a kill: what was journalled is not repeated, the chunk that was not is."""
    end, writes = undisturbed
    for number in range(1, writes + 1):
        with seeded(**options) as portal:
            changes = changes_of(portal)
            gone = GoneFrom(number)
            portal.twists = [gone]
            journal = Journal()
            with directory(portal) as there:
                failed = fails(there, changes, journal)
            # Writes side by side differ in number: a manager may just be there, or need a write of their own.
            assert failed is (gone.number == 0)
            gone.back = True
            done = {(each.key, each.action) for each in journal.outcomes}
            with directory(portal) as there:
                run(there, [each for each in changes if (each.key, each.action) not in done], journal)
            assert (number, sorted(journal.results)) == (number, ["done"] * len(changes))
            assert (number, state(portal)) == (number, end)


class GoneFrom:
    """From the n-th write on, which still takes effect, every connection is reset."""

    def __init__(self, number: int) -> None:
        self.number, self.writes, self.back = number, count(1), False

    def __call__(self, request: Request, following: Next) -> Answer:
        if self.back:
            return following(request)
        if self.number and request.writes and next(self.writes) == self.number:
            following(request)
            self.number = 0
        if not self.number:
            raise Reset
        return following(request)


def run(there: ScimDirectory, changes: list[Change], journal: Journal, chunk: int = 4) -> None:
    for start in range(0, len(changes), chunk):
        there.ensure(changes[start : start + chunk], journal)
    there.finish(journal)


def fails(there: ScimDirectory, changes: list[Change], journal: Journal) -> bool:
    try:
        run(there, changes, journal)
    except TargetError:
        return True
    return False


# --- creates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filters", [None, refuses_filters], ids=["searches", "reads everybody"])
def test_a_create_whose_answer_was_lost_is_looked_up_and_not_sent_again(filters: Twist | None) -> None:
    twists = [Times(reset_after, is_create), *([filters] if filters else [])]
    with ScimServer(*twists, **SINGLE) as portal, directory(portal) as there:
        assert bring_about(there, [add(1)]).results == ["done"]
        assert len([each for each in portal.requests if is_create(each)]) == 1
        assert len(portal.everybody) == 1


def created(portal: ScimServer) -> list[str]:
    """Whom the portal was asked to add, in bulk or singly."""
    sent = [one for each in portal.writes for one in each.operations]
    return sorted(each.body["userName"] for each in sent if is_create(each))


def searches(request: Request) -> bool:
    return request.method == "GET" and "filter" in request.query


def strangers(portal: ScimServer) -> None:
    """Enough people that many adds read everybody once, and nobody is looked for unless there is a reason."""
    for number in range(900, 905):
        portal.add(userName=f"s{number}", externalId=str(number))


def test_a_rate_limit_in_the_way_of_the_look_does_not_lead_to_a_second_create() -> None:
    limit = Times(answers(429, Retry_After="1"), searches)
    with ScimServer(Times(reset_after, is_create), limit, **SINGLE) as portal:
        strangers(portal)
        with directory(portal, expected=9) as there:
            assert bring_about(there, [add(1)]).results == ["done"]
        assert created(portal) == ["p1@acme.example"]


@pytest.mark.parametrize("bulk", [True, False])
def test_a_503_that_asks_to_wait_may_have_taken_effect(bulk: bool) -> None:
    with ScimServer(Times(then_answers(503, PAGE, Retry_After="1"), is_write), bulk=bulk) as portal:
        strangers(portal)
        with directory(portal, expected=9) as there:
            assert bring_about(there, adds(3)).results == ["done"] * 3
        assert created(portal) == [f"p{number}@acme.example" for number in (1, 2, 3)]


def forgets_links(request: Request, following: Next) -> Answer:
    """Does not keep what a create says of the external id."""
    if not is_create(request):
        return following(request)
    body = {name: value for name, value in request.body.items() if name != "externalId"}
    return following(replace(request, body=body))


def test_a_lost_create_that_the_server_kept_without_its_link_is_found_by_the_identifier_and_linked() -> None:
    with ScimServer(Times(reset_after, is_create), forgets_links, **SINGLE) as portal, directory(portal) as there:
        assert bring_about(there, [add(1)]).results == ["done"]
        (found,) = portal.everybody
    assert found["externalId"] == key(1)


def test_somebody_who_is_there_as_wanted_is_done_and_otherwise_drifted() -> None:
    with ScimServer(**SINGLE) as portal:
        with directory(portal) as there:
            bring_about(there, adds(2))
        portal.forget()
        with directory(portal) as again:
            journal = bring_about(again, [add(1), add(2, department="Elsewhere")])
        assert portal.writes == []
    assert journal.results == ["done", "drifted"]
    assert DEPARTMENT in journal.outcomes[1].message


@pytest.mark.parametrize("bulk", [True, False])
def test_an_identifier_that_somebody_else_has_fails_and_names_both_sides(bulk: bool) -> None:
    with ScimServer(bulk=bulk) as portal, directory(portal) as there:
        other = portal.add(userName="p1@acme.example", externalId="999")
        unlinked = portal.add(userName="p2@acme.example", title="Somebody else altogether")
        journal = bring_about(there, adds(3))
        assert len(portal.everybody) == 3
    assert journal.results == ["failed", "failed", "done"]
    first, second, _ = journal.outcomes
    for part in (other, "linked to 999", "Person 1", key(1), "p1@acme.example"):
        assert part in first.message
    for part in (unlinked, "not linked", "Person 2", key(2)):
        assert part in second.message
    assert first.cause == second.cause


def test_two_users_with_the_same_link_are_nobodys_to_write_to() -> None:
    with ScimServer() as portal, directory(portal) as there:
        twins = [portal.add(userName=name, externalId=key(1)) for name in ("a@acme.example", "b@acme.example")]
        outcome = bring_about(there, [add(1)]).only
    assert outcome.result.value == "failed"
    assert all(twin in outcome.message for twin in twins)


def test_a_server_that_lowers_letters_is_still_found_and_taken_as_done() -> None:
    twists = [Times(reset_after, is_create), lowers_user_names]
    with ScimServer(*twists, **SINGLE) as portal, directory(portal) as there:
        assert bring_about(there, [add(1, userName="Ada@Acme.Example")]).results == ["done"]
        assert [each["userName"] for each in portal.everybody] == ["ada@acme.example"]


def lowers_departments(request: Request, following: Next) -> Answer:
    """Keeps departments in small letters."""
    if request.method != "PATCH":
        return following(request)
    small = [
        each | {"value": each["value"].lower()} if each["path"] == DEPARTMENT else each
        for each in request.body["Operations"]
    ]
    return following(replace(request, body=request.body | {"Operations": small}))


def test_a_lost_update_that_the_server_kept_in_small_letters_is_ours_and_no_drift() -> None:
    lost = Times(reset_after, lambda each: each.method == "PATCH")
    with seeded(lost, lowers_departments, bulk=False, etag=False) as portal, directory(portal) as there:
        users = there.users(NAMES)
        change = edit(users, ids(users)[key(1)], Action.UPDATE, department="Sales")
        assert bring_about(there, [change]).results == ["done"]


def test_many_adds_read_the_register_once_instead_of_asking_for_each() -> None:
    with ScimServer() as portal:
        portal.add(userName="p3@acme.example", externalId=key(3))
        with directory(portal, expected=20) as there:
            journal = bring_about(there, adds(20))
        searches = [each for each in portal.requests if "externalId" in each.query.get("filter", "")]
    assert journal.results == ["done", "done", "drifted"] + ["done"] * 17
    assert searches == []


def hears_one_term(place: int) -> Twist:
    """Of a search for several values it takes in the first or the last alone."""

    def twist(request: Request, following: Next) -> Answer:
        if not searches(request):
            return following(request)
        query = {**request.query, "filter": request.query["filter"].split(" or ")[place]}
        return following(replace(request, query=query))

    return twist


def on_or(twist: Twist) -> Twist:
    return lambda request, following: (twist if " or " in request.query.get("filter", "") else _as_it_is)(
        request, following
    )


def _as_it_is(request: Request, following: Next) -> Answer:
    return following(request)


@pytest.mark.parametrize(
    ("twist", "most_searches"),
    [
        (None, 4),
        (hears_one_term(0), 25),
        (hears_one_term(-1), 25),
        (on_or(answers(400, scim_error(400, "Too complex.", "invalidFilter"))), 25),
        (on_or(answers(414)), 25),
        (on_or(answers(502)), 29),
    ],
    ids=["joins", "hears the first", "hears the last", "refuses", "too long", "a gateway fails"],
)
@pytest.mark.parametrize("bulk", [True, False])
def test_many_adds_to_a_large_portal_are_looked_for_together_where_it_is_shown_to_understand_that(
    bulk: bool, twist: Twist | None, most_searches: int
) -> None:
    with ScimServer(*([twist] if twist else []), bulk=bulk, most_results=2) as portal:
        for number in range(900, 950):
            portal.add(userName=f"s{number}", externalId=str(number))
        portal.add(userName="p3@acme.example", externalId=key(3))
        with directory(portal, expected=20) as there:
            journal = bring_about(there, adds(20))
        asked = [each for each in portal.requests if searches(each)]
    assert journal.results == ["done", "done", "drifted"] + ["done"] * 17
    assert 1 <= len(asked) <= most_searches


@pytest.mark.parametrize("bulk", [True, False])
def test_a_search_for_many_that_fails_after_others_were_answered_leaves_each_to_be_asked_for_alone(bulk: bool) -> None:
    answered = count(1)

    def tires(request: Request, following: Next) -> Answer:
        late = " or " in request.query.get("filter", "") and next(answered) > 4
        return answers(500)(request, following) if late else following(request)

    with ScimServer(tires, bulk=bulk, most_results=2) as portal:
        for number in range(900, 950):
            portal.add(userName=f"s{number}", externalId=str(number))
        portal.add(userName="p3@acme.example", externalId=key(3))
        with directory(portal, expected=40) as there:
            first, second = (bring_about(there, adds(20)[part]) for part in (slice(0, 10), slice(10, 20)))
    assert first.results == ["done", "done", "drifted"] + ["done"] * 7
    assert second.results == ["done"] * 10
    assert next(answered) > 5


# --- answers that are not what they seem ------------------------------------------------------------------


def test_a_patch_that_was_accepted_and_ignored_is_a_failure_with_words() -> None:
    with seeded(ignores_patch, bulk=False, etag=False) as portal:
        changes = changes_of(portal)
        with directory(portal) as there:
            update, gone = bring_about(there, [changes[5], changes[8]]).outcomes
    assert (update.result.value, gone.result.value) == ("failed", "failed")
    assert DEPARTMENT in update.message
    assert "status" in gone.message
    assert "did not keep" in update.message
    assert update.cause == gone.cause == "ignored"


def drops(name: str) -> Twist:
    def twist(request: Request, following: Next) -> Answer:
        if not is_create(request):
            return following(request)
        return following(replace(request, body={each: text for each, text in request.body.items() if each != name}))

    return twist


@pytest.mark.parametrize(
    ("name", "told"), [("externalId", "external_id"), ("name", "name.givenName"), (ENTERPRISE, DEPARTMENT)]
)
def test_what_a_create_did_not_keep_is_named_and_from_then_on_each_of_the_kind_is_read_back(
    name: str, told: str
) -> None:
    with ScimServer(drops(name), **SINGLE) as portal, directory(portal) as there:
        journal = Journal()
        for number in range(1, 6):
            there.ensure([add(number)], journal)
    assert journal.results == ["failed"] * 5
    assert all(told in each.message for each in journal.outcomes)


def test_of_what_is_kept_the_first_three_of_a_kind_are_read_back() -> None:
    with ScimServer(**SINGLE) as portal, directory(portal) as there:
        for number in range(1, 6):
            there.ensure([add(number)], Journal())
        users = {f"/v2/Users/{each['id']}" for each in portal.everybody}
        assert len([each for each in portal.requests if each.method == "GET" and each.path in users]) == 3


def finds_nothing(request: Request, following: Next) -> Answer:
    """Searches, and never finds anybody."""
    if "filter" not in request.query:
        return following(request)
    return Answer(200, {"Content-Type": "application/scim+json"}, {"totalResults": 0, "Resources": []})


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_search_that_does_not_find_who_is_there_is_not_relied_on(before: int) -> None:
    with ScimServer(**SINGLE) as portal:
        with directory(portal) as there:
            bring_about(there, adds(before))
        portal.twists = [Times(reset_after, is_create), finds_nothing]
        portal.forget()
        with directory(portal) as again:
            assert bring_about(again, adds(before + 2)).results == ["done"] * (before + 2)
        assert len([each for each in portal.requests if is_create(each)]) == 2
        assert len(portal.everybody) == before + 2


def test_a_server_whose_etags_never_change_is_not_trusted_with_them() -> None:
    def constant(request: Request, following: Next) -> Answer:
        wrong = request.headers.get("if-match", 'W/"1"') != 'W/"1"'
        if wrong:
            return Answer(412, {}, None)
        found = following(replace(request, headers={n: v for n, v in request.headers.items() if n != "if-match"}))
        if isinstance(found.body, dict):
            for each in [found.body, *found.body.get("Resources", [])]:
                each.get("meta", {}).update({"version": 'W/"1"'} if "meta" in each else {})
        return found

    with ScimServer(constant, **SINGLE) as portal, directory(portal) as there:
        bring_about(there, adds(4))
        users = there.users(NAMES)
        who = ids(users)
        bring_about(there, [edit(users, who[key(1)], Action.UPDATE, department="Sales")])
        portal.change(who[key(2)], **{ENTERPRISE: {"department": "Elsewhere"}})
        assert bring_about(there, [edit(users, who[key(2)], Action.UPDATE, department="Sales")]).results == ["drifted"]


# --- refusals ---------------------------------------------------------------------------------------------


def refused(status: int, body: Any = None, *, bulk: bool = False, **headers: str) -> Any:
    """The outcome of an update that the server answers so."""
    with seeded(bulk=bulk, etag=False) as portal:
        change = changes_of(portal)[5]
        portal.twists = [Times(answers(status, body, **headers), is_write, count=100)]
        with directory(portal) as there:
            return bring_about(there, [change]).only


@pytest.mark.parametrize(
    ("status", "kind", "says", "cause"),
    [
        (400, "invalidValue", "An admin corrects it in HiBob", "400 invalidValue"),
        (400, "invalidPath", "corrects its path", "400 invalidPath"),
        (400, "mutability", "apply on add only", "400 mutability"),
        (400, "", "attribute paths", "400"),
        (403, "", "Whoever runs the portal", "403"),
        (409, "uniqueness", "Another user has this value", "409 uniqueness"),
        (413, "", "too long", "413"),
        (500, "", "Skillcast failed", "500"),
    ],
)
def test_a_refusal_gives_the_servers_detail_what_it_means_and_who_acts(
    status: int, kind: str, says: str, cause: str
) -> None:
    outcome = refused(status, scim_error(status, "department\n must be   one of: A, B.", kind))
    assert outcome.result.value == "failed"
    assert "“department must be one of: A, B”" in outcome.message
    assert says in outcome.message
    assert str(status) in outcome.message
    assert outcome.cause == cause


def test_a_refusal_without_words_is_explained_all_the_same() -> None:
    assert "Whoever runs the portal" in refused(403, PAGE, Content_Type="text/html").message


def test_a_user_who_is_gone_has_drifted() -> None:
    outcome = refused(404, scim_error(404, "No such user"))
    assert (outcome.result.value, outcome.message) == ("drifted", "The user is no longer there.")


def test_a_server_that_always_says_412_is_given_up_on() -> None:
    assert refused(412, scim_error(412, "No.")).cause == "412"


def test_a_token_that_is_refused_ends_the_run_after_what_was_done_is_journalled() -> None:
    token = Times(answers(401, scim_error(401, f"Token {TOKEN} is revoked")), is_write, first=3, count=100)
    with ScimServer(token, **SINGLE) as portal, directory(portal) as there:
        journal = Journal()
        with pytest.raises(TargetError, match="renews it") as problem:
            run(there, adds(5), journal, chunk=1)
    assert journal.results == ["done", "done"]
    assert "revoked" in str(problem.value)
    assert TOKEN not in str(problem.value)


def test_outcomes_of_a_chunk_are_journalled_in_order_although_written_side_by_side() -> None:
    failing = Times(
        answers(400, scim_error(400, "No.", "invalidValue")), lambda request: "p2@" in str(request.body), count=9
    )
    with ScimServer(failing, **SINGLE) as portal, directory(portal) as there:
        journal = bring_about(there, adds(12))
    assert [each.key for each in journal.outcomes] == [key(number) for number in range(1, 13)]
    assert journal.results == ["done", "failed"] + ["done"] * 10


def test_in_bulk_one_failure_is_one_persons() -> None:
    with ScimServer() as portal, directory(portal) as there:
        portal.add(userName="p2@acme.example", externalId="999")
        journal = bring_about(there, [add(1), add(2), add(3, grade="not a number")])
    assert journal.results == ["done", "failed", "failed"]
    assert "grade" in journal.outcomes[2].message


@pytest.mark.parametrize("status", [404, 405, 501, 403])
def test_a_bulk_endpoint_that_is_not_there_after_all_is_done_without(status: int) -> None:
    twist = Times(answers(status), lambda request: request.path.endswith("/Bulk"), count=100)
    with ScimServer(twist) as portal, directory(portal) as there:
        assert bring_about(there, adds(6)).results == ["done"] * 6
        assert len(portal.everybody) == 6


def at_most(operations: int) -> Twist:
    """Takes fewer operations than it announces."""

    def twist(request: Request, following: Next) -> Answer:
        if request.path.endswith("/Bulk") and len(request.body["Operations"]) > operations:
            return answers(413, scim_error(413, "Too many."))(request, following)
        return following(request)

    return twist


def test_a_bulk_limit_lower_than_announced_is_found_out() -> None:
    with ScimServer(at_most(3)) as portal, directory(portal) as there:
        assert bring_about(there, adds(10)).results == ["done"] * 10
        assert len(portal.everybody) == 10


def test_a_rate_limit_for_the_second_half_does_not_lead_to_the_first_being_sent_again() -> None:
    def small(request: Request) -> bool:
        return request.path.endswith("/Bulk") and len(request.body["Operations"]) <= 3

    limit = Times(answers(429, Retry_After="1"), small, first=2)
    with ScimServer(at_most(3), limit) as portal, directory(portal) as there:
        assert bring_about(there, adds(6)).results == ["done"] * 6
        assert len([each for each in portal.writes if small(each)]) == 2
        assert len(portal.everybody) == 6


def half_told(request: Request, following: Next) -> Answer:
    """Says nothing of every second operation that it did."""
    found = following(request)
    if request.path.endswith("/Bulk"):
        found.body["Operations"] = found.body["Operations"][::2]
    return found


def half_done(request: Request, following: Next) -> Answer:
    """Does every second operation, and says nothing of the others."""
    if not request.path.endswith("/Bulk"):
        return following(request)
    return following(replace(request, body=request.body | {"Operations": request.body["Operations"][::2]}))


@pytest.mark.parametrize("half", [half_told, half_done])
def test_who_is_not_mentioned_in_a_bulk_answer_is_looked_up(half: Twist) -> None:
    with ScimServer(half, etag=False) as portal, directory(portal) as there:
        assert bring_about(there, adds(9)).results == ["done"] * 9
        assert len(portal.everybody) == 9
        users = there.users(NAMES)
        changes = [edit(users, user, Action.UPDATE, department="Sales") for user in users.ids.to_pylist()]
        assert bring_about(there, changes).results == ["done"] * 9
        assert [each[ENTERPRISE]["department"] for each in portal.everybody] == ["Sales"] * 9


# --- references -------------------------------------------------------------------------------------------


def test_a_manager_who_has_no_user_fails_with_words_after_everything_else_was_written() -> None:
    with ScimServer() as portal, directory(portal) as there:
        outcome = bring_about(there, [add(1, manager="nobody@acme.example")]).only
        assert [each["userName"] for each in portal.everybody] == ["p1@acme.example"]
    assert outcome.result.value == "failed"
    assert "nobody@acme.example" in outcome.message
    assert "manager" in outcome.cause


def test_a_manager_whose_identifier_changes_in_the_same_run_is_still_the_manager() -> None:
    with ScimServer(etag=False) as portal, directory(portal) as there:
        bring_about(there, [add(1), add(2, manager="p1@acme.example")])
        users = there.users(NAMES)
        who = ids(users)
        changes = [
            edit(users, who[key(1)], Action.UPDATE, userName="new@acme.example"),
            edit(users, who[key(2)], Action.UPDATE, manager="new@acme.example", department="Sales"),
        ]
        assert bring_about(there, changes, chunk=1).results == ["done", "done"]
        assert portal.user(who[key(2)])[ENTERPRISE]["manager"]["value"] == who[key(1)]


def test_a_manager_is_taken_away_with_the_whole_reference() -> None:
    with ScimServer() as portal, directory(portal) as there:
        bring_about(there, [add(1), add(2, manager="p1@acme.example")])
        users = there.users(NAMES)
        assert bring_about(there, [edit(users, ids(users)[key(2)], Action.UPDATE, manager=None)]).results == ["done"]
        assert "manager" not in portal.user(ids(users)[key(2)])[ENTERPRISE]


# --- several domains in one portal ------------------------------------------------------------------------

DOMAIN = "urn:ietf:params:scim:schemas:extension:skillcast:2.0:User:domain"
OURS = {"domain": (DOMAIN, "Staff")}


def in_domain(portal: ScimServer, number: int, name: str | None) -> str:
    extension = {DOMAIN.rpartition(":")[0]: {"domain": name}} if name else {}
    return portal.add(userName=f"p{number}@acme.example", externalId=key(number), **extension)


@pytest.mark.parametrize("twists", [(), (refuses_filters,)], ids=["searches", "refuses"])
def test_only_users_of_the_domain_are_read(twists: tuple[Twist, ...]) -> None:
    with ScimServer(*twists) as portal, directory(portal, **OURS) as there:
        for number, name in enumerate(["Staff", "staff", "Contractors", None], 1):
            in_domain(portal, number, name)
        assert sorted(ids(there.users(NAMES))) == [key(1), key(2)]
        assert there.live() == 2


def test_who_is_added_is_added_to_the_domain_and_who_is_moved_leaves_it() -> None:
    with ScimServer() as portal, directory(portal, **OURS) as there:
        bring_about(there, adds(3))
        users = there.users(NAMES)
        assert len(users) == 3
        moved = [edit(users, ids(users)[key(number)], Action.MOVE, domain="Contractors") for number in (1, 2)]
        assert bring_about(there, moved).results == ["done"] * 2
        assert list(ids(there.users(NAMES))) == [key(3)]
        with directory(portal, domain=(DOMAIN, "Contractors")) as other:
            assert sorted(ids(other.users(NAMES))) == [key(1), key(2)]
        assert bring_about(there, moved).results == ["done"] * 2


def test_who_was_moved_away_meanwhile_has_drifted() -> None:
    with ScimServer(etag=False) as portal, directory(portal, **OURS) as there:
        user = in_domain(portal, 1, "Staff")
        change = edit(there.users(NAMES), user, Action.UPDATE, department="Sales")
        portal.change(user, **{DOMAIN.rpartition(":")[0]: {"domain": "Contractors"}})
        outcome = bring_about(there, [change]).only
    assert (outcome.result.value, "domain" in outcome.message) == ("drifted", True)


def test_somebody_of_another_domain_is_not_added_again() -> None:
    with ScimServer() as portal, directory(portal, **OURS) as there:
        user = in_domain(portal, 1, "Contractors")
        outcome = bring_about(there, [add(1)]).only
        assert len(portal.everybody) == 1
    assert (outcome.result.value, user in outcome.message, "domain" in outcome.message) == ("drifted", True, True)


def test_without_a_domain_attribute_nobody_can_be_moved() -> None:
    with ScimServer() as portal, directory(portal) as there:
        bring_about(there, adds(1))
        users = there.users(NAMES)
        outcome = bring_about(there, [edit(users, ids(users)[key(1)], Action.MOVE, domain="Other")]).only
    assert (outcome.result.value, "domain_attribute" in outcome.message) == ("failed", True)


# --- never ------------------------------------------------------------------------------------------------


def test_nobody_is_ever_deleted() -> None:
    with seeded() as portal:
        changes = changes_of(portal)
        with directory(portal) as there:
            bring_about(there, changes)
        asked = {each.method for each in portal.requests}
        bulk = [each.body["Operations"] for each in portal.requests if each.path.endswith("/Bulk")]
    assert "DELETE" not in asked | {operation["method"] for operations in bulk for operation in operations}


def test_archived_people_keep_their_values() -> None:
    with ScimServer() as portal, directory(portal) as there:
        bring_about(there, adds(1))
        users = there.users(NAMES)
        bring_about(there, [archive(users, ids(users)[key(1)])])
        ((_, _, status, kept),) = there.everybody()
    assert status == "Archived"
    assert kept == values(1)
