"""Whole walks through the real program: the main job on two independent HiBobs, the sandbox, the demo, the worker."""

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from driver import ADMIN, AUDITOR, CSM, PATIENCE, ROOT, STAFF, Rollcall, attribute, customer, domain, keys, until
from openpyxl import load_workbook
from tiny_hibob import TOKEN, TinyHiBob, key_of, somebody

from provisioning.database import Database
from provisioning.sandbox import Sandbox
from provisioning.store import jobs
from provisioning.store.codec import to_moment
from provisioning.store.jobs import JobKind, JobState

NORTHWIND = "Northwind Trading/staff"


def end(process: "subprocess.Popen[bytes]", kind: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(kind)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out.decode(), err.decode()


def line_of(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode()


# --- the main job -----------------------------------------------------------------------------------------


def awkward() -> TinyHiBob:
    """People whose values are easily spoilt."""
    return TinyHiBob(
        [
            somebody(1, first_name="Zoe\u0308", surname="A\u030angstro\u0308m", email="ZOE@Acme.Example"),
            somebody(2, first_name="Siobhán", surname="O'Brien", payroll="000042", department="209192161"),
            somebody(3, surname="=1+1", manager=key_of(2), fte=37.50, certified=False, contract_end="2026-02-28"),
            somebody(4, department=None, site="Dublin", employment="209192999", manager=key_of(1)),
            somebody(5, status="Hired", start="2999-01-01", email=None),
            somebody(6, status="Terminated", last_day="2020-01-01"),
            somebody(7, payroll=None),
            *(somebody(number) for number in range(8, 31)),
        ]
    )


def rich() -> dict[str, Any]:
    return domain(
        *domain()["attributes"][:4],
        attribute("Department", "humanReadable.work.department", fallback="work.site", values={"Legal & Compliance": "Legal"}),
        attribute("Employment", "humanReadable.payroll.employment.type"),
        attribute("Manager", "work.reportsTo", type="user"),
        attribute("FTE", "payroll.employment.fte", type="number"),
        attribute("Certified", "Certified person", type="yes/no"),
        attribute("Start", "work.startDate", type="date"),
        attribute("Contract end", "Contract end", type="date", blank="clear"),
        attribute("HiBob", "root.id"),
    )  # fmt: skip


def test_the_main_job_on_a_hibob_that_knows_only_its_documentation(empty: Rollcall) -> None:
    with awkward() as hibob:
        said = empty.run("setup", empty.write(customer(hibob.base_url, rich()))).fine()
        assert "created" in said.out
        checked = empty.run("check", STAFF, "--json").fine().json
        assert (checked["ok"], checked["people"]) == (True, {"live": 28, "inactive": 2})

        plan = empty.run("preview", STAFF, "--json", "--excel", "plan.xlsx").fine().json
        assert plan["counts"]["add"] == 27
        assert {each["key"]: each["code"] for each in plan["held"]} == {
            key_of(5): "future-starter",
            key_of(7): "required-blank",
        }
        book = load_workbook(empty.folder / "plan.xlsx")
        sheet = book["Added"]
        row = next(cell.row for cell in sheet["B"] if cell.value == key_of(30))
        sheet.cell(row, 1).value = "Leave out"
        book.save(empty.folder / "decided.xlsx")

        empty.run("process", plan["plan"]).complaint(3)
        empty.run("approve", plan["plan"], "--workbook", "decided.xlsx", by=ADMIN).fine()
        run = empty.run("process", plan["plan"], "--json").fine().json
        assert run["counts"] == {"done": 26, "failed": 0, "drifted": 0, "skipped": 1}

        users = {each["external_id"]: each["attributes"] for each in empty.run("users", STAFF, "--json").fine().json}
        assert len(users) == 26
        assert users[key_of(1)] | {} == {
            "Employee ID": "000001", "Email": "zoe@acme.example", "First name": "Zoë", "Last name": "Ångström",
            "Department": "Sales", "Employment": "Full time", "FTE": "100", "Certified": "Yes", "Start": "2020-03-01",
            "HiBob": key_of(1),
        }  # fmt: skip
        assert (users[key_of(2)]["Employee ID"], users[key_of(2)]["Last name"]) == ("000042", "O'Brien")
        assert users[key_of(2)]["Department"] == "Legal"
        expected = {
            "Last name": "=1+1",
            "Manager": "000042",
            "FTE": "37.5",
            "Certified": "No",
            "Contract end": "2026-02-28",
        }
        assert users[key_of(3)] | expected == users[key_of(3)]
        assert (users[key_of(4)]["Department"], users[key_of(4)]["Employment"]) == ("Dublin", "Secondment")
        assert users[key_of(4)]["Manager"] == "000001"

        hibob.forget(30)
        assert empty.preview()["status"] == "empty"
        told = empty.history()
        assert {each["run"] for each in told if each["run"]} == {run["run"]}
        assert TOKEN.encode() not in empty.written()


def test_the_main_job_on_the_sandbox_and_a_day_later(northwind: Rollcall, sandbox: Sandbox) -> None:
    plan = northwind.run("preview", NORTHWIND, "--json").fine().json
    northwind.run("approve", plan["plan"], by="admin@northwind.example").fine()
    run = northwind.run("process", plan["plan"], "--json").fine().json
    assert run["counts"]["done"] == plan["counts"]["add"] > 50
    assert northwind.run("preview", NORTHWIND, "--json").fine().json["status"] == "empty"
    sandbox.pass_day()
    assert northwind.preview(NORTHWIND)["changes"]


def test_one_domain_after_the_other_shares_nothing_but_the_customer(empty: Rollcall) -> None:
    with TinyHiBob([somebody(n, site="Dublin" if n % 2 else "London") for n in range(1, 21)]) as hibob:
        scopes = {
            "irish": [{"rule": "include", "column": "work.site", "is": ["Dublin"]}],
            "rest": [{"rule": "exclude", "column": "work.site", "is": ["Dublin"]}],
        }
        content = customer(hibob.base_url, *(domain(name=name, scope=scope) for name, scope in scopes.items()))
        empty.set_up(content).fine()
        assert (empty.sync("Acme/irish")["counts"]["add"], empty.sync("Acme/rest")["counts"]["add"]) == (10, 10)
        hibob.change(1, site="London")
        assert keys(empty.preview("Acme/irish")["changes"]) == [key_of(1)]
        assert empty.preview("Acme/rest")["counts"]["add"] == 1


# --- the demo and the sandbox -----------------------------------------------------------------------------


def test_the_demo_does_the_main_job_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    house = Rollcall(tmp_path / "data")
    house.environment.clear()
    said = house.run("demo", "--check", env={"TMPDIR": str(tmp_path)}).fine()
    for word in ("Check", "Preview", "Workbook", "Approved", "done", "empty", "day"):
        assert word in said.out
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("rollcall-demo")] == []


def test_a_sandbox_serves_until_it_is_told_to_end_and_a_day_passes_in_it(tmp_path: Path) -> None:
    house = Rollcall(tmp_path / "data")
    process = house.start("sandbox", "--people", "40", "--seed", "7")
    printed = dict(line_of(process).strip().rsplit(maxsplit=1) for _ in range(3))
    assert set(printed) == {"base URL", "id", "token"}
    house.environment |= {"NORTHWIND_TOKEN": printed["token"]}
    example = (ROOT / "data" / "northwind.toml").read_text(encoding="utf-8")
    house.set_up(example.replace("http://127.0.0.1:8799/v1", printed["base URL"])).fine()
    found = house.call("check", NORTHWIND, "--json").fine().json
    assert sum(found["people"].values()) == 40
    before = house.preview(NORTHWIND)
    said = house.run("day").fine()
    assert "day" in said.out
    after = house.preview(NORTHWIND)
    assert before["digest"] != after["digest"]
    port = printed["base URL"].split(":")[2].split("/")[0]
    second = Rollcall(tmp_path / "second")
    assert port in second.run("sandbox", "--port", port).complaint(2)
    code, _, err = end(process)
    assert (code, err) == (0, "")
    house.call("day").complaint(2)
    house.call("check", NORTHWIND).complaint(1)


# --- the worker -------------------------------------------------------------------------------------------


class Queue:
    """What a page does: asks for a job, and looks what became of it."""

    def __init__(self, house: Rollcall) -> None:
        self.db = Database(house.data / "rollcall.db")

    def ask(self, kind: JobKind, by: str, plan: str | None = None, domain: int = 1) -> int:
        return jobs.ask(self.db, domain, kind, by, to_moment("2026-01-01T00:00:00.000000Z"), plan)

    def ended(self, *numbers: int) -> list[jobs.Job]:
        until(lambda: all(jobs.get_job(self.db, n).state in (JobState.DONE, JobState.FAILED) for n in numbers))
        found = [jobs.get_job(self.db, number) for number in numbers]
        self.db.close()
        return found


def test_the_worker_executes_what_was_asked_in_the_name_of_who_asked(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.join(41)
    plan = staffed.preview()["plan"]
    staffed.call("approve", plan, by=ADMIN).fine()
    queue = Queue(staffed)
    asked = [
        queue.ask(JobKind.CHECK, CSM),
        queue.ask(JobKind.PROCESS, CSM, plan),
        queue.ask(JobKind.PREVIEW, ADMIN),
        queue.ask(JobKind.PREVIEW, AUDITOR),
        queue.ask(JobKind.PROCESS, ADMIN, "plan-unknown"),
    ]
    worker = staffed.start("worker")
    checked, processed, previewed, refused, unknown = queue.ended(*asked)
    code, _, err = end(worker)
    assert (code, err) == (0, "")
    assert [each.state for each in (checked, processed, previewed)] == [JobState.DONE] * 3
    assert len(staffed.users()) == 31
    shown = staffed.call("plan", previewed.result["plan"], "--json").fine().json
    assert shown["status"] == "empty"
    assert processed.result["run"] in str(staffed.history())
    who = {each["plan"]: each["who"] for each in staffed.history() if "made" in each["what"]}
    assert who[previewed.result["plan"]] == ADMIN
    assert (refused.state, unknown.state) == (JobState.FAILED, JobState.FAILED)
    assert AUDITOR in (refused.error or "")
    assert "plan-unknown" in (unknown.error or "")


def test_a_job_that_hibob_fails_is_told_and_the_worker_goes_on(acme: Rollcall, hibob: TinyHiBob) -> None:
    queue = Queue(acme)
    hibob.fault = 401
    worker = acme.start("worker")
    line_of(worker)
    failing = queue.ask(JobKind.PREVIEW, ADMIN)
    until(lambda: jobs.get_job(queue.db, failing).state is JobState.FAILED)
    hibob.fault = None
    failed, done = queue.ended(failing, queue.ask(JobKind.PREVIEW, ADMIN))
    assert end(worker)[0] == 0
    assert "token" in (failed.error or "")
    assert TOKEN not in (failed.error or "")
    assert done.state is JobState.DONE


def test_a_job_that_breaks_in_an_unforeseen_way_does_not_end_the_worker(acme: Rollcall) -> None:
    """Here: the snapshots cannot be written."""
    (acme.data / "snapshots").write_text("in the way")
    queue = Queue(acme)
    number = queue.ask(JobKind.PREVIEW, ADMIN)
    worker = acme.start("worker")
    until(lambda: worker.poll() is not None or jobs.get_job(queue.db, number).state is JobState.FAILED)
    code, _, err = end(worker)
    assert (code, err) == (0, "")
    (job,) = queue.ended(number)
    assert job.error


def test_a_job_whose_worker_was_killed_is_done_by_the_next(acme: Rollcall) -> None:
    queue = Queue(acme)
    acme.sql(
        "CREATE TRIGGER meanwhile AFTER INSERT ON plans BEGIN SELECT count(*) FROM (WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000000000) SELECT i FROM n); END"
    )
    job = queue.ask(JobKind.PREVIEW, ADMIN)
    worker = acme.start("worker")
    until(lambda: jobs.get_job(queue.db, job).state is JobState.RUNNING)
    end(worker, signal.SIGKILL)
    acme.sql("DROP TRIGGER meanwhile")
    next_one = acme.start("worker")
    (done,) = queue.ended(job)
    assert end(next_one, signal.SIGINT)[0] == 0
    assert done.state is JobState.DONE
    assert len(acme.sql("SELECT * FROM plans")) == 1


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_worker_ends_when_it_is_told_to(acme: Rollcall, kind: signal.Signals) -> None:
    worker = acme.start("worker")
    assert "ready" in line_of(worker)
    code, _, err = end(worker, kind)
    assert (code, err) == (0, "")


def test_a_restored_database_knows_nothing_of_the_snapshots_of_the_one_it_replaced(
    acme: Rollcall, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    plan = acme.preview()
    acme.call("backup", copy).fine()
    acme.approve_and_process(plan)
    acme.preview()
    acme.call("restore", copy).fine()
    assert acme.users() == []
    assert not list(acme.data.glob("snapshots/*.arrow"))
    acme.call("explain", STAFF, key_of(1)).complaint(2)
    assert sorted(each.name for each in tmp_path.glob("copy.db*")) == ["copy.db"]


def test_a_field_that_was_made_anew_under_the_same_name_is_found_again(acme: Rollcall) -> None:
    """What is cached of HiBob's fields is read again before a column is called absent."""
    acme.preview()
    acme.sql("UPDATE connections SET metadata = replace(metadata, 'work.startDate', 'work.oldStartDate')")
    assert acme.preview()["findings"] == []


def test_a_scope_column_that_is_misspelt_shows_in_the_check(acme: Rollcall, hibob: TinyHiBob) -> None:
    rule = {"rule": "include", "column": "work.sit", "is": ["London"]}
    acme.set_up(customer(hibob.base_url, domain(scope=[rule]))).fine()
    said = acme.call("check", STAFF, "--json").fine().json
    assert not said["ok"]
    assert any("work.sit" in each["message"] for each in said["findings"])
