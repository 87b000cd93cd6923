"""Whatever a neighbour, a file or a network sends: our own errors and nothing else, soon, and within the memory."""

import faulthandler
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import effort
import pytest
import stamina
from hypothesis import given, settings
from mangling import mangled
from parsers import BULK, EVENT, OURS, SCHEMAS, SETUP, USERS, Parser, parsers
from scim_servers import PORTAL

from provisioning.target.scim_paths import to_json, to_text

PATIENCE = 60.0
"""Seconds for one input, on whatever machine: far more than any needs, and far less than for ever."""
MOST_MORE = 768 << 20
"""Bytes by which the process may grow over all inputs of a parser."""
NAMES = (
    "HiBob: people", "HiBob: field list", "HiBob: list of reports", "HiBob: report as CSV", "HiBob: report as JSON",
    "HiBob: packed answers", "HiBob and SCIM: headers", "HiBob: webhook", "HiBob: webhook signature",
    "SCIM: ServiceProviderConfig", "SCIM: ResourceTypes", "SCIM: Schemas", "SCIM: ListResponse of users",
    "SCIM: bulk answer", "SCIM: error", "set-up file", "workbook",
)  # fmt: skip


@pytest.fixture(scope="module")
def known() -> Iterator[dict[str, Parser]]:
    with stamina.set_testing(True, attempts=2), parsers() as found:
        yield found


def test_every_parser_is_fed(known: dict[str, Parser]) -> None:
    assert tuple(known) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_it_begins_from_can_be_read(known: dict[str, Parser], name: str) -> None:
    if name not in ("HiBob and SCIM: headers", "HiBob: webhook signature"):
        for seed in known[name].seeds:
            known[name].parse(seed)


@pytest.mark.parametrize("name", NAMES)
def test_foreign_bytes_give_a_value_or_an_error_of_ours(known: dict[str, Parser], name: str) -> None:
    parser, before, tried, slowest = known[name], memory(), 0, 0.0

    @settings(effort.chosen, max_examples=max(int(effort.chosen.max_examples * parser.weight), 20))
    @given(mangled(parser.seeds))
    def feed(body: bytes) -> None:
        nonlocal tried, slowest
        tried += 1
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        begun = time.monotonic()
        try:
            with suppress(*OURS):
                parser.parse(body)
        finally:
            faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, time.monotonic() - begun)

    feed()
    assert memory() - before < MOST_MORE
    note(f"| {name} | {tried:,} | {slowest:.2f} s |")


MANY = b"9" * 5_000
GRADED = USERS.replace(b'"id": "1",', f'"id": "1", "{PORTAL}": {{"grade": "1e999999999"}},'.encode())
FOUND: dict[str, tuple[str, bytes]] = {
    "seats of 5,000 digits": ("set-up file", SETUP.replace(b"1250", MANY)),
    "a limit of 5,000 digits": ("set-up file", SETUP.replace(b'"10%"', MANY)),
    "a heading of 100,000 parts": ("set-up file", b"[a" + b".a" * 100_000 + b"]"),
    "a key of 20,000 parts in a table": ("set-up file", b"x = { " + b"a . " * 20_000 + b"a = 1 }"),
    "a word of a million letters": ("set-up file", b"#" + b"x" * 1_000_000),
    "a million quotes": ("set-up file", b"#" + b"'" * 1_000_000),
    "a million blanks": ("set-up file", b"#" + b"x. " * 40 + b" " * 1_000_000),
    "a file of many megabytes": ("set-up file", b"#" * 5_000_000),
    "a number beyond any exponent": ("HiBob: people", b'{"employees":[{"id":1e9999999999999999999}]}'),
    "an event nested deeply": (
        "HiBob: webhook",
        EVENT.replace(b'"v2"', b'"v2", "data": ' + b"[" * 5_000 + b"]" * 5_000),
    ),
    "5,000 digits of users": ("SCIM: ListResponse of users", USERS.replace(b": 2", b': "' + MANY + b'"')),
    "users without end": ("SCIM: ListResponse of users", USERS.replace(b": 2", b": 999999999999")),
    "users nested deeply": ("SCIM: ListResponse of users", b"[" * 100_000),
    "a user nested deeply": ("SCIM: ListResponse of users", USERS.replace(b'"1"', b"[" * 5_000 + b"]" * 5_000)),
    "a grade of a billion digits": ("SCIM: ListResponse of users", GRADED),
    "5,000 digits of schemas": ("SCIM: Schemas", SCHEMAS.replace(b": 1", b': "' + MANY + b'"')),
    "5,000 digits of a place": ("SCIM: bulk answer", BULK.replace(b"r0", b"r" + MANY)),
    "5,000 digits of a status": ("SCIM: bulk answer", BULK.replace(b'"201"', b'"' + MANY + b'"')),
}
"""What was found once, by what it was. Each gave something else than an error of ours, or took very long."""


@pytest.mark.parametrize("what", FOUND)
def test_what_was_found_once_is_not_found_again(known: dict[str, Parser], what: str) -> None:
    name, body = FOUND[what]
    assert body not in known[name].seeds
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    with suppress(*OURS):
        known[name].parse(body)
    faulthandler.cancel_dump_traceback_later()


@pytest.mark.parametrize("text", ["1e999999999", "Infinity", "NaN", "sNaN", "9" * 5_000])
@pytest.mark.parametrize("kind", ["integer", "decimal"])
def test_what_is_hardly_a_number_goes_to_the_portal_as_it_is(kind: str, text: str) -> None:
    assert to_json(text, kind) == text
    assert to_text(text, kind) == text


def memory() -> int:
    """The most that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def note(line: str) -> None:
    if counts := os.environ.get("ROLLCALL_FUZZ_COUNTS"):
        with Path(counts).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
