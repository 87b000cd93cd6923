"""Does the read prove what it seems to say? A failed or shrunken read never means "gone" (PRODUCT.md)."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine import columns as known
from provisioning.engine.columns import absent_remedy, column_names, read_as
from provisioning.engine.lifecycle import DEFAULTS, Wish
from provisioning.engine.scope import in_scope
from provisioning.engine.situation import People, Situation
from provisioning.engine.texts import Texts, differing, is_filled
from provisioning.engine.thresholds import few_enough, triggers
from provisioning.engine.transforms import fold, status_key
from provisioning.model import Baseline, Column, ColumnFill, Domain, Evidence, Finding, ReadEvidence, Severity


def baseline_of(situation: Situation, people: People) -> Baseline:
    """What the next read will be compared with: who is live (before scope), and how filled each column is."""
    live = np.isin(people.wishes.wish, [Wish.LIVE, Wish.LEAVE_AS_IS])
    fill = {slot: int((is_filled(people.texts[slot]) & live).sum()) for slot in _mapped_slots(situation)}
    keys = people.keys.column.filter(pa.array(live))
    return Baseline(tuple(keys.take(pc.array_sort_indices(keys)).to_pylist()), fill)


def evidence_of(situation: Situation, now: Baseline, needless: int, elsewhere: int) -> ReadEvidence:
    """What the read returned, beside what was asked for and what the last processed one had; and how many people need no
    user, and how many users nobody in it is."""
    evidence, before = situation.employees.evidence, situation.baseline
    fill = (
        ColumnFill(slot, filled, len(now.live), before.fill[slot], len(before.live))
        if before and slot in before.fill
        else ColumnFill(slot, filled, len(now.live))
        for slot, filled in now.fill.items()
    )
    absent = ((each.field, each.category_name or each.category) for each in evidence.columns)
    return ReadEvidence(
        people=evidence.employees,
        active=evidence.active,
        asked=len(evidence.columns),
        absent=tuple((field, category) for field, category in absent if evidence.absent(field)),
        fill=tuple(fill),
        live_before=len(before.live) if before else None,
        needless=needless,
        elsewhere=elsewhere,
    )


def find_read_problems(situation: Situation, people: People, now: Baseline) -> tuple[Finding, ...]:
    if not len(people.keys):
        return (_no_employees(situation),)
    return (
        *_head_count(situation, people),
        *_columns_absent(situation),
        *_columns_emptied(situation, now),
        *_identifiers_swapped(situation, people),
        *engine_columns_absent(situation.domain, situation.columns, situation.employees.evidence),
        *_unknown_statuses(people),
        *_unmet_statuses(situation, people),
        *_nobody_in_scope(situation, people),
        *_two_domains(situation, people),
    )


def _mapped_slots(situation: Situation) -> list[str]:
    """The columns that mapping and scope read, in the form they read them."""
    slots = {situation.columns[rule.column].slot for rule in situation.domain.settings.scope}
    for each in situation.domain.attributes:
        slots |= {read_as(each, situation.columns[name]).slot for name in (each.data_feed_name, each.fallback) if name}
    return sorted(slots)


def _feeds(situation: Situation, slot: str) -> str:
    """The attributes that would lose their values with a column, as those who mapped it know it."""
    names = [
        each.name
        for each in situation.domain.attributes
        if any(
            read_as(each, situation.columns[name]).slot == slot for name in (each.data_feed_name, each.fallback) if name
        )
    ]
    if any(situation.columns[rule.column].slot == slot for rule in situation.domain.settings.scope):
        names.append("the scope, which says whom the domain takes")
    return f" It feeds {', '.join(names)}."


def _no_employees(situation: Situation) -> Finding:
    return Finding(
        "no-employees",
        Severity.BLOCK,
        "HiBob answered without a single person. Nobody is archived because of an empty answer.",
        "Check in HiBob that the service user's permission group still has people in “Access data for”, then preview "
        "again.",
        {"counted": 0, "limit": 1, "of": len(situation.users)},
    )


def _head_count(situation: Situation, people: People) -> Iterable[Finding]:
    baseline = situation.baseline
    limit = situation.domain.settings.limits.head_count
    if baseline is None or not baseline.live or limit.off:
        return
    returned = _returned(situation, people)
    missing = tuple(key for key in baseline.live if key not in returned)
    found, of = len(baseline.live) - len(missing), len(baseline.live)
    minimum, short = few_enough(limit, found, of)
    if short:
        yield Finding(
            "head-count",
            Severity.BLOCK,
            f"Of the {of:,} people who were live at the last processed read, HiBob now returns {found:,}; fewer than "
            f"{minimum:,} is not taken as proof that the others are gone.",
            "Check the service user's “Access data for” audience in HiBob. If so many people did leave, an admin or "
            "CSM can override this with a reason.",
            {"counted": found, "limit": minimum, "of": of},
            missing,
        )


def _returned(situation: Situation, people: People) -> set[str]:
    """Whom the read returned. Where a second read says who is active, that one must be complete as well."""
    if not situation.employees.evidence.status_from_active_read:
        return set(people.keys)
    active = people.texts[known.STATUS].to_pylist()
    return {key for key, status in zip(people.keys, active, strict=True) if status == "Active"}


def _columns_absent(situation: Situation) -> Iterable[Finding]:
    domain, evidence = situation.domain, situation.employees.evidence
    mapped = set(column_names(domain.attributes, ()))
    for name in sorted({*mapped, *column_names((), domain.settings.scope)}):
        field_id = situation.columns[name].field
        if evidence.absent(field_id):
            yield Finding(
                "column-absent",
                Severity.BLOCK,
                f"HiBob left out the column {name} for all {evidence.employees:,} people: it is not permitted, or "
                "misspelt. Its values cannot be told from blanks.",
                absent_remedy(evidence, field_id, scope_only=name not in mapped),
                {"counted": evidence.employees, "limit": 1, "of": evidence.employees},
            )


def _columns_emptied(situation: Situation, now: Baseline) -> Iterable[Finding]:
    baseline, limit = situation.baseline, situation.domain.settings.limits.column_emptied
    if baseline is None or not baseline.live or not now.live or limit.off:
        return
    for slot, filled in now.fill.items():
        before = baseline.fill.get(slot)
        if before is None or situation.employees.evidence.absent(slot.removeprefix(known.HUMAN)):
            continue
        # People who would have a value now if the column were as filled as it was at the baseline.
        lost = Fraction(before, len(baseline.live)) * len(now.live) - filled
        threshold, emptied = triggers(limit, lost, len(now.live))
        if emptied:
            yield Finding(
                "column-emptied",
                Severity.BLOCK,
                f"The column {slot} has a value for {filled:,} of {len(now.live):,} live people; at the last processed "
                f"read it was {before:,} of {len(baseline.live):,}. That is about {ceil(lost):,} people fewer."
                f"{_feeds(situation, slot)}",
                "Check in HiBob whether the field was cleared or its permission changed. If it is meant, an admin or "
                "CSM can override this with a reason.",
                {"counted": ceil(lost), "limit": threshold, "of": len(now.live)},
            )


def _identifiers_swapped(situation: Situation, people: People) -> Iterable[Finding]:
    identifier, limit = situation.domain.settings.unique_identifier or "", situation.domain.settings.limits.identifiers
    if identifier not in people.mapped or limit.off:
        return
    linked = people.matches.linked & people.scope
    mapped, theirs = people.mapped[identifier].values, people.user_values[identifier]
    rows = differing(mapped, theirs, np.where(linked, people.matches.user, -1))
    pairs = zip(people.keys.at(rows), Texts(mapped).at(rows), Texts(theirs).at(people.matches.user[rows]), strict=True)
    same = fold if identifier == people.email_attribute else str
    keys = [key for key, new, old in pairs if new and old and same(new) != same(old)]
    count = int(linked.sum())
    threshold, swapped = triggers(limit, len(keys), count)
    if swapped:
        yield Finding(
            "identifiers-swapped",
            Severity.BLOCK,
            f"{len(keys):,} of {count:,} linked people have another {identifier} than before; from "
            f"{threshold:,} on it is blocked. Identifiers do not change for so many people at once unless a column was swapped.",
            f"Check which HiBob column feeds {identifier}. If the identifiers really changed, an admin or CSM can "
            "override this with a reason.",
            {"counted": len(keys), "limit": threshold, "of": count},
            tuple(sorted(keys)),
        )


_LOST_WITHOUT: Mapping[str, str] = {
    known.EMAIL: "people cannot be matched by e-mail",
    known.FIRST_NAME: "one person under two records is not recognised",
    known.SURNAME: "one person under two records is not recognised",
    known.LIFECYCLE: "leave, garden leave and future starters cannot be told apart: whoever is active is live",
    known.STATUS: "people without a lifecycle status cannot be told to be active",
    known.START_DATE: "future starters wait until HiBob calls them employed",
    known.LAST_DAY: "people on garden leave stay live until HiBob calls them terminated",
}


def engine_columns_absent(domain: Domain, columns: Mapping[str, Column], evidence: Evidence) -> Iterable[Finding]:
    """Columns that nobody mapped and the engine would like to have: a warning that says what is lost, never a block."""
    mapped = {columns[name].field for name in column_names(domain.attributes, domain.settings.scope)}
    for field_id, lost in _LOST_WITHOUT.items():
        if field_id in mapped or not evidence.absent(field_id):
            continue
        yield Finding(
            "column-absent",
            Severity.WARN,
            f"HiBob left out {field_id} for everybody, so {lost}.",
            absent_remedy(evidence, field_id),
        )


def _unknown_statuses(people: People) -> Iterable[Finding]:
    inside = {status: [row for row in rows if people.scope[row]] for status, rows in people.wishes.unknown.items()}
    unknown = {status: rows for status, rows in inside.items() if rows}
    if not unknown:
        return
    rows = sorted(row for rows in unknown.values() for row in rows)
    named = ", ".join(f"{status} ({len(rows)})" for status, rows in unknown.items())
    yield Finding(
        "unknown-lifecycle",
        Severity.WARN,
        f"{len(rows):,} {'person has' if len(rows) == 1 else 'people have'} a lifecycle status that this domain's table "
        f"does not name: {named}. Their users "
        "keep their status, and nobody is added.",
        "Say in the domain's lifecycle table what each of these means: live, archived, or leave as is.",
        {"counted": len(rows)},
        tuple(sorted(people.keys[row] for row in rows)),
    )


def _unmet_statuses(situation: Situation, people: People) -> Iterable[Finding]:
    """A row of the lifecycle table that fits nobody and is no status of HiBob's own may be misspelt."""
    met = {status_key(status) for raw, spoken in people.wishes.forms for status in (raw, spoken or raw)} | set(DEFAULTS)
    unmet = [status for status, _ in situation.domain.settings.lifecycle.meanings if status_key(status) not in met]
    if unmet:
        yield Finding(
            "unknown-lifecycle",
            Severity.INFO,
            f"Nobody in HiBob has the lifecycle status {', '.join(unmet)}, which this domain's table names.",
            "Nothing to do if it is only rare. Otherwise correct its spelling in the domain's lifecycle table.",
            {"counted": len(unmet)},
        )


def _nobody_in_scope(situation: Situation, people: People) -> Iterable[Finding]:
    if not people.scope.any():
        yield Finding(
            "nobody-in-scope",
            Severity.WARN,
            f"The domain's scope takes nobody of the {len(people.keys):,} people that HiBob returned.",
            "Check the values of the scope's rules against what HiBob shows in these columns.",
            {"counted": 0, "limit": 1, "of": len(people.keys)},
        )


def _two_domains(situation: Situation, people: People) -> Iterable[Finding]:
    live = np.isin(people.wishes.wish, [Wish.LIVE, Wish.LEAVE_AS_IS])
    for other in situation.others:
        both = people.scope & live & in_scope(other.scope, situation.columns, people.texts)
        keys = tuple(sorted(people.keys[row] for row in np.flatnonzero(both).tolist()))
        if keys:
            yield Finding(
                "two-domains",
                Severity.WARN,
                f"{len(keys):,} people are in the scope of this domain and of {other.name}: each domain gives them a "
                "user, and each user takes a seat.",
                "Narrow the scope of one of the two domains.",
                {"counted": len(keys), "of": len(people.keys)},
                keys,
            )
