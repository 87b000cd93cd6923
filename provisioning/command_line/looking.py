"""What is there, and what happened."""

import argparse

from provisioning.command_line.output import OK, REFUSED, new_file, open_house, print_json, print_lines
from provisioning.command_line.words import complain
from provisioning.report.csv_file import write_users
from provisioning.report.documents import users_document
from provisioning.report.text import moment, plain
from provisioning.report.verdict import not_whole, notes
from provisioning.workflow import explaining, installation, looking, looking_back, overseeing
from provisioning.workflow.house import customers_seen

LONG = 1_000
"""So many letters of what else is known of an event are shown; `--json` has all of it."""


def users(asked: argparse.Namespace) -> int:
    look = looking.export_users if asked.csv else looking.users
    found = look(open_house(asked), asked.domain)
    if asked.csv:
        with new_file(asked.csv) as path:
            write_users(found, path)
    if asked.json:
        print_json(users_document(found))
    elif asked.csv:
        print(f"{len(found):,} users: {asked.csv}")
    else:
        for user, link, status, attributes in found:
            print(
                f"{user}  {status:<8}  {link or '-':<20}  {plain(', '.join(f'{k}={v}' for k, v in attributes.items()))}"
            )
    return OK


def history(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    if asked.json:
        events = looking.see_history(house, asked.label)
        print_json(
            [
                {
                    "at": each.at, "who": each.who, "what": each.what, "plan": each.plan, "run": each.run,
                    "customer": each.customer, "domain": each.domain, "details": each.details,
                }
                for each in events
            ]
        )  # fmt: skip
        return OK
    told = looking_back.whole_history(house, asked.label)
    for each in told.events:
        said, whose = told.told(each), each.domain if each.customer else looking_back.EVERY_CUSTOMER
        more = f" {said.more[:LONG]}{'…' if len(said.more) > LONG else ''}" if said.more else ""
        about = " ".join(part for part in (whose, each.plan, each.run) if part)
        print(plain(f"{each.at[:19].replace('T', ' ')}  {told.doer(each)} {said.text}.{more}  {about}"))
    return OK


def roles(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    names = [asked.customer] if asked.customer else [each.name for each in customers_seen(house)]
    # A role for every customer is among those of each.
    found = list(dict.fromkeys(role for name in names for role in overseeing.roles_seen(house, name)))
    if asked.json:
        print_json(
            [
                {"email": each.email, "role": each.role, "customer": each.customer, "since": each.since, "until": each.until}
                for each in found
            ]
        )  # fmt: skip
        return OK
    for each in found:
        since = f"since {moment(each.since)}" if each.since else "by their group"
        until = f", until {moment(each.until)}" if each.until else ""
        print(plain(f"{each.email}  {each.role:<8}  {each.customer or looking_back.EVERY_CUSTOMER}  {since}{until}"))
    return OK


def explain(asked: argparse.Namespace) -> int:
    answer = explaining.explain(open_house(asked), asked.domain, asked.person)
    if asked.json:
        steps = [{"step": each.step, "detail": each.detail} for each in answer.steps]
        print_json({"person": answer.person, "answer": answer.answer, "steps": steps})
        return OK
    print(plain(answer.answer))
    print_lines([f"  {each.step:<10} {plain(each.detail)}" for each in answer.steps])
    return OK


def verify(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    if asked.seal:
        installation.seal_anew(house, asked.seal)
    verdict = looking.verify(house, asked.head)
    if asked.json:
        print_json(
            {
                "whole": verdict.broken is None, "problem": verdict.broken, "rows": verdict.rows, "from": verdict.first or None,
                "to": verdict.last or None, "head": verdict.head, "unsealed": verdict.unsealed,
                "found_unsealed": verdict.found_unsealed, "emptied": verdict.emptied,
            }
        )  # fmt: skip
    if verdict.broken:
        complain(not_whole(verdict.broken, doubt=verdict.doubt))
        return REFUSED
    if asked.json:
        return OK
    print(f"The history is unbroken: {verdict.rows:,} rows, head {verdict.head}")
    print_lines(notes(verdict.unsealed, verdict.found_unsealed, verdict.emptied))
    return OK
