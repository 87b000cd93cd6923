"""Who may do what, what is kept of people, and the installation itself."""

import argparse
from pathlib import Path

from provisioning.command_line.output import OK, WRONG_USAGE, open_house, print_json, print_lines, waiting
from provisioning.model import Role
from provisioning.workflow import farewell, installation, keeping, leaving, setting_up
from provisioning.workflow.house import is_customer


def grant(asked: argparse.Namespace) -> int:
    new = setting_up.grant(open_house(asked), asked.email, Role(asked.role), asked.customer)
    of = asked.customer or "every customer"
    print(f"{asked.email} {'is now' if new else 'already was'} {asked.role} of {of}.")
    return OK


def revoke(asked: argparse.Namespace) -> int:
    had = setting_up.revoke(open_house(asked), asked.email, asked.customer, last_admin=asked.last_admin)
    of = asked.customer or "every customer"
    print(f"{asked.email} {'has no role any more' if had else 'had no role'} for {of}.")
    return OK


def offboard(asked: argparse.Namespace) -> int:
    house, users = open_house(asked), leaving.Fate(asked.users)
    if asked.connection is not None:
        found = leaving.leaving_connection(house, asked.label, asked.connection)
    elif "/" in asked.label and not is_customer(house, asked.label):
        found = leaving.leaving_domain(house, asked.label)
    else:
        found = leaving.leaving_customer(house, asked.label)
    for each in leaving.needs_farewell(house, found) if users is leaving.Fate.ARCHIVE else ():
        plan = farewell.farewell(house, each.label, waiting)
        print(f"Preview {plan.id} archives {plan.counts['archive']:,} users of {each.label}: {plan.status.value}.")
    leaving.offboard(house, found, users)
    print_lines([f"Offboarded: {each.label}" for each in found.domains])
    print_lines([f"Offboarded, its tokens destroyed: connection {each.name}" for each in found.connections])
    print(f"What happened can still be read: `history {found.customer.name}`.")
    return OK


def export_person(asked: argparse.Namespace) -> int:
    print_json(keeping.export_person(open_house(asked), asked.customer, asked.person))
    return OK


def forget_person(asked: argparse.Namespace) -> int:
    rows = keeping.forget_person(open_house(asked), asked.customer, asked.person)
    print(f"Removed from previews, runs and decisions; {rows:,} rows of the history lost their content.")
    print("Their account in the directory stays, and backups made before still hold what was removed.")
    return OK


def forget_history(asked: argparse.Namespace) -> int:
    rows = keeping.remove_old_history(open_house(asked), asked.customer)
    print(f"{rows:,} rows of the history were older than the retention and lost their content.")
    return OK


def rotate_key(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    count = installation.rotate(house, lost=asked.lost)
    place = (
        f"the new key is in {house.vault.file}"
        if house.vault.file
        else "only the first key of ROLLCALL_KEY is needed now"
    )
    done = "forgotten: set every token again" if asked.lost else "encrypted anew"
    print(f"{count} secrets {done}; {place}.")
    return OK


def backup(asked: argparse.Namespace) -> int:
    installation.backup(open_house(asked), Path(asked.file))
    print(f"Backup without the encryption key: {asked.file}")
    return OK


def restore(asked: argparse.Namespace) -> int:
    fits = installation.restore(open_house(asked), Path(asked.file))
    then = "Check" if fits else "Put its key back, seal the history with `verify --seal REASON`, and check"
    print(f"Restored from {asked.file}. {then} with `doctor`, then `verify`.")
    return OK


def doctor(asked: argparse.Namespace) -> int:
    found = installation.doctor(open_house(asked))
    for each in found:
        print(f"{'fine ' if each.fine else 'WRONG'}  {each.what}: {each.detail}")
    return OK if all(each.fine for each in found) else WRONG_USAGE
