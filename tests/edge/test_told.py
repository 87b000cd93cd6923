"""What happened, as a sentence after whoever did it."""

import pytest

from provisioning.report.called import by_whom, who
from provisioning.report.told import done, not_done, planned, told

COUNTS = {"add": 4, "update": 5, "archive": 2, "held": 3, "unchanged": 90}
RESULTS = {"done": 11, "failed": 0, "drifted": 0, "skipped": 0}
BLOCK = {"code": "limit-archive", "reason": "The office closed.", "numbers": {"counted": 30}}


@pytest.mark.parametrize(
    ("what", "details", "text"),
    [
        ("plan made", {"counts": COUNTS, "blocks": []}, "made a preview: 4 to be added, 5 to be updated, 2 to be archived"),
        ("plan made", {"counts": {"unchanged": 3}, "blocks": []}, "made a preview: nobody changes"),
        ("plan made", {"counts": {"archive": 1}, "undo_of": "run-1"}, "made a preview that takes a run back: 1 to be archived"),
        ("plan failed", {"why": "HiBob did not answer."}, "could not make a preview"),
        ("plan failed", {"undo_of": "run-1"}, "could not make a preview to take a run back"),
        ("plan failed", {"farewell": True}, "could not make a preview to archive everybody"),
        ("run not begun", {"why": "HiBob did not answer."}, "could not begin to process"),
        ("plan approved", {"left_out": []}, "approved 11 changes: 4 to be added, 5 to be updated, 2 to be archived"),
        ("plan approved", {"left_out": ["1", "2"], "workbook": True}, "approved 9 of 11 changes by Excel file"),
        ("run ended", {"counts": RESULTS}, "processed 11 changes: 4 added, 5 updated, 2 archived"),
        ("run ended", {"counts": RESULTS | {"done": 9, "failed": 2}}, "processed 9 of 11 changes; 2 failed"),
        ("run ended", {"counts": {"done": 10, "skipped": 1}, "did": {"add": 4, "update": 6}}, "processed 10 of 11 changes: 4 added, 6 updated; 1 left out"),
        ("run ended", {"counts": {"done": 2}, "did": {"add": 2}, "retry_of": "run-1"}, "tried those again who had failed, and processed 2 changes: 2 added"),
        ("run stopped", {"counts": RESULTS | {"done": 1}}, "processed 1 change, then the run stopped"),
        ("mapping saved", {"mapping_version": 3, "changed": []}, "saved the mapping, now version 3"),
        ("mapping saved", {"mapping_version": 4, "gone_back_to": 2}, "went back to version 2 of the mapping"),
        ("schedule on", {"schedule": '{"cron":"0 5 * * *"}'}, "switched the schedule on: previews only"),
        ("schedule on", {"schedule": '{"cron":"0 5 * * *","does":"process"}'}, "switched the schedule on: a standing approval"),
        ("schedule saved", {"schedule": "none"}, "removed the schedule"),
        ("history exported", {"of": "runs", "rows": 1, "file": "json"}, "took 1 run of the history out as a JSON file"),
        ("users exported", {"users": 1200}, "took 1,200 users out as a file"),
        ("role granted", {"name": "a@acme.example", "role": "auditor"}, "gave a@acme.example the role auditor"),
        ("role granted", {"name": "a@acme.example", "role": "auditor", "instead_of": "admin"}, "gave a@acme.example the role auditor, instead of admin"),
        ("role removed", {"name": "c@x.example", "roles": ["admin", "auditor"]}, "took the roles admin and auditor from c@x.example"),
        ("role removed", {"name": "c@x.example", "roles": ["csm"], "of": "every customer"}, "took the role CSM from c@x.example for every customer"),
        ("role removed", {"name": "c@x.example", "of": "every customer"}, "took every role from c@x.example for every customer"),
        ("connection created", {"name": "Acme HiBob", "token_set": True}, "added the connection Acme HiBob"),
        ("domain created", {"name": "staff"}, "added the domain staff"),
        ("customer taken up again", {"name": "Acme"}, "took up the customer Acme again"),
        ("target saved", {"target": "local", "token_set": False}, "set the target: Local directory"),
        ("target saved", {"target": "https://acme.skillcast.io/x"}, "set the target: Skillcast (SCIM 2.0), https://acme.skillcast.io/x"),
        ("notification target added", {"target": "Slack"}, "added the notification address Slack"),
        ("test message sent", {"targets": 1}, "sent a test message to 1 address"),
        ("history checked", {"rows": 9, "problem": "Why.", "doubt": True}, "checked the history: its seal does not prove that it is as it was written"),
        ("decided", {"decisions": [], "taken_back": ["Ada"]}, "took back what was decided about Ada"),
        ("something of a newer version", {}, "something of a newer version"),
    ],
)  # fmt: skip
def test_what_happened_is_a_sentence(what: str, details: dict[str, object], text: str) -> None:
    assert told(what, details, COUNTS).text == text


def test_an_approval_of_a_preview_that_is_no_longer_kept_is_told_without_numbers() -> None:
    assert told("plan approved", {"left_out": []}).text == "approved a preview"


@pytest.mark.parametrize(
    ("what", "details", "more"),
    [
        ("plan made", {"counts": COUNTS, "blocks": ["limit-archive"]}, "3 held back; blocked: Too many archives"),
        ("plan approved", {"overrides": [BLOCK], "digest": "x"}, "overrode “Too many archives”, because: The office closed."),
        ("plan approved", {"left_out": ["Ada"], "signed_by": "Bea"}, "left out: Ada, signed by: Bea"),
        ("plan approved", {"left_out": ["Ada", "Cy"], "protected": ["Cy"]}, "kept active: Cy, left out: Ada"),
        ("run stopped", {"counts": RESULTS, "why": "Somebody asked."}, "Somebody asked."),
        ("schedule paused", {"reason": "undo"}, "A run is to be taken back."),
        ("settings saved", {"settings_version": 2, "changed": {"absent_reads": {"from": 1, "to": 2}}}, "Complete reads before somebody absent is archived: 1 → 2"),
        ("schedule on", {"mapping_version": 1, "schedule": "{}"}, ""),
        ("schedule saved", {"schedule": {"cron": "0 5 * * 1-5", "timezone": "Europe/London", "does": "preview"}}, "Monday to Friday at 05:00, Europe/London time"),
        ("connection changed", {"name": "HiBob", "base_url": "https://api.hibob.com", "token_set": False, "from": "web"}, ""),
        ("workbook exported", {"left_out": 0, "from": "vm, web"}, ""),
        ("signed in", {"from": "web, 10.0.0.1"}, "from 10.0.0.1"),
        ("users exported", {"users": 2, "from": "vm, users"}, "by the command users"),
        ("connection created", {"name": "Acme HiBob", "token_set": True, "report": 7}, "reads custom report 7, with a new token"),
        ("customer created", {"name": "Acme", "seats": 260}, "260 licensed seats"),
        ("customer created", {"name": "Acme", "seats": None}, ""),
        ("domain offboarded", {"name": "staff", "users": "stay"}, "its users stay as they are"),
        ("plan failed", {"why": "HiBob did not answer."}, "HiBob did not answer."),
        ("decided", {"decisions": ["Ada: Keep active", "Bea: Moved to hub"]}, "Ada: Keep active; Bea: Moved to hub"),
    ],
)  # fmt: skip
def test_what_else_is_known_stands_below(what: str, details: dict[str, object], more: str) -> None:
    assert told(what, details, COUNTS).more == more


def test_numbers_are_in_the_order_of_the_charts() -> None:
    assert planned({"archive": 1, "add": 1_200}) == "1,200 to be added, 1 to be archived"
    assert done({"link": 2, "update": 1}) == "1 updated, 2 linked"
    assert not_done({"done": 3, "skipped": 1, "failed": 2}) == "2 failed, 1 left out"
    assert (planned({}), done({}), not_done({"done": 3})) == ("", "", "")


def test_the_operator_and_the_schedule_are_called_so() -> None:
    assert who("operator:root") == "The operator (root)"
    assert by_whom("operator:root") == "the operator (root)"
    assert who("ada@acme.example (schedule)") == "The schedule (for ada@acme.example)"
    assert who("admin@acme.example") == by_whom("admin@acme.example") == "admin@acme.example"
