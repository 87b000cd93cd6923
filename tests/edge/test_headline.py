"""A preview in one breath, and its changes by what happened."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from plans import plan_of

from provisioning.model import Finding, Plan, Severity
from provisioning.report.called import FINDINGS, HELD, finding_called, held_called, held_codes
from provisioning.report.groups import Group, chosen, grouped
from provisioning.report.headline import against, as_word, but_for, compared, happened, headline, newest_of

RULES = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
NOTHING: Mapping[str, int] = {}


def plan(*findings: Finding, undo_of: str | None = None, **counts: int) -> Plan:
    return replace(plan_of(), counts=counts, findings=findings, undo_of=undo_of)


def finding(code: str, severity: Severity) -> Finding:
    return Finding(code, severity, "What was counted.", "What to do.")


BLOCK = finding("limit-archive", Severity.BLOCK)
WARN = finding("seats", Severity.WARN)
INFO = finding("future-archive", Severity.INFO)


@pytest.mark.parametrize(
    ("made", "updated", "words"),
    [
        (plan(), NOTHING, "Nobody changes: the users agree with HiBob."),
        (plan(held=1), NOTHING, "Nobody changes: the users agree with HiBob. 1 is held back."),
        (
            plan(add=3, update=12, archive=1),
            {"Department": 12},
            "3 people join, 12 change department, 1 leaves. Nothing is blocked.",
        ),
        (plan(add=1), NOTHING, "1 person joins. Nothing is blocked."),
        (plan(update=1), {"Job title": 1}, "1 person changes job title. Nothing is blocked."),
        (plan(archive=1_200), NOTHING, "1,200 people leave. Nothing is blocked."),
        (plan(reactivate=1, move=1), NOTHING, "1 person comes back, 1 moves to another domain. Nothing is blocked."),
        (
            plan(update=5),
            {"Site": 4, "Manager": 2},
            "5 people change (site of 4 and manager of 2). Nothing is blocked.",
        ),
        (
            plan(update=9),
            {"Site": 7, "Employee ID": 2, "Email": 1},
            "9 people change (site of 7, Employee ID of 2 and email of 1). Nothing is blocked.",
        ),
        (
            plan(update=9),
            {"Site": 7, "Manager": 2, "Email": 1, "Job title": 1},
            "9 people change (site of 7, manager of 2 and 2 other attributes). Nothing is blocked.",
        ),
        (
            plan(update=9),
            {"Site": 4, "Manager": 4, "Email": 1, "Job title": 1},
            "9 people change (site of 4, manager of 4 and 2 other attributes). Nothing is blocked.",
        ),
        (
            plan(update=5),
            {"Department": 1, "Email": 1, "Manager": 1, "Site": 1},
            "5 people change (department, email and 2 other attributes). Nothing is blocked.",
        ),
        (
            plan(update=5),
            {"Department": 2, "Email": 2, "Site": 2},
            "5 people change (department of 2, email of 2 and site of 2). Nothing is blocked.",
        ),
        (
            plan(link=212, update=2, held=3),
            {"Email": 2},
            "2 people change email, 212 are linked to HiBob. 3 are held back. Nothing is blocked.",
        ),
        (plan(WARN, add=1), NOTHING, "1 person joins. Nothing is blocked, 1 warning to look at."),
        (plan(INFO, add=1), NOTHING, "1 person joins. Nothing is blocked."),
        (plan(BLOCK, archive=40), NOTHING, "40 people leave. Blocked: too many archives."),
        (plan(BLOCK, BLOCK, WARN, archive=40), NOTHING, "40 people leave. Blocked: too many archives."),
        (
            plan(finding("no-employees", Severity.BLOCK)),
            NOTHING,
            "Nobody changes. Blocked: nobody returned by HiBob.",
        ),
        (
            plan(INFO, undo_of="run-1", archive=211, reactivate=1, update=2, link=1),
            {"Site": 2},
            (
                "Takes a run back: 1 person becomes live again, 2 get earlier values back, 211 are archived, "
                "1 loses the link to HiBob. Nothing is blocked."
            ),
        ),
        (plan(undo_of="run-1", held=2), NOTHING, "Nobody changes. 2 are held back."),
    ],
)
def test_the_headline_says_what_happens_to_how_many_and_whether_it_is_safe(
    made: Plan, updated: Mapping[str, int], words: str
) -> None:
    assert headline(made, updated) == words


@pytest.mark.parametrize(
    ("made", "updated", "names", "words"),
    [
        (
            plan(add=2, update=1, archive=1),
            {"Department": 1},
            {"add": ["Ebba Sharma", "Grace Reid"], "update": ["Mats Sjöberg"], "archive": ["Julia Nolan"]},
            (
                "2 people join (Ebba Sharma, Grace Reid), 1 changes department (Mats Sjöberg), 1 leaves (Julia Nolan). "
                "Nothing is blocked."
            ),
        ),
        (
            plan(update=2),
            {"Department": 1, "Site": 1},
            {"update": ["Mats Sjöberg", "Niamh Costa"]},
            "2 people change (Mats Sjöberg, Niamh Costa). Nothing is blocked.",
        ),
        (
            plan(add=9, move=1),
            NOTHING,
            {"move": ["X"]},
            "9 people join, 1 moves to another domain (X). Nothing is blocked.",
        ),
    ],
)
def test_few_people_are_named_in_the_headline(
    made: Plan, updated: Mapping[str, int], names: Mapping[str, list[str]], words: str
) -> None:
    assert headline(made, updated, names) == words


@pytest.mark.parametrize(
    ("people", "words"),
    [
        (27, "38 people change (27 of them: Department Customer Service → Client Care)."),
        (38, "38 people change (all: Department Customer Service → Client Care)."),
        (19, "38 people change (department of 30 and manager of 8)."),
    ],
)
def test_a_change_that_most_share_is_told_by_its_values(people: int, words: str) -> None:
    shared = ("Department", "Customer Service", "Client Care", people)
    said = headline(plan(update=38), {"Department": 30, "Manager": 8}, shared=shared)
    assert said == f"{words} Nothing is blocked."


def test_the_only_attribute_is_not_named_twice() -> None:
    said = headline(plan(update=38), {"Site": 38}, shared=("Site", "London", "Greater London", 38))
    assert said == "38 people change site (all: London → Greater London). Nothing is blocked."


def test_what_was_overridden_blocks_no_longer() -> None:
    two = plan(BLOCK, finding("head-count", Severity.BLOCK), WARN, archive=40)
    assert headline(two, NOTHING, {}, ["limit-archive"]).endswith(
        "Blocked: too many archives, too few people returned by HiBob."
    )
    assert headline(two, NOTHING, {}, ["limit-archive", "head-count"]).endswith(
        "Overridden: too many archives, too few people returned by HiBob, 1 warning to look at."
    )


@pytest.mark.parametrize(
    ("made", "not_done", "over", "words"),
    [
        (
            plan(WARN, add=3, update=12, archive=1, held=1),
            {"failed": 1, "drifted": 2, "skipped": 1},
            True,
            (
                "3 people joined, 12 changed site, 1 left. 1 failed. 2 had changed since, and were left alone. 1 was left out. "
                "1 was held back."
            ),
        ),
        (plan(BLOCK, archive=40), NOTHING, True, "40 people left. Overridden: too many archives."),
        (plan(add=40), NOTHING, False, "So far: 40 people joined."),
        (plan(), {"failed": 3}, True, "Nobody was changed. 3 failed."),
        (plan(), NOTHING, False, "Nobody was changed so far."),
        (
            plan(undo_of="run-1", reactivate=1, archive=211),
            NOTHING,
            True,
            "Took a run back: 1 person became live again, 211 were archived.",
        ),
        (plan(undo_of="run-1", link=1), NOTHING, False, "Takes a run back, so far: 1 person lost the link to HiBob."),
    ],
)
def test_once_processed_the_headline_says_what_happened(
    made: Plan, not_done: Mapping[str, int], over: bool, words: str
) -> None:
    assert happened(made, not_done, {"Site": 12}, {}, ["limit-archive"], None, over=over) == words


@pytest.mark.parametrize(
    ("name", "word"), [("Department", "department"), ("Employee ID", "Employee ID"), ("x", "x"), ("", "")]
)
def test_an_attribute_is_a_word_of_the_sentence_unless_it_has_capitals_of_its_own(name: str, word: str) -> None:
    assert as_word(name) == word


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        ({"add": 4}, {"add": 4}, "the same numbers"),
        ({"add": 4, "archive": 1}, {"add": 1, "archive": 2}, "3 more to be added, 1 fewer to be archived"),
        ({"held": 1_500}, {}, "1,500 more held back"),
    ],
)
def test_two_plans_are_compared_by_what_differs(now: dict[str, int], before: dict[str, int], words: str) -> None:
    assert compared(now, before) == words


def test_a_comparison_names_what_with_and_who_is_new() -> None:
    said = against("the preview before it", "2 Nov 2026, 09:05 GMT", {"add": 2}, {"add": 1}, newest_of(2, 1, 0))
    assert said == (
        "Against the preview before it (2 Nov 2026, 09:05 GMT): 1 more to be added. Changes: 2 new in it, "
        "1 no longer in it."
    )
    assert newest_of(0, 0, 0) == ""


def test_what_is_left_out_is_counted_and_few_are_named() -> None:
    assert but_for(5, 1, 1, ["Anne-Marie Morgan"]) == "4 of 5 changes, left out: Anne-Marie Morgan"
    assert but_for(211, 206, 206, ()) == "5 of 211 changes, 206 people left out"
    assert but_for(1, 1, 1, ["X"]) == "0 of 1 change, left out: X"


# --- groups -----------------------------------------------------------------------------------------------


def test_a_change_that_many_share_is_a_group_with_its_values() -> None:
    pairs = [(("Department", "Legal", "Legal & Compliance"), 212), (("Site", None, "Cork"), 2)]
    assert [(each.attribute, each.before, each.after, each.people) for each in grouped(pairs)] == [
        ("Department", "Legal", "Legal & Compliance", 212),
        ("Site", "(blank)", "Cork", 2),
    ]


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ('["Site","Leeds",null]', ("Site", "Leeds", None)),
        *[
            (name, None)
            for name in (
                "",
                '["x","\\ud800",null]',
                "action:add",
                "[",
                "{}",
                '["",1,2]',
                "[1]",
                "null",
                "x",
                "[" * 50_000,
            )
        ],
    ],
)
def test_the_name_of_a_group_leads_back_to_its_people_and_any_other_to_everybody(
    name: str, pair: tuple[str, str | None, str | None] | None
) -> None:
    assert chosen(name) == pair


def test_every_group_is_named_so_that_it_leads_back() -> None:
    awkward = ("“=1+1”", 'a "quoted" \\ value', None)
    (found,) = grouped([(awkward, 2)])
    assert isinstance(found, Group)
    assert chosen(found.name) == awkward


# --- codes ------------------------------------------------------------------------------------------------


def codes(heading: str) -> list[str]:
    """The codes of a table in docs/rules.md."""
    part = RULES.read_text(encoding="utf-8").split(f"## {heading}")[1].split("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| `")]
    return [code for row in rows for code in row.split("|")[1].replace("`", "").replace(" ", "").split(",")]


def test_every_code_has_words() -> None:
    assert sorted(HELD) == sorted(codes("People held back"))
    assert sorted(FINDINGS) == sorted(codes("Findings"))
    assert (held_called("future-starter"), finding_called("a-new-one")) == ("Starts later", "A new one")


@pytest.mark.parametrize(
    ("text", "found"), [("starts LATER", ("future-starter",)), ("", ()), (" ", ()), ("none of them", ())]
)
def test_a_search_by_the_words_of_a_code_finds_it(text: str, found: tuple[str, ...]) -> None:
    assert held_codes(text) == found


def test_who_is_left_out_is_said_beside_what_happens_to_the_others() -> None:
    said = headline(plan(add=3, held=18), NOTHING, {"add": ["Ebba Sharma", "Ciara Gomes", "Grace Reid"]}, left_out=1)
    assert (
        said
        == "3 people join (Ebba Sharma, Ciara Gomes, Grace Reid). 1 is left out. 18 are held back. Nothing is blocked."
    )
    assert headline(plan(add=0), NOTHING, left_out=2) == "Nobody changes. 2 are left out."
