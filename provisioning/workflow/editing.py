"""Mapping and settings while somebody edits them: drafts, advice, versions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from provisioning import setup_file
from provisioning.engine import advice, suggesting
from provisioning.engine import columns as known
from provisioning.engine.columns import Catalogue, resolve_all
from provisioning.engine.lifecycle import wishes
from provisioning.engine.mapping_words import difference
from provisioning.engine.scope import in_scope
from provisioning.engine.suggesting import Suggestion
from provisioning.engine.texts import folded, one_of, text_column, whole
from provisioning.engine.transforms import fold
from provisioning.errors import NotFound, Refused, SettingsError
from provisioning.model import (
    Attribute,
    Column,
    Domain,
    Field,
    Lifecycle,
    Limits,
    ScopeRule,
    Settings,
)
from provisioning.store import customers, drafts, snapshots
from provisioning.store.snapshots import KeptRead
from provisioning.workflow.asking import last_check
from provisioning.workflow.connections import fields_known, newest_read
from provisioning.workflow.directories import known_users
from provisioning.workflow.house import PREPARERS, Workspace, record_event, seen_domain
from provisioning.workflow.setting_up import changed_settings, file_of
from provisioning.workflow.watched import looked_at_by_saving

MAPPING, PAST = "mapping", "mapping past"
MOST_PAST = 20
Content = tuple[tuple[Attribute, ...], str]
"""What a mapping says: its rows, and which attribute is the unique identifier."""
KEPT = 64
"""So many answers of what a mapping makes of somebody are kept, for whoever asks again."""


def people_read(house: Workspace, label: str, text: str = "", most: int = 300) -> list[tuple[str, str]]:
    """(key, name and e-mail) of people in the newest read whose line holds this text."""
    read = newest_read(house, label)
    if read is None:
        return []
    # Without words everybody fits.
    table, wanted = read.people(_NAMING), fold(text)
    lines = _lines(table if wanted else table.slice(0, most))
    return list(islice(((key, line) for key, line in lines if wanted in fold(line)), most))


def person_read(house: Workspace, label: str, key: str) -> str | None:
    """Name and e-mail of one person (by key) of the newest read; None when they are not in it."""
    read = newest_read(house, label)
    if read is None:
        return None
    table = read.people(_NAMING)
    row = advice.row_of(table, key)
    return None if row is None else next(_lines(table.slice(row, 1)))[1]


_NAMING = (known.ID, known.FIRST_NAME, known.SURNAME, known.EMAIL)


def _lines(table: pa.Table) -> Iterator[tuple[str, str]]:
    parts = [text_column(table, each).to_pylist() for each in _NAMING]
    for key, first, last, email in zip(*parts, strict=True):
        yield key, f"{first} {last} · {email}".strip(" ·")


def try_mapping(
    house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str, person: str | None
) -> tuple[advice.Trial, ...]:
    """What the mapping makes of one person (by key) of the newest read; of nobody when the key is not in it: then only
    the shares are told. Empty before the first read."""
    read = newest_read(house, label)
    if read is None:
        return ()
    return _tried(read, tuple(attributes), fields_known(house, label), identifier, person)


@lru_cache(maxsize=KEPT)
def _tried(
    read: KeptRead, attributes: tuple[Attribute, ...], fields: tuple[Field, ...], identifier: str, person: str | None
) -> tuple[advice.Trial, ...]:
    """Everybody is mapped for it. A kept read never changes, and the page asks for the same again at every click."""
    table = read.people(advice.tried_columns(attributes, fields))
    return advice.try_out(attributes, fields, table, identifier, person) if table.num_rows else ()


def advise(house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str) -> tuple[advice.Advice, ...]:
    """The problems of a mapping as it is being edited, the worst first."""
    return advice.advise(attributes, fields_known(house, label), identifier)


FED = "The portal has this attribute, and HiBob the column for it."
UNFED = "The portal has this attribute: choose the column that feeds it, or leave it out."


def suggest(house: Workspace, label: str, attributes: Sequence[Attribute]) -> tuple[Suggestion, ...]:
    """Rows to add to a mapping, and columns for those that have none, each with the reason."""
    tested = last_check(house, label)
    if tested and tested.portal and seen_domain(house, label, "see the mapping").settings.scim:
        named = {each.name for each in attributes}
        missing = [each for each in tested.portal.suggestions if each.name not in named]
        return tuple(Suggestion(each, FED if each.data_feed_name else UNFED) for each in missing)
    return suggesting.suggest(fields_known(house, label), attributes)


@dataclass(frozen=True, slots=True)
class Begun:
    """What somebody began to edit from: the mapping's version, and the unique identifier that the settings named then.
    The identifier stands in the settings, so it may change without a new version of the mapping."""

    version: int
    identifier: str


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """Somebody's unsaved mapping."""

    attributes: tuple[Attribute, ...]
    identifier: str
    begun: Begun


def begun_from(domain: Domain) -> Begun:
    """What an edit that begins now begins from."""
    return Begun(domain.mapping_version, domain.settings.unique_identifier or "")


def newer_mapping(house: Workspace, label: str, begun: Begun) -> tuple[str, ...]:
    """What is in force now and differs from what a draft was begun from, a line per attribute; empty when nothing was
    saved since."""
    domain = seen_domain(house, label, "see the mapping")
    return _since(house, domain, begun)


def _since(house: Workspace, domain: Domain, begun: Begun) -> tuple[str, ...]:
    lines: tuple[str, ...] = ()
    if domain.mapping_version != begun.version:
        old, _ = customers.mapping_at(house.db, domain.id, begun.version)
        lines = difference(old, domain.attributes) or ("nothing that differs",)
    now = begun_from(domain).identifier
    if now != begun.identifier:
        lines += (f"unique identifier: {begun.identifier or '(none)'} → {now or '(none)'}",)
    return lines


def mapping_draft(house: Workspace, label: str) -> MappingDraft | None:
    """The actor's unsaved mapping."""
    domain = seen_domain(house, label, "see the mapping")
    draft = drafts.find(house.db, domain.id, MAPPING, house.actor.name)
    if draft is None:
        return None
    attributes, identifier, *before = msgspec.json.decode(draft.content, type=list[msgspec.Raw])
    said = msgspec.json.decode(identifier, type=str)
    # Drafts of earlier versions do not know which unique identifier they began from.
    begun = Begun(draft.based_on, msgspec.json.decode(before[0], type=str) if before else said)
    return MappingDraft(msgspec.json.decode(attributes, type=tuple[Attribute, ...]), said, begun)


def keep_mapping_draft(
    house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str, begun: Begun
) -> None:
    domain = seen_domain(house, label, "change the mapping", PREPARERS)
    content = msgspec.json.encode((tuple(attributes), identifier, begun.identifier)).decode()
    drafts.keep(house.db, domain.id, MAPPING, house.actor.name, drafts.Draft(begun.version, content), house.clock())


def mapping_past(house: Workspace, label: str) -> tuple[MappingDraft, ...]:
    """What the actor's mapping said before each of their last edits, the last edit at the end. Each says what it was
    begun from, so that bringing it back over what somebody saved meanwhile is a conflict."""
    domain = seen_domain(house, label, "see the mapping")
    kept = drafts.find(house.db, domain.id, PAST, house.actor.name)
    if kept is None:
        return ()
    found = msgspec.json.decode(kept.content, type=tuple[MappingDraft | Content, ...])
    # Those of earlier versions do not know what they were begun from.
    return tuple(each for each in found if isinstance(each, MappingDraft))


def keep_mapping_past(house: Workspace, label: str, past: Sequence[MappingDraft]) -> None:
    """The last `MOST_PAST` are kept, until the mapping is saved."""
    domain = seen_domain(house, label, "change the mapping", PREPARERS)
    content = msgspec.json.encode(tuple(past[-MOST_PAST:])).decode()
    drafts.keep(
        house.db, domain.id, PAST, house.actor.name, drafts.Draft(domain.mapping_version, content), house.clock()
    )


def drop_mapping_draft(house: Workspace, label: str) -> None:
    drafts.drop(house.db, seen_domain(house, label, "change the mapping", PREPARERS).id, MAPPING, house.actor.name)


def save_mapping(
    house: Workspace,
    label: str,
    attributes: Sequence[Attribute],
    identifier: str,
    begun: Begun | int,
    *,
    gone_back_to: int | None = None,
) -> Domain:
    """Save a mapping as a new version, and drop the draft. `begun`: what it was begun from; a bare version where the
    unique identifier was not looked at. `gone_back_to` is recorded. Raises `Refused` with the difference when somebody
    saved something newer meanwhile, `SettingsError` when it cannot be used."""
    with house.db.transaction():
        domain = seen_domain(house, label, "change the mapping", PREPARERS)
        _check_begun(house, domain, Begun(begun, begun_from(domain).identifier) if isinstance(begun, int) else begun)
        settings = replace(domain.settings, unique_identifier=identifier or None)
        check_usable(house, domain, attributes, settings)
        now, by = house.clock(), house.actor.name
        version = customers.save_mapping(house.db, domain.id, tuple(attributes), by, now)
        also = customers.save_settings(house.db, domain.id, settings, by, now)
        for kind in (MAPPING, PAST):
            drafts.drop(house.db, domain.id, kind, by)
        looked_at_by_saving(house, domain, attributes)
        if version or also:
            changed = list(difference(domain.attributes, attributes))
            back = {"gone_back_to": gone_back_to} if gone_back_to is not None else {}
            record_event(
                house, "mapping saved", domain, mapping_version=version or domain.mapping_version, changed=changed,
                unique_identifier=identifier, **back,
            )  # fmt: skip
    return customers.domain_by_id(house.db, domain.id)


def _check_begun(house: Workspace, domain: Domain, begun: Begun) -> None:
    newer = _since(house, domain, begun)
    if not newer:
        return
    who = f"{domain.mapping_by} saved version {domain.mapping_version}"
    if domain.mapping_version == begun.version:
        who = "Somebody changed the unique identifier in the settings"
    raise Refused(
        f"{who} since you began from version {begun.version}. It changes: {'; '.join(newer)}. Nothing of yours was "
        "saved: look at the difference, then rebase your draft or discard it."
    )


def check_usable(house: Workspace, domain: Domain, attributes: Sequence[Attribute], settings: Settings) -> None:
    """Raises `SettingsError`. By the rules of the set-up file, so that whatever a page saves can be exported and set up again."""
    _check_protected(domain, attributes, settings)
    table = setup_file.from_settings(domain.name, settings, tuple(attributes))
    setup_file.parse(setup_file.write(file_of(customers.get_customer(house.db, domain.customer), table)))


def _check_protected(domain: Domain, attributes: Sequence[Attribute], settings: Settings) -> None:
    names = {each.name for each in attributes}
    for each in settings.protected:
        if each.attribute and each.attribute not in names:
            raise SettingsError(
                f"Protected people of {domain.label} are named by “{each.attribute}”, which is none of its attributes."
            )


LIMIT_LENGTH = 20

"""No limit is longer in writing."""


def save_settings(house: Workspace, label: str, settings: Settings, based_on: int) -> Domain:
    """Save settings as a new version; runs nothing. Where users are kept stays as it is (`save_target`): a draft may be older
    than the portal's token, which is not sent to another address. Raises `Refused` when somebody saved a newer one meanwhile."""
    with house.db.transaction():
        domain = seen_domain(house, label, "change the settings", PREPARERS)
        if domain.settings_version != based_on:
            raise Refused(
                f"Somebody saved version {domain.settings_version} of these settings since you began from version "
                f"{based_on}. Nothing was saved: reload the page, look at the new values and make your change again."
            )
        now = domain.settings
        settings = replace(settings, scim=now.scim, domain_attribute=now.domain_attribute)
        check_usable(house, domain, domain.attributes, settings)
        version = customers.save_settings(house.db, domain.id, settings, house.actor.name, house.clock())
        if version:
            changed = changed_settings(domain.settings, settings)
            record_event(house, "settings saved", domain, settings_version=version, changed=changed)
    return customers.domain_by_id(house.db, domain.id)


def limits_in_words(settings: Settings) -> dict[str, str]:
    """Every limit as the set-up file writes it: a number, a percentage, or off."""
    names = setup_file.LimitsTable.__struct_fields__
    written = {name: getattr(settings.limits, name) for name in names}
    return {name: str(each if isinstance(each, int) else setup_file.from_limit(each)) for name, each in written.items()}


def limits_from_words(words: Mapping[str, str], called: Mapping[str, str] | None = None) -> Limits:
    """Raises `SettingsError` for what is no limit, by the words that a person knows it by where these are given."""
    written = {name: _limit_from_words(name, text, (called or {}).get(name, name)) for name, text in words.items()}
    return setup_file.to_limits(msgspec.convert(written, setup_file.LimitsTable))


def _limit_from_words(name: str, text: str, called: str) -> int | str:
    text, people_only = text.strip(), name == "small_domain"
    number = int(text) if text.isdecimal() and len(text) <= len(str(setup_file.MOST)) else None
    if number is not None and int(people_only) <= number <= setup_file.MOST:
        return number
    if not people_only and not text.isdecimal() and len(text) <= LIMIT_LENGTH:
        with suppress(SettingsError, ValueError):
            setup_file.to_limits(msgspec.convert({name: text}, setup_file.LimitsTable))
            return text
    shown = text if len(text) <= LIMIT_LENGTH else f"{text[:LIMIT_LENGTH]}…"
    right = "people from 1" if people_only else "people from 0, a percentage such as 10%, or off"
    raise SettingsError(f"“{called}” is “{shown}”. It must be a number of {right}, and at most {setup_file.MOST:,}.")


@dataclass(frozen=True, slots=True)
class ScopeSeen:
    """Whom a scope takes of the newest read: names, the first of them; `unread` are columns that were not read."""

    inside: int
    people: int
    names: tuple[str, ...]
    unread: tuple[str, ...]


def try_scope(house: Workspace, label: str, rules: Sequence[ScopeRule], most: int = 500) -> ScopeSeen | None:
    """Live count and names for rules that need not be saved; None before the first read. Raises `SettingsError`."""
    read = newest_read(house, label)
    if read is None:
        return None
    columns = resolve_all(Catalogue(fields_known(house, label)), [each.column for each in rules])
    ruled = {slot for each in columns.values() for slot in (each.field, Column(each.field, human=True).slot)}
    table = read.people({*ruled, *_NAMING})
    unread = tuple(name for name, column in columns.items() if column.field not in table.column_names)
    mask = in_scope([each for each in rules if each.column not in unread], columns, table)
    rows = mask.nonzero()[0]
    shown = table.take(pa.array(rows[:most]))
    parts = [text_column(shown, each).to_pylist() for each in (known.FIRST_NAME, known.SURNAME)]
    names = tuple(f"{first} {last}".strip() for first, last in zip(*parts, strict=True))
    return ScopeSeen(len(rows), table.num_rows, names, unread)


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """A lifecycle status that people have in the newest read; `known`: the lifecycle table says what it means."""

    status: str
    people: int
    known: bool


def try_lifecycle(house: Workspace, label: str, lifecycle: Lifecycle) -> tuple[StatusSeen, ...]:
    """The statuses of the newest read, the commonest first, for a table that need not be saved; none before it."""
    read = newest_read(house, label)
    if read is None:
        return ()
    table = read.people(
        {column.slot for each in known.ENGINE_FIELDS for column in (Column(each), Column(each, human=True))}
    )
    found = wishes(lifecycle, table, house.clock().date())
    counts = Counter(found.status(row) or "no status" for row in range(len(found.form)))
    return tuple(StatusSeen(status, people, status not in found.unknown) for status, people in counts.most_common())


def strangers(house: Workspace, label: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those of these names that are nobody's: neither in the newest read nor among the users does anybody have one as id,
    link, e-mail or other value. For what is typed by hand."""
    domain = seen_domain(house, label, "see the users")
    left = {name: fold(name) for name in names}
    for column in _known_by(house, domain):
        if not left:
            break
        texts = folded(whole(column))
        known_ones = set(texts.filter(pa.array(one_of(texts, left.values()))).unique().to_pylist())
        left = {name: wanted for name, wanted in left.items() if wanted not in known_ones}
    return tuple(left)


def _known_by(house: Workspace, domain: Domain) -> Iterator[pa.Array]:
    """What people are called by, column by column. The users come last: reading them takes longest, and few names are
    left for them."""
    read = snapshots.newest_read(house.snapshots, domain.id)
    if read:
        columns = (known.ID, known.EMAIL)
        table = read.people(columns)
        yield from (text_column(table, each) for each in columns)
    with suppress(NotFound):
        users = known_users(house, domain, [each.name for each in domain.attributes])
        yield from (users.ids, pc.binary_join_element_wise("user:", users.ids, ""), users.external_ids)
        yield from users.attributes.values()
