"""What the command line answers to words, files, folders and outputs that are not as they should be."""

import argparse
import json
import os
import stat
from importlib import import_module
from pathlib import Path

import pytest
from driver import ADMIN, STAFF, Rollcall, customer, domain
from tiny_hibob import TinyHiBob

from provisioning.command_line.words import parser

COMMANDS = [
    "demo",
    "sandbox",
    "day",
    "setup",
    "export",
    "check",
    "preview",
    "plan",
    "workbook",
    "approve",
    "process",
    "stop",
    "users",
    "history",
    "explain",
    "verify",
    "worker",
    "grant",
    "rotate-key",
    "backup",
    "restore",
    "doctor",
]


# --- words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(empty: Rollcall, command: str) -> None:
    said = empty.call(command, "--help").fine()
    assert command in said.out


def test_every_command_has_its_function() -> None:
    (commands,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    for name, each in commands.choices.items():
        group = import_module(f"provisioning.command_line.{each.get_default('group')}")
        assert callable(getattr(group, name.replace("-", "_"))), name


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("frobnicate",),
        ("preview",),
        ("preview", STAFF, "--nonsense"),
        ("preview", STAFF, "--excel"),
        ("users", STAFF, "extra"),
        ("plan", "plan-1", "--yaml"),
        ("grant", "somebody@acme.example", "king"),
        ("sandbox", "--port", "http"),
        ("sandbox", "--people", "many"),
        ("sandbox", "--people", "0"),
        ("sandbox", "--port", "99999"),
        ("sandbox", "--port", "-1"),
        ("day",),
        ("export", "Nobody Ltd"),
        ("check", "Nobody Ltd/staff"),
        ("check", "staff"),
        ("preview", "Nobody Ltd/staff"),
        ("preview", "/"),
        ("plan", "plan-unknown"),
        ("workbook", "plan-unknown", "plan.xlsx"),
        ("approve", "plan-unknown"),
        ("process", "plan-unknown"),
        ("stop", "run-unknown"),
        ("users", "Nobody Ltd/staff"),
        ("history", "Nobody Ltd"),
        ("history", "Nobody Ltd/staff"),
        ("explain", "Nobody Ltd/staff", "x"),
        ("grant", "somebody@acme.example", "csm", "Nobody Ltd"),
        ("grant", "somebody@acme.example", "admin"),
        ("grant", "not an e-mail", "csm"),
        ("setup", "there-is-no-such-file.toml"),
        ("restore", "there-is-no-such-file.db"),
    ],
    ids=" ".join,
)
def test_wrong_words_and_unknown_things_are_one_or_two_lines_and_exit_2(
    empty: Rollcall, words: tuple[str, ...]
) -> None:
    empty.call(*words).complaint(2)


@pytest.mark.parametrize(
    "words",
    [
        ("check", "Acme/nobody"),
        ("preview", "Acme/nobody"),
        ("users", "Acme/nobody"),
        ("history", "Acme/nobody"),
        ("explain", "Acme/nobody", "x"),
        ("check", "acme/staff"),
        ("preview", "Acme"),
    ],
    ids=" ".join,
)
def test_an_unknown_domain_is_named_with_what_there_is(acme: Rollcall, words: tuple[str, ...]) -> None:
    assert STAFF in acme.call(*words).complaint(2)


@pytest.mark.parametrize("who", ["nobody", "a@b c", "@", "", " "])
@pytest.mark.parametrize("command", ["preview", "users"])
def test_by_must_be_an_email_address(acme: Rollcall, command: str, who: str) -> None:
    acme.call(command, STAFF, "--by", who).complaint(2)


@pytest.mark.parametrize(
    "words",
    [
        ("users", "\udcff/staff"),
        ("export", "\udcff"),
        ("history", "\udcff"),
        ("preview", "Acme/\udcff"),
        ("plan", "\udcff"),
        ("process", "\udcff"),
        ("stop", "\udcff"),
        ("explain", STAFF, "\udcff"),
        ("grant", "\udcff@acme.example", "admin", "Acme"),
        ("users", STAFF, "--by", "\udcff@acme.example"),
    ],
    ids=ascii,
)
def test_words_that_are_no_text_are_wrong_words(staffed: Rollcall, words: tuple[str, ...]) -> None:
    """A byte that is no UTF-8, as from a terminal of another encoding, arrives as a lone surrogate."""
    said = staffed.call(*words)
    assert said.complaint(said.code)
    assert said.code in (2, 3)


def test_a_reason_that_is_no_text_is_a_wrong_word(staffed: Rollcall, hibob: TinyHiBob) -> None:
    for number in range(1, 6):
        hibob.change(number, status="Terminated")
    plan = staffed.preview()["plan"]
    staffed.call("approve", plan, "--override", "limit-archive=\udcff", by=ADMIN).complaint(2)


def test_data_and_by_may_stand_before_or_after_the_command(acme: Rollcall) -> None:
    before = acme.call("users", STAFF, "--json")
    after = Rollcall(acme.folder / "elsewhere").call("users", STAFF, "--json", "--data", acme.data, by=ADMIN)
    assert before.fine().json == after.fine().json == []


def test_json_is_one_document_and_nothing_else(staffed: Rollcall) -> None:
    for words in (["check"], ["preview"], ["users"], ["history"], ["explain", "000003"]):
        said = staffed.call(words[0], STAFF, *words[1:], "--json").fine()
        assert json.loads(said.out) is not None


def test_the_program_itself_keeps_these_rules(acme: Rollcall) -> None:
    """Once through the real program what is tested above within this process."""
    acme.run("frobnicate").complaint(2)
    acme.run("preview", "Nobody Ltd/staff", "--json").complaint(2)
    assert acme.run("users", STAFF, "--json").fine().json == []


# --- files and folders ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\xff\xfe",
        b"\x00\x01\x02",
        'name = "Zoë"'.encode("utf-16"),
        b"[customer\n",
        b"",
        b"[[customer]]\n",
    ],
    ids=["binary", "zeros", "utf-16", "cut off", "empty", "list"],
)
def test_a_setup_file_that_is_none_is_refused(empty: Rollcall, content: bytes) -> None:
    file = empty.folder / "setup.toml"
    file.write_bytes(content)
    empty.call("setup", file).complaint(2)


def test_a_setup_file_may_begin_with_a_byte_order_mark(empty: Rollcall) -> None:
    file = empty.folder / "setup.toml"
    file.write_bytes(b'\xef\xbb\xbf[customer]\r\nname = "Acme"\r\n')
    empty.call("setup", file).fine()


def test_a_folder_where_a_file_should_be_is_refused(staffed: Rollcall) -> None:
    folder = staffed.folder / "a folder"
    folder.mkdir()
    plan = staffed.preview()["plan"]
    for words in (
        ("setup", folder),
        ("approve", plan, "--workbook", folder, "--by", ADMIN),
        ("workbook", plan, folder),
        ("users", STAFF, "--csv", folder),
        ("backup", folder),
        ("restore", folder),
    ):
        staffed.call(*words).complaint(2)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", [".", "/", "..", "no/such/folder/file"])
@pytest.mark.parametrize("command", ["workbook", "users", "backup", "preview"])
def test_a_file_that_cannot_be_written_is_refused(staffed: Rollcall, command: str, name: str) -> None:
    plan = staffed.sql("SELECT id FROM plans")[0][0]
    words = {
        "workbook": ("workbook", plan, name),
        "users": ("users", STAFF, "--csv", name),
        "backup": ("backup", name),
        "preview": ("preview", STAFF, "--excel", name),
    }
    staffed.call(*words[command]).complaint(2)


def test_a_data_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    for data in (file, file / "below", Path("/dev/null/data")):
        house = Rollcall(data)
        house.folder = tmp_path
        for words in (("users", STAFF), ("doctor",), ("verify",), ("day",), ("rotate-key",), ("worker",)):
            house.call(*words).complaint(2)
    assert file.read_text() == "not a folder"


def test_a_sandbox_needs_a_data_folder_to_write_its_address_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    Rollcall(tmp_path / "file").run("sandbox", "--people", "30").complaint(2)


def test_a_database_that_is_none_is_refused_and_left_alone(empty: Rollcall) -> None:
    empty.data.mkdir()
    database = empty.data / "rollcall.db"
    database.write_bytes(b"this is no database, but something somebody may want to keep" * 50)
    before = database.read_bytes()
    empty.call("users", STAFF).complaint(2)
    empty.call("doctor").complaint(2)
    assert database.read_bytes() == before


def test_snapshots_that_cannot_be_written_are_an_error_in_words(acme: Rollcall) -> None:
    (acme.data / "snapshots").write_text("in the way")
    said = acme.call("preview", STAFF)
    assert said.code in (1, 2)
    assert 1 <= len(said.err.splitlines()) <= 2


def test_a_key_file_that_is_none_is_an_error_in_words(acme: Rollcall) -> None:
    key = acme.data / "rollcall.key"
    for content in (b"", b"\xff\xfe", b"short"):
        key.write_bytes(content)
        acme.call("check", STAFF).complaint(2)
    key.unlink()
    key.mkdir()
    acme.call("check", STAFF).complaint(2)


@pytest.mark.parametrize(
    "variables",
    [
        {"ROLLCALL_KEY": "nonsense"},
        {"ROLLCALL_KEY": ","},
        {"ROLLCALL_KEY_FILE": "/no/such/file"},
        {"ROLLCALL_ALLOWED_HOSTS": ""},
    ],
    ids=str,
)
def test_wrong_variables_are_an_error_in_words(acme: Rollcall, variables: dict[str, str]) -> None:
    acme.environment |= variables
    acme.call("check", STAFF).complaint(2)


def test_a_wrong_age_for_reading_again_is_an_error_in_words(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    acme.call("approve", plan, by=ADMIN).fine()
    acme.environment["ROLLCALL_REREAD_MINUTES"] = "a quarter of an hour"
    assert "ROLLCALL_REREAD_MINUTES" in acme.call("process", plan).complaint(2)
    assert acme.users() == []


def test_whatever_is_written_is_readable_by_its_owner_alone(staffed: Rollcall) -> None:
    plan = staffed.preview()["plan"]
    staffed.call("workbook", plan, staffed.data / "plan.xlsx").fine()
    staffed.call("preview", STAFF, "--excel", staffed.data / "other.xlsx").fine()
    staffed.call("users", STAFF, "--csv", staffed.data / "users.csv").fine()
    staffed.call("backup", staffed.data / "copy.db").fine()
    with staffed.database() as db:
        db.execute("SELECT 1 FROM users").fetchall()  # so that the WAL and its index are there
        modes = {
            path.relative_to(staffed.data).as_posix(): oct(stat.S_IMODE(path.stat().st_mode))
            for path in staffed.data.rglob("*")
            if path.is_file()
        }
    assert set(modes.values()) == {"0o600"}, modes
    assert {"rollcall.db", "rollcall.key", "plan.xlsx", "other.xlsx", "users.csv", "copy.db"} <= set(modes)


# --- outputs ----------------------------------------------------------------------------------------------

PRINTING = [
    ("users", STAFF),
    ("users", STAFF, "--json"),
    ("preview", STAFF),
    ("preview", STAFF, "--json"),
    ("export", "Acme"),
]


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_reader_who_went_away_is_no_error(staffed: Rollcall, words: tuple[str, ...]) -> None:
    """As with `| head -1`: nobody is told of a broken pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    said = staffed.run(*words, stdout=writing)
    os.close(writing)
    assert said.err == ""


@pytest.mark.parametrize("words", PRINTING[:2], ids=" ".join)
def test_a_closed_output_is_an_error_in_words_at_most(staffed: Rollcall, words: tuple[str, ...]) -> None:
    said = staffed.run(*words, through='exec "$@" >&-')
    assert len(said.err.splitlines()) <= 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is /dev/full, which only Linux has")
@pytest.mark.parametrize("words", PRINTING[:2], ids=" ".join)
def test_a_full_disk_under_the_output_is_an_error_in_words(staffed: Rollcall, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        said = staffed.run(*words, stdout=full)
    assert said.code != 0
    assert 1 <= len(said.err.splitlines()) <= 2


def test_an_output_that_knows_ascii_only_is_no_reason_to_fail(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, surname="Åkerström")
    said = staffed.run("preview", STAFF, env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert said.code == 0


# --- who may ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["auditor@acme.example", "stranger@acme.example"])
def test_preparing_takes_the_role_admin_or_csm(staffed: Rollcall, hibob: TinyHiBob, who: str) -> None:
    hibob.join(40)
    plan, run = staffed.preview()["plan"], staffed.sql("SELECT id FROM runs")[0][0]
    before = staffed.sql("SELECT count(*) FROM history")
    for words in (
        ("preview", STAFF),
        ("approve", plan),
        ("process", plan),
        ("stop", run),
        ("setup", staffed.write(customer(hibob.base_url, domain(two_people=True)))),
        ("grant", who, "admin", "Acme"),
        ("grant", who, "csm"),
    ):
        said = staffed.call(*words, by=who)
        assert who in said.complaint(3)
    assert staffed.sql("SELECT count(*) FROM history") == before
    assert len(staffed.users()) == 30


def test_an_auditor_reads_and_a_stranger_does_not(staffed: Rollcall) -> None:
    plan = staffed.preview()["plan"]
    for words in (
        ("users", STAFF),
        ("history", STAFF),
        ("history", "Acme"),
        ("explain", STAFF, "000003"),
        ("plan", plan),
        ("export", "Acme"),
        ("workbook", plan, staffed.folder / "plan.xlsx"),
    ):
        staffed.call(*words, by="auditor@acme.example").fine()
        staffed.call(*words, by="stranger@acme.example").complaint(3)


@pytest.mark.parametrize("who", ["auditor@acme.example", "stranger@acme.example"])
def test_the_installation_is_not_theirs_to_copy_or_change(staffed: Rollcall, who: str) -> None:
    """A copy holds every customer's people, and a restore replaces them."""
    staffed.call("backup", "copy.db").fine()
    for words in (("rotate-key",), ("backup", "other.db"), ("restore", "copy.db")):
        staffed.call(*words, by=who).complaint(3)
    assert not (staffed.folder / "other.db").exists()


def test_a_member_of_one_customer_is_a_stranger_to_the_next(staffed: Rollcall, hibob: TinyHiBob) -> None:
    other = customer(hibob.base_url, members=[{"email": "boss@globex.example", "role": "admin"}])
    staffed.set_up(other | {"customer": {"name": "Globex"}}).fine()
    plan = staffed.preview()["plan"]
    for words in (("users", STAFF), ("preview", STAFF), ("plan", plan), ("approve", plan), ("export", "Acme")):
        staffed.call(*words, by="boss@globex.example").complaint(3)
    assert staffed.call("users", "Globex/staff", "--json", by="boss@globex.example").fine().json == []


def test_the_address_of_who_acts_is_compared_without_regard_to_case(acme: Rollcall) -> None:
    acme.call("approve", acme.preview()["plan"], by="Admin@ACME.example").fine()


@pytest.mark.parametrize("words", [("history", "Nobody"), ("users", "Nobody/staff"), ("export", "Nobody")])
def test_the_operator_is_told_which_names_there_are_and_a_member_not_even_whether_it_is_one(
    staffed: Rollcall, hibob: TinyHiBob, words: tuple[str, ...]
) -> None:
    other = customer(hibob.base_url, members=[{"email": "boss@globex.example", "role": "admin"}])
    staffed.set_up(other | {"customer": {"name": "Globex"}}).fine()
    told = staffed.call(*words).complaint(2)
    assert ("Acme" in told, "Globex" in told) == (True, True)
    foreign = [each.replace("Nobody", "Globex") for each in words]
    assert staffed.call(*words, by=ADMIN).complaint(3) == staffed.call(*foreign, by=ADMIN).complaint(3)
