"""`process` and `stop`: what was approved is what runs; nothing is lost and nothing is done twice."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from driver import ADMIN, PATIENCE, STAFF, Rollcall, customer, domain, until
from stillness import stand_still
from tiny_hibob import TinyHiBob, company, key_of

from provisioning.database import Database
from provisioning.store.leases import lease

PEOPLE = 3_000
OLD = "UPDATE plans SET read_at = '2020-01-01T00:00:00.000000Z'"


def run_of(house: Rollcall, plan: str, *options: str, code: int = 0) -> Any:
    said = house.call("process", plan, *options, "--json")
    assert said.code == code, said
    return said.json


def approved(house: Rollcall, *options: str) -> str:
    plan: str = house.preview()["plan"]
    house.call("approve", plan, *options, by=ADMIN).fine()
    return plan


def results(run: Any) -> dict[str, str]:
    return {each["key"]: each["result"] for each in run["outcomes"]}


def told(house: Rollcall, word: str) -> Any:
    """The newest event whose name has this word in it."""
    return next(each for each in house.history() if word in each["what"])


def outcomes(house: Rollcall) -> int:
    return int(house.sql("SELECT count(*) FROM outcomes")[0][0])


# --- what it says -----------------------------------------------------------------------------------------


def test_a_plan_that_is_not_approved_is_refused(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    assert "approve" in acme.call("process", plan, "--json").complaint(3)
    assert acme.users() == []
    assert acme.sql("SELECT * FROM runs") == []


def test_the_document_has_exactly_the_keys_of_the_contract(acme: Rollcall) -> None:
    plan = approved(acme)
    run = run_of(acme, plan)
    assert set(run) == {"run", "plan", "status", "counts", "outcomes"}
    assert (run["plan"], run["status"]) == (plan, "done")
    assert run["counts"] == {"done": 30, "failed": 0, "drifted": 0, "skipped": 0}
    assert len(run["outcomes"]) == 30
    for each in run["outcomes"]:
        assert set(each) == {"key", "action", "result", "message"}
        assert (each["action"], each["result"]) == ("add", "done")


def test_a_finished_plan_prints_its_run_again(acme: Rollcall, hibob: TinyHiBob) -> None:
    plan = approved(acme)
    run = run_of(acme, plan)
    users, history = acme.users(), len(acme.history())
    hibob.close()
    assert run_of(acme, plan) == run
    assert run["run"] in acme.call("process", plan).fine().out
    assert (acme.users(), len(acme.history())) == (users, history)


def test_users_are_written_as_planned(acme: Rollcall) -> None:
    plan = acme.sync()
    users = acme.users()
    assert [each["id"] for each in users] == sorted(each["id"] for each in users)
    for each in users:
        assert set(each) == {"id", "external_id", "status", "attributes"}
    wanted = {each["key"]: each["after"] for each in plan["changes"]}
    for each in users:
        after = wanted[each["external_id"]]
        assert each["status"] == after["status"]
        assert each["attributes"] == {k: v for k, v in after.items() if k not in ("status", "external_id")}


def test_an_empty_plan_may_be_processed_too(staffed: Rollcall) -> None:
    plan = approved(staffed)
    run = run_of(staffed, plan)
    assert (run["status"], set(run["counts"].values()), run["outcomes"]) == ("done", {0}, [])


def test_members_may_process_what_another_approved(acme: Rollcall) -> None:
    plan = approved(acme)
    acme.call("process", plan, by="csm@skillcast.example").fine()
    assert (told(acme, "approve")["who"], told(acme, "run start")["who"]) == (ADMIN, "csm@skillcast.example")


# --- drift and failure ------------------------------------------------------------------------------------


def touch(house: Rollcall, number: int, name: str, value: str) -> None:
    """Another hand in Skillcast."""
    house.sql(f"UPDATE users SET attributes = json_set(attributes, '$.\"{name}\"', ?) WHERE external_id = ?", value, key_of(number))  # fmt: skip


def test_a_user_who_changed_meanwhile_is_drifted_and_the_others_run(staffed: Rollcall, hibob: TinyHiBob) -> None:
    for number in (1, 2, 3):
        hibob.change(number, surname="New")
    plan = approved(staffed)
    touch(staffed, 1, "First name", "By hand")
    touch(staffed, 2, "Never mapped", "By hand")  # a touch elsewhere is no drift
    touch(staffed, 3, "Last name", "New")  # already as wanted
    run = run_of(staffed, plan, code=4)
    assert (run["status"], run["counts"]) == ("partial", {"done": 2, "failed": 0, "drifted": 1, "skipped": 0})
    assert results(run)[key_of(1)] == "drifted"
    user = next(each for each in staffed.users() if each["external_id"] == key_of(1))
    assert user["attributes"]["Last name"] == "Last1"
    assert staffed.preview()["counts"]["update"] == 1


def test_a_user_who_was_archived_meanwhile_is_drifted(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, surname="New")
    plan = approved(staffed)
    staffed.sql("UPDATE users SET status = 'Archived' WHERE external_id = ?", key_of(1))
    assert results(run_of(staffed, plan, code=4)) == {key_of(1): "drifted"}


def thief(house: Rollcall, identifier: str) -> None:
    """Somebody else made a user with this identifier in the meantime."""
    house.sql(
        "INSERT INTO users (domain_id, external_id, status, attributes) "
        "SELECT id, NULL, 'Live', json_object('Employee ID', ?) FROM domains",
        identifier,
    )


def test_one_person_who_is_rejected_fails_and_the_others_run(acme: Rollcall) -> None:
    plan = approved(acme)
    thief(acme, "000007")
    run = run_of(acme, plan, code=4)
    assert run["counts"] == {"done": 29, "failed": 1, "drifted": 0, "skipped": 0}
    (failed,) = [each for each in run["outcomes"] if each["result"] == "failed"]
    assert failed["key"] == key_of(7)
    assert "Employee ID" in failed["message"]
    said = acme.call("process", plan)
    assert key_of(7) in said.out


def test_those_who_failed_are_tried_again(acme: Rollcall) -> None:
    plan = approved(acme)
    thief(acme, "000007")
    first = run_of(acme, plan, code=4)
    again = run_of(acme, plan, "--retry-failed", code=4)
    assert results(again) == {key_of(7): "failed"}
    acme.sql("DELETE FROM users WHERE external_id IS NULL")
    last = run_of(acme, plan, "--retry-failed")
    assert (results(last), last["status"]) == ({key_of(7): "done"}, "done")
    assert len({each["run"] for each in (first, again, last)}) == 3
    acme.call("process", plan, "--retry-failed").complaint(3)
    assert len(acme.users()) == 30


def test_trying_again_does_not_lose_whom_a_stopped_run_had_not_come_to(empty: Rollcall) -> None:
    with TinyHiBob(company(300)) as hibob:
        empty.set_up(customer(hibob.base_url)).fine()
        plan = approved(empty)
        thief(empty, "000007")
        with stopping_after(empty, 100):
            run_of(empty, plan, code=4)
        empty.sql("DELETE FROM users WHERE external_id IS NULL")
        empty.call("process", plan, "--retry-failed")
        empty.call("process", plan)
        empty.call("process", plan, "--retry-failed")
        assert len(empty.users()) == 300


# --- the source is read again -----------------------------------------------------------------------------


def by_its_age(house: Rollcall) -> None:
    house.sql(OLD)


def by_the_variable(house: Rollcall) -> None:
    house.environment["ROLLCALL_REREAD_MINUTES"] = "0"


@pytest.fixture(params=[by_its_age, by_the_variable])
def old(request: pytest.FixtureRequest, staffed: Rollcall, hibob: TinyHiBob) -> Rollcall:
    """A plan that was approved and has grown old: two updates, an add, an archive."""
    hibob.change(1, surname="New")
    hibob.change(2, surname="New")
    hibob.change(3, status="Terminated")
    hibob.join(41)
    approved(staffed)
    request.param(staffed)
    return staffed


def newest(house: Rollcall) -> str:
    return str(house.sql("SELECT id FROM plans ORDER BY rowid DESC LIMIT 1")[0][0])


def test_a_fresh_plan_is_processed_without_another_read(acme: Rollcall, hibob: TinyHiBob) -> None:
    plan = approved(acme)
    calls = len(hibob.calls)
    run_of(acme, plan)
    assert len(hibob.calls) == calls


def test_an_old_plan_is_processed_when_nothing_changed_since(old: Rollcall, hibob: TinyHiBob) -> None:
    calls = len(hibob.calls)
    run = run_of(old, newest(old))
    assert (run["status"], run["counts"]["done"]) == ("done", 4)
    assert len(hibob.calls) > calls
    assert old.preview()["status"] == "empty"


def test_people_who_changed_since_an_old_plan_are_drifted_and_the_others_run(old: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, surname="Newer")
    hibob.change(3, status="employed")
    hibob.forget(41)
    hibob.join(42)
    run = run_of(old, newest(old), code=4)
    assert results(run) == {key_of(1): "drifted", key_of(2): "done", key_of(3): "drifted", key_of(41): "drifted"}
    assert run["counts"] == {"done": 1, "failed": 0, "drifted": 3, "skipped": 0}
    assert all("HiBob" in each["message"] for each in run["outcomes"] if each["result"] == "drifted")
    users = {each["external_id"]: each for each in old.users()}
    assert (users[key_of(1)]["attributes"]["Last name"], users[key_of(3)]["status"]) == ("Last1", "Live")
    assert not users.keys() & {key_of(41), key_of(42)}


def test_other_changes_since_an_old_plan_do_not_matter(old: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(20, surname="Not in the plan")
    hibob.join(42)
    assert run_of(old, newest(old))["counts"]["done"] == 4
    assert len(old.users()) == 31


@pytest.mark.parametrize("fault", [401, 403, 500, "html", "truncated", "reset", "strange"])
def test_when_the_second_read_fails_nothing_is_written(old: Rollcall, hibob: TinyHiBob, fault: int | str) -> None:
    before = old.users()
    hibob.fault = fault
    old.call("process", newest(old), "--json").complaint(1)
    assert (old.users(), len(old.sql("SELECT * FROM runs"))) == (before, 1)
    hibob.fault = None
    assert run_of(old, newest(old))["status"] == "done"


@pytest.mark.parametrize("loss", ["half", "everybody", "column", "emptied column"])
def test_when_the_second_read_is_not_proved_complete_nothing_is_written(
    old: Rollcall, hibob: TinyHiBob, loss: str
) -> None:
    before = old.users()
    match loss:
        case "half":
            hibob.hidden |= {key_of(number) for number in range(10, 25)}
        case "everybody":
            hibob.hidden |= set(hibob.people)
        case "column":
            hibob.lost.add("work.department")
        case "emptied column":
            hibob.emptied.add("work.department")
    assert "Nothing was written" in old.call("process", newest(old), "--json").complaint(3)
    assert (old.users(), len(old.sql("SELECT * FROM runs"))) == (before, 1)


def test_a_newer_preview_does_not_disturb_an_older_plan(old: Rollcall, hibob: TinyHiBob) -> None:
    plan = newest(old)
    hibob.change(1, surname="Newer")
    old.preview()
    old.sql(OLD)
    assert results(run_of(old, plan, code=4))[key_of(1)] == "drifted"


@pytest.mark.parametrize("what", ["approved otherwise", "other settings"])
def test_what_happens_while_hibob_is_read_anew_is_heeded(old: Rollcall, hibob: TinyHiBob, what: str) -> None:
    plan, before, answer = newest(old), old.users(), hibob.search
    file = old.write(customer(hibob.base_url, domain(absent_reads=2)))
    words = ("setup", file) if what == "other settings" else ("approve", plan, f"--leave-out={key_of(3)}")

    def meanwhile(asked: dict[str, Any]) -> dict[str, Any]:
        hibob.search = answer  # type: ignore[method-assign]
        assert old.run(*words, by=None if words[0] == "setup" else ADMIN).code == 0
        return answer(asked)

    hibob.search = meanwhile  # type: ignore[method-assign]
    old.call("process", plan).complaint(3)
    assert (old.users(), len(old.sql("SELECT * FROM runs"))) == (before, 1)


# --- stopped, killed, and gone on with --------------------------------------------------------------------


@contextmanager
def trigger(house: Rollcall, body: str) -> Iterator[None]:
    """Something that happens inside the database as outcomes are journalled."""
    house.sql(f"CREATE TRIGGER meanwhile {body}")
    try:
        yield
    finally:
        house.sql("DROP TRIGGER meanwhile")


def stopping_after(house: Rollcall, people: int) -> Any:
    """As if `stop` were called while the chunk with this person is written."""
    return trigger(
        house,
        f"AFTER INSERT ON outcomes WHEN (SELECT count(*) FROM outcomes) = {people} BEGIN UPDATE runs SET stop_asked = 1; END",
    )


def busy_with(house: Rollcall, when: str, steps: int) -> Any:
    """A slow disk: so many steps for an outcome, inside its transaction."""
    return trigger(
        house,
        f"AFTER INSERT ON outcomes WHEN {when} BEGIN SELECT count(*) FROM (WITH RECURSIVE n(i) AS "
        f"(SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {steps}) SELECT i FROM n); END",
    )


def stuck_at(house: Rollcall, people: int) -> Any:
    """A disk that never finishes the chunk with this person."""
    return busy_with(house, f"(SELECT count(*) FROM outcomes) = {people}", 10**15)


@pytest.fixture(scope="module")
def enterprise() -> Iterator[TinyHiBob]:
    with TinyHiBob(company(PEOPLE)) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(enterprise: TinyHiBob, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The users after a run that nothing interrupted."""
    house = Rollcall(tmp_path_factory.mktemp("undisturbed") / "data")
    house.set_up(customer(enterprise.base_url)).fine()
    house.sync()
    return house.users()


@pytest.fixture
def big(empty: Rollcall, enterprise: TinyHiBob) -> Rollcall:
    empty.set_up(customer(enterprise.base_url)).fine()
    approved(empty)
    return empty


def test_killed_in_the_middle_and_gone_on_with_gives_the_same_end_state(
    big: Rollcall, undisturbed: list[dict[str, Any]]
) -> None:
    plan = newest(big)
    for journalled in (100, 500):  # killed twice, in the middle of a chunk
        with stuck_at(big, journalled + 50):
            process = big.start("process", plan)
            until(lambda wanted=journalled: outcomes(big) >= wanted)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert outcomes(big) == len(big.users()) == journalled  # users and outcomes are one transaction
    said = big.run("process", plan, "--json").fine()
    assert said.json["counts"] == {"done": PEOPLE, "failed": 0, "drifted": 0, "skipped": 0}
    assert said.json["status"] == "done"
    assert len(said.json["outcomes"]) == PEOPLE
    users = big.users()
    assert users == undisturbed
    assert len({each["external_id"] for each in users}) == PEOPLE
    assert len(big.sql("SELECT * FROM runs")) == 1
    assert big.preview()["status"] == "empty"
    assert big.call("verify").fine()
    assert told(big, "resume")["plan"] == plan


def test_a_database_that_fails_in_the_middle_is_gone_on_with(big: Rollcall, undisturbed: list[dict[str, Any]]) -> None:
    plan = newest(big)
    full = "BEFORE INSERT ON outcomes WHEN (SELECT count(*) FROM outcomes) = 1550 BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    with trigger(big, full):
        said = big.call("process", plan, "--json")
    assert said.code in (1, 4)
    said.complaint(said.code)
    assert (outcomes(big), len(big.users())) == (1500, 1500)
    assert run_of(big, plan)["counts"]["done"] == PEOPLE
    assert big.users() == undisturbed


def test_a_run_is_stopped_between_chunks_and_resumed(big: Rollcall, undisturbed: list[dict[str, Any]]) -> None:
    plan = newest(big)
    with busy_with(big, "1", 10_000):
        process = big.start("process", plan, "--json")
        until(lambda: outcomes(big) > 0)
        run = big.sql("SELECT id FROM runs")[0][0]
        with held_still(big, process):
            assert run in big.call("stop", run).fine().out
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (4, b"")
    stopped = json.loads(out)
    assert (stopped["run"], stopped["status"]) == (run, "stopped")
    assert 0 < stopped["counts"]["done"] < PEOPLE
    assert stopped["counts"]["done"] % 100 == 0
    assert len(big.users()) == stopped["counts"]["done"]
    resumed = run_of(big, plan)
    assert (resumed["run"], resumed["status"], resumed["counts"]["done"]) == (run, "done", PEOPLE)
    assert big.users() == undisturbed
    assert "done" in big.call("stop", run).complaint(3)
    assert [each["plan"] for each in (told(big, word) for word in ("start", "stop", "resume", "end"))] == [plan] * 4


@contextmanager
def held_still(house: Rollcall, process: "subprocess.Popen[bytes]") -> Iterator[None]:
    stand_still(process, house.data)
    yield
    process.send_signal(signal.SIGCONT)


def test_interrupted_by_the_keyboard_a_run_ends_in_words_and_is_gone_on_with(
    big: Rollcall, undisturbed: list[dict[str, Any]]
) -> None:
    plan = newest(big)
    with busy_with(big, "1", 10_000):
        process = big.start("process", plan, "--json")
        until(lambda: outcomes(big) > 0)
        with held_still(big, process):
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert out == b""
    assert b"Traceback" not in err
    assert len(err.splitlines()) <= 2
    assert outcomes(big) == len(big.users()) < PEOPLE
    assert run_of(big, plan)["counts"]["done"] == PEOPLE
    assert big.users() == undisturbed


def test_two_at_the_same_time_are_one_run(big: Rollcall, undisturbed: list[dict[str, Any]]) -> None:
    plan = newest(big)
    db = Database(big.data / "rollcall.db")
    with lease(db, 1, "a preview"):  # both are there before either may begin
        both = [big.start("process", plan, "--json") for _ in range(2)]
        for each in both:
            assert each.stderr is not None
            assert "waiting" in each.stderr.readline().decode()
    db.close()
    told = [each.communicate(timeout=PATIENCE) for each in both]
    assert [each.returncode for each in both] == [0, 0]
    first, second = (json.loads(out) for out, _ in told)
    assert first == second
    assert (first["counts"]["done"], len(big.sql("SELECT * FROM runs"))) == (PEOPLE, 1)
    assert big.users() == undisturbed


def test_whoever_waits_is_told_for_whom(acme: Rollcall) -> None:
    db = Database(acme.data / "rollcall.db")
    with lease(db, 1, "an audit"):
        process = acme.start("preview", STAFF, "--json")
        assert process.stderr is not None
        line = process.stderr.readline().decode()
    db.close()
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, b"")
    assert str(os.getpid()) in line
    assert "an audit" in line
    assert json.loads(out)["status"] == "ready"


@pytest.fixture
def stopped(empty: Rollcall) -> Iterator[tuple[Rollcall, TinyHiBob, str]]:
    """A run that was stopped after 100 of 300 people."""
    with TinyHiBob(company(300)) as hibob:
        empty.set_up(customer(hibob.base_url)).fine()
        plan = approved(empty)
        with stopping_after(empty, 50):
            run = run_of(empty, plan, code=4)
        assert (run["status"], run["counts"]["done"]) == ("stopped", 100)
        yield empty, hibob, plan


Stopped = tuple[Rollcall, TinyHiBob, str]


def test_a_resumed_run_is_read_again_when_it_is_old(stopped: Stopped) -> None:
    house, hibob, plan = stopped
    house.sql(OLD)
    hibob.change(50, surname="Already written")
    hibob.change(200, surname="Changed meanwhile")
    run = run_of(house, plan, code=4)
    assert run["counts"] == {"done": 299, "failed": 0, "drifted": 1, "skipped": 0}
    assert results(run)[key_of(200)] == "drifted"


def test_a_resumed_run_writes_nothing_when_it_cannot_be_read_again(stopped: Stopped) -> None:
    house, hibob, plan = stopped
    house.sql(OLD)
    hibob.fault = 403
    house.call("process", plan).complaint(1)
    hibob.fault = None
    hibob.people.clear()
    house.call("process", plan).complaint(3)
    assert len(house.users()) == 100


def test_a_newer_preview_does_not_disturb_a_stopped_run(stopped: Stopped) -> None:
    house, _, plan = stopped
    assert house.preview()["counts"]["add"] == 200
    house.sql(OLD)
    assert run_of(house, plan)["counts"]["done"] == 300


def test_a_stopped_run_is_not_resumed_with_another_mapping(stopped: Stopped) -> None:
    house, hibob, plan = stopped
    house.set_up(customer(hibob.base_url, domain(two_people=True))).fine()
    house.call("process", plan).complaint(3)
    assert len(house.users()) == 100


def test_a_stopped_run_is_not_resumed_after_another(stopped: Stopped) -> None:
    house, _, plan = stopped
    house.sync()
    house.call("process", plan).complaint(3)
    assert len(house.users()) == 300


def test_a_resumed_run_overtakes_the_plans_that_were_made_while_it_stood_still(stopped: Stopped) -> None:
    """Another run of the domain was processed since the newer plan, although it had begun before."""
    house, _, plan = stopped
    newer = house.preview()["plan"]
    run_of(house, plan)
    house.call("approve", newer, by=ADMIN).complaint(3)


def test_a_stopped_run_keeps_its_approval(stopped: Stopped) -> None:
    house, _, plan = stopped
    house.call("approve", plan, "--only", key_of(300), by=ADMIN).complaint(3)
    assert run_of(house, plan)["counts"]["done"] == 300


def test_those_left_out_stay_out_when_a_run_is_resumed(empty: Rollcall) -> None:
    with TinyHiBob(company(300)) as hibob:
        empty.set_up(customer(hibob.base_url)).fine()
        plan = approved(empty, "--leave-out", key_of(1), "--leave-out", key_of(299))
        with stopping_after(empty, 50):
            run_of(empty, plan, code=4)
        run = run_of(empty, plan)
        assert run["counts"] == {"done": 298, "failed": 0, "drifted": 0, "skipped": 2}
        assert len(run["outcomes"]) == 300


def test_a_lease_of_a_dead_process_lapses_at_once(acme: Rollcall) -> None:
    process = acme.start("worker")
    assert process.stdout is not None
    process.stdout.readline()
    start = Path(f"/proc/{process.pid}/stat")
    ticks = start.read_text().rpartition(")")[2].split()[19] if start.exists() else "alive"
    process.kill()
    process.communicate()
    acme.sql(
        "INSERT INTO leases (domain_id, host, pid, process_start, token, doing, renewed_at) VALUES (1, ?, ?, ?, 'x', "
        "'preview', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))",
        socket.gethostname(), process.pid, ticks,
    )  # fmt: skip
    assert acme.call("preview", STAFF).fine()


# --- what a baseline is -----------------------------------------------------------------------------------


def test_looking_again_and_again_does_not_make_a_shrunken_read_usual(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.hidden |= {key_of(number) for number in range(1, 11)}
    for _ in range(3):
        assert staffed.call("preview", STAFF).code == 3
