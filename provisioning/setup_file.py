"""The set-up file: one customer as TOML, read strictly and written back. Contacts nobody and stores nothing.

The format is the contract of the command line. A table that is named is complete; one that is left out stays as it
is, which is `UNSET` here.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import available_timezones

import msgspec
import tomli_w
from cronsim import CronSim, CronSimError
from msgspec import UNSET, Meta, Struct, UnsetType

from provisioning.engine.transforms import CLEAN_UP, fold, status_key, tidy
from provisioning.errors import SettingsError
from provisioning.model import (
    RESERVED_NAMES,
    AbsenceArchives,
    Apply,
    Attribute,
    AttributeType,
    BlankPolicy,
    Lifecycle,
    Limit,
    Limits,
    Meaning,
    Protection,
    Role,
    Scim,
    ScopeRule,
    Settings,
)

Name = Annotated[str, Meta(min_length=1, max_length=200)]
MOST = 1_000_000_000
MOST_TEXT = 4 << 20
_LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]{0,100}+"|'[^'\n]{0,100}+')[ \t]*+\.[ \t]*+){50}""")
"""A key of many parts (a.a.a. …), for which Python's reader needs time that grows with their square."""
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Kinds of characters that no attribute's name holds: control, format and direction, line and paragraph."""
_JOINERS = "\u200c\u200d"
"""Some languages cannot be written without them."""
HIBOB_API = "https://api.hibob.com/v1"
WORKBOOK_COLUMNS = ("Decision", "Key", "Why")


class _Strict(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown keys are errors: a misspelt limit must not be silently off."""


class Secret(_Strict):
    """Where a secret is read from. It never stands in the file itself."""

    env: Name


class CustomerTable(_Strict):
    name: Name
    seats: Annotated[int, Meta(ge=0, le=MOST)] | None = None
    price_per_user: Annotated[float, Meta(ge=0, le=MOST)] | None = None
    retention_days: Annotated[int, Meta(ge=1, le=36500)] = 730
    currency: Name | None = None


class MemberTable(_Strict):
    email: Name
    role: Role


class ConnectionTable(_Strict):
    name: Name
    type: Literal["hibob"] = "hibob"
    base_url: str = HIBOB_API
    id: Name | None = None
    token: Secret | None = None
    report: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    webhook: Secret | None = None


class ProtectTable(_Strict):
    attribute: Name
    is_: list[str] = msgspec.field(name="is")


class ScheduleTable(_Strict):
    cron: Name
    timezone: Name = "UTC"
    does: Literal["preview", "process"] = "preview"


class AttributeTable(_Strict):
    name: Name
    data_feed_name: Name | None = None
    type: AttributeType = AttributeType.TEXT
    required: bool = False
    blank: BlankPolicy = BlankPolicy.KEEP
    fallback: Name | None = None
    clean_up: list[str] = []
    values: dict[str, str] = {}
    options: list[str] = []
    apply: Apply = Apply.ALWAYS


class ScopeTable(_Strict):
    rule: Literal["include", "exclude"]
    column: Name
    is_: Annotated[list[str], Meta(min_length=1)] = msgspec.field(name="is")


class WaitTable(_Strict):
    wait_until_days_before_start: Annotated[int, Meta(ge=0, le=3650)]


class LimitsTable(_Strict):
    archive: int | str = "10%"
    archive_7_days: int | str = "25%"
    update: int | str = "off"
    add: int | str = "off"
    reactivate: int | str = "off"
    blank: int | str = "5%"
    head_count: int | str = "90%"
    column_emptied: int | str = "20%"
    identifiers: int | str = "5%"
    small_domain: Annotated[int, Meta(ge=1, le=MOST)] = 3


class ScimTable(_Strict):
    scim: Name
    token: Secret | None = None


class DomainTable(_Strict):
    name: Name
    connection: Name | None = None
    unique_identifier: Name | None = None
    target: str | ScimTable = "local"
    domain_attribute: Name | None = None
    absence_archives: AbsenceArchives = AbsenceArchives.ALL
    absent_reads: Annotated[int, Meta(ge=1, le=30)] = 1
    protected: list[str | ProtectTable] | ProtectTable = []
    two_people: bool | Annotated[int, Meta(ge=1)] = False
    schedule: ScheduleTable | None = None
    notify: list[Secret] = []
    attributes: list[AttributeTable] | UnsetType = UNSET
    scope: list[ScopeTable] | UnsetType = UNSET
    lifecycle: dict[str, Meaning | WaitTable] | UnsetType = UNSET
    limits: LimitsTable | UnsetType = UNSET


class SetupFile(_Strict):
    customer: CustomerTable
    members: list[MemberTable] | UnsetType = UNSET
    connections: list[ConnectionTable] | UnsetType = UNSET
    domains: list[DomainTable] | UnsetType = UNSET


def parse(text: str) -> SetupFile:
    """Read and check a set-up file. Raises `SettingsError`, which names the place."""
    if len(text) > MOST_TEXT or _LONG_KEY.search(text):
        raise SettingsError(
            f"The set-up file is longer than {MOST_TEXT:,} characters, or names something in too many parts."
        )
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError(f"The set-up file is not TOML: {problem}.") from None
    except RecursionError:
        raise SettingsError("The set-up file is nested too deeply.") from None
    except ValueError:
        raise SettingsError("The set-up file holds a number of too many digits.") from None
    try:
        found = msgspec.convert(content, SetupFile)
    except msgspec.ValidationError as problem:
        raise SettingsError(f"The set-up file cannot be used: {_in_words(str(problem))}") from None
    _check(found)
    return found


def _in_words(problem: str) -> str:
    """msgspec's words with TOML's: `$.domains[0].limits` is the table domains (the 1st)."""
    message, _, path = problem.partition(" - at `")
    where = path.rstrip("`").removeprefix("$").removeprefix(".")
    where = re.sub(r"\[(\d+)\]", lambda match: f" no. {int(match[1]) + 1}", where)
    where = re.sub(r"\[\.{3}\]", "", where)
    words = re.sub(r"Expected `str` of length <= (\d+)", r"it is longer than \1 characters", message)
    words = words.replace("Object contains", "there is an").replace("Object missing", "it is missing the")
    hint = _HINTS.get(where.rpartition(".")[2].partition(" no.")[0], "")
    return f"in {where}: {words}.{hint}" if where else f"{words}.{hint}"


def _one_of(kind: type[StrEnum]) -> str:
    return f" It is one of: {', '.join(each.value for each in kind)}."


_HINTS: Mapping[str, str] = {
    "type": _one_of(AttributeType),
    "role": _one_of(Role),
    "blank": _one_of(BlankPolicy),
    "apply": _one_of(Apply),
    "absence_archives": _one_of(AbsenceArchives),
    "lifecycle": _one_of(Meaning),
    "webhook": ' Write { env = "VARIABLE" }: a secret never stands in the file.',
    "token": ' Write { env = "VARIABLE" }: a secret never stands in the file.',
    "notify": ' Write [{ env = "VARIABLE" }]: a secret never stands in the file.',
}
"""What would be right, by the last word of the place."""


def _check(found: SetupFile) -> None:
    _check_name("customer", found.customer.name)
    currency = found.customer.currency
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
        raise SettingsError(f"The currency “{currency}” is not three capital letters, such as GBP.")
    if found.members is not UNSET:
        _no_twins("The member", [fold(each.email) for each in found.members])
        for each in found.members:
            check_email(each.email)
    if found.connections is not UNSET:
        _no_twins("The connection", [each.name for each in found.connections])
        for connection in found.connections:
            _check_name("connection", connection.name)
    if found.domains is not UNSET:
        _no_twins("The domain", [each.name for each in found.domains])
        for domain in found.domains:
            _check_domain(domain)


def check_email(text: str) -> str:
    """The e-mail in the one spelling that members are kept by. Raises `SettingsError`."""
    email = fold(text)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise SettingsError(f"“{text}” is not an e-mail address.")
    return email


def _no_twins(what: str, names: list[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise SettingsError(f"{what} “{twins[0]}” stands in the file twice.")


def _check_name(what: str, name: str) -> None:
    if tidy(name) != name or not name.isprintable():
        raise SettingsError(
            f"The {what}’s name “{name}” begins or ends with a blank, is not NFC-normalised, or holds a control character."
        )
    if what == "domain" and "/" in name:
        raise SettingsError(f"The domain’s name “{name}” holds a slash, which stands between customer and domain.")


def _check_domain(domain: DomainTable) -> None:
    where = f"Domain “{domain.name}”"
    _check_name("domain", domain.name)
    if isinstance(domain.target, str) and domain.target != "local":
        raise SettingsError(
            f'{where}: its target is "local", or {{ scim = "https://…", token = {{ env = "VARIABLE" }} }}.'
        )
    if domain.attributes is not UNSET:
        _no_twins(f"{where}: the attribute", [each.name for each in domain.attributes])
        for each in domain.attributes:
            _check_attribute(where, each)
        names = [each.name for each in domain.attributes]
        if domain.unique_identifier and domain.unique_identifier not in names:
            raise SettingsError(
                f"{where}: its unique identifier “{domain.unique_identifier}” is none of its attributes."
            )
    if domain.lifecycle is not UNSET:
        _no_twins(f"{where}: the lifecycle status", [status_key(status) for status in domain.lifecycle])
        for status, meaning in domain.lifecycle.items():
            if isinstance(meaning, WaitTable) and fold(status) != "hired":
                raise SettingsError(f"{where}: only the status hired can wait for a start date, not “{status}”.")
    check_schedule(where, domain.schedule)
    try:
        to_limits(domain.limits)
    except SettingsError as problem:
        raise SettingsError(f"{where}: {problem}") from None


CRON_FIELDS = 5
"""A sixth would be seconds, and a customer's people are not read every second."""


def check_schedule(where: str, schedule: ScheduleTable | None) -> None:
    """Raises `SettingsError`, which names `where`, for times or a time zone that do not exist."""
    if schedule is None:
        return
    if schedule.timezone not in available_timezones():
        raise SettingsError(f"{where}: there is no time zone “{schedule.timezone}” (as in Europe/London).")
    try:
        if len(schedule.cron.split()) != CRON_FIELDS:
            raise CronSimError
        CronSim(schedule.cron, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        raise SettingsError(
            f"{where}: “{schedule.cron}” is no cron expression (minute, hour, day, month, weekday; as in 0 5 * * 1-5)."
        ) from None


def check_attribute(where: str, attribute: Attribute) -> None:
    """Raises `SettingsError`, which begins with `where`, for an attribute that no set-up file may hold."""
    try:
        table = msgspec.convert(msgspec.to_builtins(from_attribute(attribute)), AttributeTable)
    except msgspec.ValidationError as problem:
        raise SettingsError(f"{where}: {_in_words(str(problem))}") from None
    _check_attribute(where, table)


def _unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS


def _check_attribute(where: str, each: AttributeTable) -> None:
    at = f"{where}, attribute “{''.join('�' if _unseen(letter) else letter for letter in each.name)}”"
    if any(map(_unseen, each.name)):
        raise SettingsError(f"{at}: the name holds a line break, a control or a direction character. Type it anew.")
    if tidy(each.name) != each.name:
        raise SettingsError(f"{at}: the name begins or ends with a blank, or is not NFC-normalised.")
    if each.name in RESERVED_NAMES or each.name in WORKBOOK_COLUMNS:
        raise SettingsError(
            f"{at}: the name is one of Rollcall’s own ({', '.join(RESERVED_NAMES + WORKBOOK_COLUMNS)})."
        )
    unknown = [step for step in each.clean_up if step not in CLEAN_UP]
    if unknown:
        raise SettingsError(f"{at}: there is no clean-up “{unknown[0]}”. There are: {', '.join(CLEAN_UP)}.")
    if (each.type is AttributeType.LIST) != bool(each.options):
        raise SettingsError(f"{at}: a list needs options, and only a list has them.")
    if each.fallback and not each.data_feed_name:
        raise SettingsError(f"{at}: it has a fallback column and no data feed name.")


# --- the file's tables as the model's values ---------------------------------------------------------------


def to_attributes(tables: list[AttributeTable]) -> tuple[Attribute, ...]:
    return tuple(
        Attribute(
            name=each.name,
            data_feed_name=each.data_feed_name,
            type=each.type,
            required=each.required,
            blank=each.blank,
            fallback=each.fallback,
            clean_up=tuple(each.clean_up),
            values=tuple(each.values.items()),
            options=tuple(each.options),
            apply=each.apply,
        )
        for each in tables
    )


def to_settings(table: DomainTable, before: Settings) -> Settings:
    """The domain's settings: its own keys as the file says, the tables left out as they were before."""
    protected = [table.protected] if isinstance(table.protected, ProtectTable) else table.protected
    return Settings(
        connection=table.connection,
        unique_identifier=table.unique_identifier,
        absence_archives=table.absence_archives,
        absent_reads=table.absent_reads,
        protected=tuple(_protection(each) for each in protected),
        two_people=table.two_people,
        scope=before.scope if table.scope is UNSET else tuple(
            ScopeRule(each.rule == "include", each.column, tuple(each.is_)) for each in table.scope
        ),
        lifecycle=before.lifecycle if table.lifecycle is UNSET else _lifecycle(table.lifecycle),
        limits=before.limits if table.limits is UNSET else to_limits(table.limits),
        scim=_scim(table.target, before.scim),
        domain_attribute=table.domain_attribute,
    )  # fmt: skip


def _scim(target: str | ScimTable, before: Scim | None) -> Scim | None:
    """A token that is left out stays the one there was."""
    if isinstance(target, str):
        return None
    return Scim(target.scim, target.token.env if target.token else before.token_variable if before else None)


def _protection(each: str | ProtectTable) -> Protection:
    if isinstance(each, str):
        return Protection(person=each)
    return Protection(attribute=each.attribute, values=tuple(each.is_))


def _lifecycle(table: Mapping[str, Meaning | WaitTable]) -> Lifecycle:
    wait = next((each.wait_until_days_before_start for each in table.values() if isinstance(each, WaitTable)), 0)
    return Lifecycle(tuple((key, each) for key, each in table.items() if isinstance(each, Meaning)), wait)


def to_limits(table: LimitsTable | UnsetType) -> Limits:
    if table is UNSET:
        return Limits()
    limits = {
        name: _limit(name, getattr(table, name)) for name in LimitsTable.__struct_fields__ if name != "small_domain"
    }
    return Limits(**limits, small_domain=table.small_domain)


def _limit(name: str, written: int | str) -> Limit:
    if isinstance(written, int):
        if written < 0:
            raise SettingsError(f"The limit {name} is {written}; it must be 0 or more, a percentage, or “off”.")
        return Limit(number=written)
    if written.strip().casefold() == "off":
        return Limit()
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,4})?)\s*%\s*", written)
    if not match or float(match[1]) > 100:
        raise SettingsError(f'The limit {name} is “{written}”; write a number, a percentage such as "10%", or "off".')
    return Limit(percent=match[1])


# --- and back ----------------------------------------------------------------------------------------------


def write(found: SetupFile) -> str:
    """The TOML of a set-up file. Reading it gives the same tables."""
    content = msgspec.to_builtins(found)
    text: str = tomli_w.dumps(_without_none(content))
    return text


def _without_none(value: object) -> dict[str, object]:
    def clean(inner: object) -> object:
        if isinstance(inner, dict):
            return {key: clean(each) for key, each in inner.items() if each is not None}
        return [clean(each) for each in inner] if isinstance(inner, list) else inner

    found = clean(value)
    assert isinstance(found, dict)
    return found


def from_attribute(each: Attribute) -> AttributeTable:
    return AttributeTable(
        name=each.name,
        data_feed_name=each.data_feed_name,
        type=each.type,
        required=each.required,
        blank=each.blank,
        fallback=each.fallback,
        clean_up=list(each.clean_up),
        values=dict(each.values),
        options=list(each.options),
        apply=each.apply,
    )


def from_settings(name: str, settings: Settings, attributes: tuple[Attribute, ...]) -> DomainTable:
    lifecycle: dict[str, Meaning | WaitTable] = dict(settings.lifecycle.meanings)
    if settings.lifecycle.wait_until_days_before_start:
        lifecycle["hired"] = WaitTable(settings.lifecycle.wait_until_days_before_start)
    limits = settings.limits
    written = {
        each: from_limit(getattr(limits, each)) for each in LimitsTable.__struct_fields__ if each != "small_domain"
    }
    return DomainTable(
        name=name,
        connection=settings.connection,
        unique_identifier=settings.unique_identifier,
        target=_target(settings.scim),
        domain_attribute=settings.domain_attribute,
        absence_archives=settings.absence_archives,
        absent_reads=settings.absent_reads,
        protected=[
            each.person if each.person is not None else ProtectTable(each.attribute or "", list(each.values))
            for each in settings.protected
        ],
        two_people=settings.two_people,
        attributes=[from_attribute(each) for each in attributes],
        scope=[
            ScopeTable("include" if each.include else "exclude", each.column, list(each.values))
            for each in settings.scope
        ],
        lifecycle=lifecycle,
        limits=LimitsTable(**written, small_domain=limits.small_domain),
    )


def _target(scim: Scim | None) -> str | ScimTable:
    if scim is None:
        return "local"
    return ScimTable(scim.base_url, Secret(scim.token_variable) if scim.token_variable else None)


def from_limit(limit: Limit) -> int | str:
    if limit.number is not None:
        return limit.number
    return "off" if limit.percent is None else f"{limit.percent}%"
