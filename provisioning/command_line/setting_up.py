"""A customer's set-up, and what its connection and mapping show."""

import argparse
from collections.abc import Iterator, Sequence

from provisioning.command_line.output import OK, open_house, print_json, print_lines, read_file
from provisioning.errors import UsageError
from provisioning.model import Attribute
from provisioning.report.documents import finding_document
from provisioning.report.text import finding_lines, moment, plain
from provisioning.workflow import comparing, editing, reading, setting_up
from provisioning.workflow.comparing import Compared


def setup(asked: argparse.Namespace) -> int:
    try:
        text = read_file(asked.file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"The file {asked.file} is not UTF-8 text.") from None
    changed = setting_up.set_up(open_house(asked), text, prune=asked.prune)
    print_lines(changed or ["Nothing changed."])
    return OK


def export(asked: argparse.Namespace) -> int:
    print(setting_up.export(open_house(asked), asked.customer), end="")
    return OK


def check(asked: argparse.Namespace) -> int:
    found = reading.check_at_once(open_house(asked), asked.domain)
    if asked.json:
        print_json(
            {
                "connection": found.connection,
                "ok": found.ok,
                "people": {"live": found.live, "inactive": found.inactive},
                "columns": [
                    {
                        "column": c.column,
                        "attribute": c.attribute,
                        "filled": c.filled,
                        "state": c.state,
                        "category": c.category,
                    }
                    for c in found.columns
                ],
                "findings": [finding_document(each) for each in found.findings],
            }
        )
        return OK
    print(f"Connection {found.connection}: HiBob answers, the credentials are right.")
    print(f"  {found.live:,} live and {found.inactive:,} inactive people visible")
    print(f"  {found.fields:,} fields known, read {moment(found.metadata_at)}")
    for each in found.columns:
        print(
            f"  {each.state:<7} {each.filled:>6.1%}  {each.attribute} ← {each.column}  ({plain(each.category or 'no category')})"
        )
    if found.portal:
        print(f"Portal {found.portal.base_url}: answers, the token is accepted.")
        print_lines([f"  {plain(what)}: {plain(words)}" for what, words in found.portal.features])
        print_lines([f"  {plain(note)}" for note in found.portal.notes])
    print_lines(list(finding_lines(found.findings)))
    return OK


def compare(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    new: int | tuple[Sequence[Attribute], str]
    if asked.new == "draft":
        draft = editing.mapping_draft(house, asked.domain)
        if draft is None:
            raise UsageError(f"{house.actor.name} has no unsaved mapping of {asked.domain}.")
        new = (draft.attributes, draft.identifier)
    else:
        new = _version(asked.new)
    compared = comparing.compare_mappings(house, asked.domain, _version(asked.old), new)
    if asked.json:
        print_json(_comparison_document(asked, compared))
        return OK
    words = "your draft" if asked.new == "draft" else f"version {asked.new}"
    users = compared.comparison.users
    far = ", as far as it can be told" if compared.comparison.not_compared else ""
    print(f"Version {asked.old} → {words} changes {users:,} user{'' if users == 1 else 's'} of {asked.domain}{far}.")
    print(f"  HiBob read {moment(compared.read_at)}")
    print_lines(list(_comparison_lines(compared)))
    return OK


def _version(word: str) -> int:
    if not word.isascii() or not word.isdecimal() or len(word) > 9:
        raise UsageError(f"“{word}” is no version of a mapping: write a number, such as 3.")
    return int(word)


def _comparison_document(asked: argparse.Namespace, compared: Compared) -> dict[str, object]:
    found = compared.comparison
    return {
        "domain": asked.domain,
        "old": asked.old,
        "new": asked.new,
        "read_at": f"{compared.read_at:%Y-%m-%dT%H:%M:%SZ}",
        "users": found.users,
        "attributes": [
            {
                "attribute": each.attribute,
                "users": each.users,
                "examples": [{"key": e.key, "old": e.old, "new": e.new, "users": e.users} for e in each.examples],
            }
            for each in found.attributes
        ],
        "happens": [{"old": old, "new": new, "users": users} for old, new, users in found.happens],
        "people": [{**row, "attribute": row["attribute"] or None} for row in found.rows.to_pylist()],
        "not_compared": [{"attribute": e.attribute, "column": e.column, "why": e.why} for e in found.not_compared],
        "not_known": list(found.unknown),
    }


def _comparison_lines(compared: Compared) -> Iterator[str]:
    found = compared.comparison
    for old, new, users in found.happens:
        yield f"  {users:>7,}  {old} → {new}"
    for each in found.attributes:
        shown = "; ".join(f"{e.old or '(blank)'} → {e.new or '(blank)'} ({e.users:,})" for e in each.examples)
        yield plain(f"  {each.users:>7,}  {each.attribute}: {shown}")
    for missing in found.not_compared:
        yield plain(f"  not compared: {missing.attribute}. {missing.why}")
    for name in found.unknown:
        yield plain(f"  {name}: what Skillcast has now was not read, and counts as blank.")
