"""Who is absent from HiBob, how often by now, and whether absence may archive them."""

from datetime import timedelta

import numpy as np

from provisioning.engine.situation import People, Situation
from provisioning.model import Absence, AbsenceArchives

ABSENT_READS_APART = timedelta(hours=12)


def count_absences(situation: Situation, people: People) -> dict[str, Absence]:
    """How often each user whom absence may archive has been absent now. Reads closer than twelve hours count once;
    an empty answer proves nothing and counts nobody. Somebody answers to a disputed user, who is not absent then."""
    if not len(people.keys):
        return dict(situation.absences)
    read_at = situation.employees.evidence.read_at
    absent: dict[str, Absence] = {}
    for user in unmatched_live(people):
        user_id = people.user_ids[user]
        before = situation.absences.get(user_id)
        if user in people.matches.disputed_users or not absence_may_touch(situation, people, user):
            continue
        if before is None:
            absent[user_id] = Absence(1, read_at)
        elif read_at - before.counted_at >= ABSENT_READS_APART:
            absent[user_id] = Absence(before.reads + 1, read_at)
        else:
            absent[user_id] = before
    return absent


def absence_may_touch(situation: Situation, people: People, user: int) -> bool:
    """Whether Rollcall manages a user (by row): all of the domain, or those that it added or linked."""
    mode = situation.domain.settings.absence_archives
    return mode is AbsenceArchives.ALL or bool(people.user_links[user])


def unmatched_live(people: People) -> list[int]:
    found: list[int] = np.flatnonzero(~people.user_taken & people.user_live).tolist()
    return found
