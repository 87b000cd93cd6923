"""The set-up file: what it may say, what is refused and where, and that writing it loses nothing."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

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
from provisioning.setup_file import (
    WORKBOOK_COLUMNS,
    AttributeTable,
    ConnectionTable,
    CustomerTable,
    DomainTable,
    LimitsTable,
    MemberTable,
    ProtectTable,
    ScheduleTable,
    ScimTable,
    ScopeTable,
    Secret,
    SetupFile,
    WaitTable,
    from_settings,
    parse,
    to_attributes,
    to_limits,
    to_settings,
    write,
)

FULL = """
[customer]
name = "Acme"
seats = 1250
price_per_user = 12.5
retention_days = 365
[[members]]
email = "admin@acme.example"
role = "admin"
[[connections]]
name = "Acme HiBob"
type = "hibob"
base_url = "https://api.hibob.com/v1"
id = "SERVICE-4711"
token = { env = "ACME_TOKEN" }
report = 31048356
[[domains]]
name = "staff"
connection = "Acme HiBob"
unique_identifier = "Department"
target = { scim = "https://acme.skillcast.io/skillcastApi/scim", token = { env = "SCIM_TOKEN" } }
domain_attribute = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
absence_archives = "linked"
absent_reads = 2
protected = ["root@acme.example", { attribute = "Job title", is = ["Contractor"] }]
two_people = true
schedule = { cron = "0 5 * * 1-5", timezone = "Europe/London", does = "process" }
notify = [{ env = "ACME_NOTIFY_URL" }]
  [[domains.attributes]]
  name = "Department"
  data_feed_name = "humanReadable.work.department"
  type = "text"
  required = true
  blank = "hold"
  fallback = "work.site"
  clean_up = ["lower", "single spaces"]
  values = { "Legal & Compliance" = "Legal", "" = "None" }
  apply = "on add"
  [[domains.attributes]]
  name = "Grade"
  type = "list"
  options = ["A", "B"]
  [[domains.scope]]
  rule = "include"
  column = "work.site"
  is = ["London", "Dublin"]
  [[domains.scope]]
  rule = "exclude"
  column = "Payroll number"
  is = ["00017"]
  [domains.lifecycle]
  hired = { wait_until_days_before_start = 14 }
  "parental leave" = "leave as is"
  terminated = "archived"
  Sabbatical = "live"
  [domains.limits]
  archive = 12
  archive_7_days = "25%"
  update = "50 %"
  add = "OFF"
  reactivate = 0
  blank = "2.5%"
  head_count = "95%"
  column_emptied = "off"
  identifiers = "100%"
  small_domain = 5
"""


def minimal(*lines: str) -> str:
    return "\n".join(['[customer]\nname = "Acme"', *lines])


def domain(*lines: str) -> str:
    return minimal('[[domains]]\nname = "staff"', *lines)


def the_domain(*lines: str) -> DomainTable:
    found = parse(domain(*lines)).domains
    assert not isinstance(found, UnsetType)
    return found[0]


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as problem:
        parse(text)
    return str(problem.value)


# --- what it may say --------------------------------------------------------------------------------------


def test_everything_that_can_be_said_at_once() -> None:
    found = parse(FULL)
    assert found.customer == CustomerTable("Acme", 1250, 12.5, 365)
    assert found.members == [MemberTable("admin@acme.example", Role.ADMIN)]
    assert found.connections == [
        ConnectionTable(
            "Acme HiBob",
            base_url="https://api.hibob.com/v1",
            id="SERVICE-4711",
            token=Secret("ACME_TOKEN"),
            report=31048356,
        )
    ]
    assert isinstance(found.domains, list)
    (staff,) = found.domains
    assert (staff.name, staff.connection, staff.target) == (
        "staff",
        "Acme HiBob",
        ScimTable("https://acme.skillcast.io/skillcastApi/scim", Secret("SCIM_TOKEN")),
    )
    assert staff.schedule == ScheduleTable("0 5 * * 1-5", "Europe/London", "process")
    assert staff.notify == [Secret("ACME_NOTIFY_URL")]
    assert not isinstance(staff.attributes, UnsetType)
    assert to_attributes(staff.attributes) == (
        Attribute(
            "Department",
            "humanReadable.work.department",
            AttributeType.TEXT,
            required=True,
            blank=BlankPolicy.HOLD,
            fallback="work.site",
            clean_up=("lower", "single spaces"),
            values=(("Legal & Compliance", "Legal"), ("", "None")),
            apply=Apply.ON_ADD,
        ),
        Attribute("Grade", type=AttributeType.LIST, options=("A", "B")),
    )
    assert to_settings(staff, Settings()) == Settings(
        connection="Acme HiBob",
        unique_identifier="Department",
        absence_archives=AbsenceArchives.LINKED,
        absent_reads=2,
        protected=(Protection("root@acme.example"), Protection(attribute="Job title", values=("Contractor",))),
        two_people=True,
        scope=(
            ScopeRule(True, "work.site", ("London", "Dublin")),
            ScopeRule(False, "Payroll number", ("00017",)),
        ),
        lifecycle=Lifecycle(
            (("parental leave", Meaning.LEAVE_AS_IS), ("terminated", Meaning.ARCHIVED), ("Sabbatical", Meaning.LIVE)),
            14,
        ),
        limits=Limits(
            archive=Limit(number=12),
            archive_7_days=Limit(percent="25"),
            update=Limit(percent="50"),
            add=Limit(),
            reactivate=Limit(number=0),
            blank=Limit(percent="2.5"),
            head_count=Limit(percent="95"),
            column_emptied=Limit(),
            identifiers=Limit(percent="100"),
            small_domain=5,
        ),
        scim=Scim("https://acme.skillcast.io/skillcastApi/scim", "SCIM_TOKEN"),
        domain_attribute="urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    )


def test_a_name_alone_is_enough() -> None:
    found = parse(minimal())
    assert found.customer == CustomerTable("Acme", None, None, 730)
    assert (found.members, found.connections, found.domains) == (UNSET, UNSET, UNSET)


def test_a_domain_by_name_alone_has_the_documented_defaults() -> None:
    assert to_settings(the_domain(), Settings()) == Settings()
    assert the_domain().target == "local"


def test_an_attribute_by_name_alone_has_the_documented_defaults() -> None:
    found = the_domain('[[domains.attributes]]\nname = "Email"').attributes
    assert not isinstance(found, UnsetType)
    assert to_attributes(found) == (Attribute("Email"),)
    plain = Attribute("Email")
    assert (plain.type, plain.required, plain.blank, plain.apply) == ("text", False, "keep", "always")


def test_a_connection_leads_to_hibob_unless_it_says_otherwise() -> None:
    found = parse(minimal('[[connections]]\nname = "HiBob"')).connections
    assert found == [ConnectionTable("HiBob", "hibob", "https://api.hibob.com/v1")]


def test_tables_left_out_stay_as_they_are_and_tables_named_are_complete() -> None:
    before = Settings(
        scope=(ScopeRule(True, "work.site", ("London",)),),
        lifecycle=Lifecycle((("leave", Meaning.ARCHIVED),), 7),
        limits=Limits(archive=Limit(number=1), update=Limit(number=2)),
    )
    assert to_settings(the_domain(), before) == before
    named = to_settings(the_domain("scope = []", "[domains.lifecycle]", '[domains.limits]\nadd = "1%"'), before)
    assert named == Settings(limits=Limits(add=Limit(percent="1")))


@pytest.mark.parametrize(
    "written",
    ['{ attribute = "Job title", is = ["Contractor"] }', '[{ attribute = "Job title", is = ["Contractor"] }]'],
)
def test_protection_by_rule_may_stand_alone_or_in_a_list(written: str) -> None:
    found = to_settings(the_domain(f"protected = {written}"), Settings())
    assert found.protected == (Protection(attribute="Job title", values=("Contractor",)),)


def test_members_are_one_person_in_every_spelling_of_the_address() -> None:
    twice = '[[members]]\nemail = "Admin@Acme.example"\nrole = "{}"'
    assert "admin@acme.example" in refusal(minimal(twice.format("admin"), twice.lower().format("csm")))


LIMIT_NAMES = [name for name in LimitsTable.__struct_fields__ if name != "small_domain"]

# --- limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("0", Limit(number=0)),
        ("3", Limit(number=3)),
        ('"10%"', Limit(percent="10")),
        ('" 10 % "', Limit(percent="10")),
        ('"0%"', Limit(percent="0")),
        ('"100%"', Limit(percent="100")),
        ('"2.5%"', Limit(percent="2.5")),
        ('"off"', Limit()),
        ('"Off"', Limit()),
    ],
)
def test_a_limit_is_a_number_a_percentage_or_off(written: str, limit: Limit) -> None:
    found = the_domain(f"limits = {{ archive = {written} }}").limits
    assert to_limits(found).archive == limit


@pytest.mark.parametrize(
    "wrong",
    ["-1", "1.5", "true", '""', '"10"', '"ten"', '"10%%"', '"%"', '"-5%"', '"101%"', '"100.0001%"', '"1,5%"', '"1e1%"', "[]",
     '"none"', '"10 people"', "1979-05-27"],
)  # fmt: skip
@pytest.mark.parametrize("name", LIMIT_NAMES)
def test_anything_else_is_no_limit_and_says_which(name: str, wrong: str) -> None:
    assert name in refusal(domain(f"limits = {{ {name} = {wrong} }}"))


def test_a_wrong_limit_names_its_domain() -> None:
    text = minimal('[[domains]]\nname = "staff"', '[[domains]]\nname = "alumni"\nlimits = { archive = "much" }')
    assert "alumni" in refusal(text) or "domains no. 2" in refusal(text)


# --- what is refused, and where ---------------------------------------------------------------------------

WRONG = [
    ('[customer]\nname = ""', ["customer.name"]),
    ("[customer]\nname = 7", ["customer.name"]),
    ('[customer]\nname = " Acme"', ["“ Acme”"]),
    ('[customer]\nname = "Zoe\u0308"', ["NFC"]),
    ("[customer]\nseats = 1", ["customer", "name"]),
    ("customer = 1", ["customer"]),
    ("[[customer]]\nname = 'Acme'", ["customer"]),
    (minimal("seats = -1"), ["customer.seats"]),
    (minimal("seats = 1.5"), ["customer.seats"]),
    (minimal('seats = "many"'), ["customer.seats"]),
    (minimal("seats = true"), ["customer.seats"]),
    (minimal("seats = 99999999999999999999"), ["customer.seats"]),
    (minimal("price_per_user = -0.01"), ["customer.price_per_user"]),
    (minimal("price_per_user = nan"), ["customer.price_per_user"]),
    (minimal("price_per_user = inf"), ["customer.price_per_user"]),
    (minimal('price_per_user = "12.50"'), ["customer.price_per_user"]),
    (minimal('currency = "pounds"'), ["“pounds”", "GBP"]),
    (minimal("retention_days = 0"), ["customer.retention_days"]),
    (minimal("retention_days = 99999999999999999999"), ["customer.retention_days"]),
    (minimal('[members]\nemail = "a@b.example"'), ["members"]),
    (minimal('[[members]]\nemail = "a@b.example"'), ["members no. 1", "role"]),
    (minimal('[[members]]\nemail = "a@b.example"\nrole = "boss"'), ["members no. 1.role", "boss"]),
    (minimal('[[members]]\nemail = "a@b.example"\nrole = "Admin"'), ["members no. 1.role", "Admin"]),
    *(
        (minimal(f'[[members]]\nemail = "{each}"\nrole = "admin"'), ["e-mail", each])
        for each in ("a", "a@", "@b", "a b@c")
    ),
    (minimal('[[connections]]\ntype = "hibob"'), ["connections no. 1", "name"]),
    (minimal('[[connections]]\nname = "c"\ntype = "workday"'), ["connections no. 1.type", "workday"]),
    (minimal('[[connections]]\nname = "c"\nid = ""'), ["connections no. 1.id"]),
    (minimal('[[connections]]\nname = "c"\nid = 4711'), ["connections no. 1.id"]),
    (minimal('[[connections]]\nname = "c"\nbase_url = 1'), ["connections no. 1.base_url"]),
    (minimal('[[connections]]\nname = "c"\nreport = "7"'), ["connections no. 1.report"]),
    (minimal('[[connections]]\nname = "c"\nreport = 99999999999999999999'), ["connections no. 1.report"]),
    (minimal('[[connections]]\nname = "c"\n[[connections]]\nname = "c"'), ["connection", "“c”", "twice"]),
    (domain('[[domains]]\nname = "staff"'), ["domain", "“staff”", "twice"]),
    (minimal("[[domains]]\nabsent_reads = 1"), ["domains no. 1", "name"]),
    (domain("[[domains]]\nname = 7"), ["domains no. 2.name"]),
    (domain('target = "scim2"'), ["“staff”", "local", "scim"]),
    (domain("target = 1"), ["domains no. 1.target"]),
    (domain("target = { scim = 1 }"), ["domains no. 1.target.scim"]),
    (domain('target = { token = { env = "T" } }'), ["domains no. 1.target", "scim"]),
    (domain('target = { scim = "https://a.skillcast.io", token = "s3cret" }'), ["domains no. 1.target.token", "env"]),
    (domain('target = { scim = "https://a.skillcast.io", tokens = 1 }'), ["domains no. 1.target", "tokens"]),
    (domain('absence_archives = "some"'), ["domains no. 1.absence_archives", "some"]),
    (domain("absent_reads = 0"), ["domains no. 1.absent_reads"]),
    (domain('absent_reads = "2"'), ["domains no. 1.absent_reads"]),
    (domain("protected = 1"), ["domains no. 1.protected"]),
    (domain("protected = ['a', 2]"), ["domains no. 1.protected no. 2"]),
    (domain('protected = { attribute = "a" }'), ["domains no. 1.protected", "is"]),
    (domain('protected = { attribute = "a", is = "b" }'), ["domains no. 1.protected.is"]),
    (domain('two_people = "yes"'), ["domains no. 1.two_people"]),
    (domain("two_people = 0"), ["domains no. 1.two_people"]),
    (domain("two_people = -3"), ["domains no. 1.two_people"]),
    (domain('schedule = "daily"'), ["domains no. 1.schedule"]),
    (domain('schedule = { timezone = "UTC" }'), ["domains no. 1.schedule", "cron"]),
    (domain('schedule = { cron = "whenever" }'), ["staff", "whenever"]),
    (domain('schedule = { cron = "0 25 * * *" }'), ["staff", "0 25 * * *"]),
    (domain('schedule = { cron = "0 5 * * *", timezone = "Mars/Olympus" }'), ["“staff”", "Mars/Olympus"]),
    (domain('schedule = { cron = "0 5 * * *", does = "approve" }'), ["domains no. 1.schedule.does", "approve"]),
    (domain('attributes = "all"'), ["domains no. 1.attributes"]),
    (domain('[[domains.attributes]]\ntype = "text"'), ["domains no. 1.attributes no. 1", "name"]),
    (domain('scope = [{ rule = "include", is = ["x"] }]'), ["domains no. 1.scope no. 1", "column"]),
    (domain('scope = [{ rule = "only", column = "a", is = ["x"] }]'), ["domains no. 1.scope no. 1.rule", "only"]),
    (domain('scope = [{ rule = "include", column = "a", is = "x" }]'), ["domains no. 1.scope no. 1.is"]),
    (domain('scope = [{ rule = "include", column = "a", is = ["x", 2] }]'), ["domains no. 1.scope no. 1.is no. 2"]),
    (domain('lifecycle = { leave = "gone" }'), ["domains no. 1.lifecycle", "gone"]),
    (domain("lifecycle = { leave = { wait_until_days_before_start = 3 } }"), ["“staff”", "“leave”"]),
    (domain("lifecycle = { hired = { wait_until_days_before_start = -1 } }"), ["wait_until_days_before_start"]),
    (domain("lifecycle = { hired = {} }"), ["domains no. 1.lifecycle", "wait_until_days_before_start"]),
    (domain("limits = 10"), ["domains no. 1.limits"]),
    (domain("limits = { small_domain = 0 }"), ["domains no. 1.limits.small_domain"]),
    (domain('limits = { small_domain = "3" }'), ["domains no. 1.limits.small_domain"]),
    (domain('unique_identifier = "Email"', '[[domains.attributes]]\nname = "E-mail"'), ["“staff”", "“Email”"]),
]


@pytest.mark.parametrize(("text", "named"), WRONG, ids=[text.splitlines()[-1] for text, _ in WRONG])
def test_a_wrong_value_is_refused_with_its_place(text: str, named: list[str]) -> None:
    message = refusal(text)
    for word in named:
        assert word in message
    assert "\n" not in message


WRONG_ATTRIBUTES = [
    ('name = ""', "name"),
    ('name = " Email"', "“ Email”"),
    *((f'name = "{each}"', f"“{each}”") for each in (*RESERVED_NAMES, *WORKBOOK_COLUMNS)),
    ('name = "A"\ntype = "boolean"', "boolean"),
    ('name = "A"\nblank = "drop"', "drop"),
    ('name = "A"\napply = "never"', "never"),
    ('name = "A"\nrequired = 1', "required"),
    ('name = "A"\nfallback = "work.site"', "fallback"),
    ('name = "A"\nclean_up = ["trim"]', "trim"),
    ('name = "A"\nclean_up = "lower"', "clean_up"),
    ('name = "A"\nvalues = { a = 1 }', "values"),
    ('name = "A"\nvalues = [["a", "b"]]', "values"),
    ('name = "A"\ntype = "list"', "options"),
    ('name = "A"\noptions = ["x"]', "options"),
    ('name = "A"\n[[domains.attributes]]\nname = "A"', "twice"),
]


@pytest.mark.parametrize(("lines", "named"), WRONG_ATTRIBUTES, ids=[lines for lines, _ in WRONG_ATTRIBUTES])
def test_a_wrong_attribute_is_refused_with_its_place(lines: str, named: str) -> None:
    message = refusal(domain(f"[[domains.attributes]]\n{lines}"))
    assert named in message
    assert "staff" in message or "domains no. 1" in message


STAFF = '[[domains]]\nname = "staff"'
TABLES = {
    "customer": "",
    "a member": '[[members]]\nemail = "a@b.example"\nrole = "admin"',
    "a connection": '[[connections]]\nname = "c"',
    "a token": '[[connections]]\nname = "c"\n[connections.token]\nenv = "X"',
    "a domain": STAFF,
    "an attribute": f'{STAFF}\n[[domains.attributes]]\nname = "A"',
    "a scope rule": f'{STAFF}\n[[domains.scope]]\nrule = "include"\ncolumn = "c"\nis = ["x"]',
    "the start date": f"{STAFF}\n[domains.lifecycle.hired]\nwait_until_days_before_start = 1",
    "the limits": f"{STAFF}\n[domains.limits]\narchive = 1",
    "a schedule": f'{STAFF}\n[domains.schedule]\ncron = "0 5 * * *"',
    "a notification": f'{STAFF}\n[[domains.notify]]\nenv = "X"',
    "a protection": f'{STAFF}\n[[domains.protected]]\nattribute = "A"\nis = ["x"]',
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_key_that_nobody_knows_is_refused_in_every_table(table: str) -> None:
    parse(minimal(table))
    assert "`archve`" in refusal(minimal(table, "archve = 1"))


def test_a_table_that_nobody_knows_is_refused() -> None:
    assert "`domain`" in refusal(minimal('[[domain]]\nname = "staff"'))


@pytest.mark.parametrize(
    "token", ['"s3cret-token"', '{ value = "s3cret-token" }', '{ env = "X", value = "s3cret-token" }']
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(token: str) -> None:
    message = refusal(minimal(f'[[connections]]\nname = "c"\ntoken = {token}'))
    assert "connections no. 1.token" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "text", ["", "Acme", "[customer", 'name = "Acme', '[customer]\nname = "A"\nname = "B"', "a = 1e", "\0", "a = " + "[" * 9999]
)  # fmt: skip
def test_what_is_no_toml_is_refused(text: str) -> None:
    assert "set-up file" in refusal(text)


def test_a_slip_of_the_pen_is_shown_with_its_line() -> None:
    assert "line 3" in refusal('[customer]\nname = "Acme"\nseats = many\n')


# --- and back ---------------------------------------------------------------------------------------------


def test_the_full_example_is_written_and_read_again_as_it_was() -> None:
    assert parse(write(parse(FULL))) == parse(FULL)


def test_what_is_written_twice_is_the_same_text() -> None:
    once = write(parse(FULL))
    assert write(parse(once)) == once


def test_a_written_file_holds_no_more_than_was_said() -> None:
    assert write(parse(minimal())).split() == ["[customer]", "name", "=", '"Acme"']


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).map(tidy).filter(bool)
PLAIN_NAMES = NAMES.filter(lambda name: name.isprintable() and "/" not in name)
"""Names of customers, connections and domains."""
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
NUMBERS = st.integers(0, 10**9)


def distinct(kind: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(kind, max_size=3, unique_by=lambda each: fold(getattr(each, "email", "") or each.name))  # type: ignore[attr-defined]


def attributes() -> st.SearchStrategy[AttributeTable]:
    def fit(table: AttributeTable) -> AttributeTable:
        """Options for lists alone, and a fallback only beside a data feed name."""
        is_list = table.type is AttributeType.LIST
        options = (table.options or ["A"]) if is_list else []
        return msgspec.structs.replace(
            table, options=options, fallback=table.fallback if table.data_feed_name else None
        )

    own = NAMES.filter(lambda name: name.isprintable() and name not in (*RESERVED_NAMES, *WORKBOOK_COLUMNS))
    return st.builds(
        AttributeTable,
        name=own,
        data_feed_name=st.none() | NAMES,
        type=st.sampled_from(AttributeType),
        required=st.booleans(),
        blank=st.sampled_from(BlankPolicy),
        fallback=st.none() | NAMES,
        clean_up=st.lists(st.sampled_from(sorted(CLEAN_UP)), max_size=3),
        values=st.dictionaries(TEXTS, TEXTS, max_size=3),
        options=st.lists(TEXTS, max_size=3),
        apply=st.sampled_from(Apply),
    ).map(fit)


PERCENTS = st.decimals(0, 100, places=2, allow_nan=False).map(lambda number: f"{number}%")
LIMITS = st.builds(
    LimitsTable,
    **{name: NUMBERS | PERCENTS | st.just("off") for name in LIMIT_NAMES},
    small_domain=st.integers(1, 10**6),
)
WAITS = st.builds(WaitTable, st.integers(0, 3650))
LIFECYCLES = st.builds(
    lambda meanings, wait: meanings | ({"hired": wait} if wait else {}),
    st.dictionaries(TEXTS, st.sampled_from(Meaning), max_size=3).filter(
        lambda meanings: len({status_key(status) for status in (*meanings, "hired")}) == len(meanings) + 1
    ),
    st.none() | WAITS,
)
UNSAID = st.just(UNSET)
DOMAINS = st.builds(
    DomainTable,
    name=PLAIN_NAMES,
    connection=st.none() | NAMES,
    target=st.just("local") | st.builds(ScimTable, NAMES, st.none() | st.builds(Secret, NAMES)),
    domain_attribute=st.none() | NAMES,
    absence_archives=st.sampled_from(AbsenceArchives),
    absent_reads=st.integers(1, 30),
    protected=st.lists(TEXTS | st.builds(ProtectTable, NAMES, st.lists(TEXTS, max_size=3)), max_size=3),
    two_people=st.booleans() | st.integers(1, 500),
    schedule=st.none() | st.builds(ScheduleTable, st.just("0 5 * * 1-5"), st.sampled_from(["UTC", "Europe/London"])),
    notify=st.lists(st.builds(Secret, NAMES), max_size=2),
    attributes=UNSAID | distinct(attributes()),
    scope=UNSAID
    | st.lists(
        st.builds(ScopeTable, st.sampled_from(["include", "exclude"]), NAMES, st.lists(TEXTS, min_size=1)), max_size=2
    ),
    lifecycle=UNSAID | LIFECYCLES,
    limits=UNSAID | LIMITS,
)
FILES = st.builds(
    SetupFile,
    customer=st.builds(
        CustomerTable,
        PLAIN_NAMES,
        st.none() | NUMBERS,
        st.none() | st.floats(0, 1e9, allow_nan=False),
        st.integers(1, 9999),
    ),
    members=UNSAID | distinct(st.builds(MemberTable, st.emails(), st.sampled_from(Role))),
    connections=UNSAID
    | distinct(
        st.builds(
            ConnectionTable,
            name=PLAIN_NAMES,
            base_url=TEXTS,
            id=st.none() | NAMES,
            token=st.none() | st.builds(Secret, NAMES),
            report=st.none() | NUMBERS,
        )
    ),
    domains=UNSAID | distinct(DOMAINS),
)


@settings(max_examples=80)
@given(FILES)
def test_any_file_that_is_written_is_read_again_as_it_was(found: SetupFile) -> None:
    assert parse(write(found)) == found


SETTINGS = st.builds(
    Settings,
    connection=st.none() | NAMES,
    unique_identifier=st.none() | NAMES,
    absence_archives=st.sampled_from(AbsenceArchives),
    absent_reads=st.integers(1, 30),
    protected=st.lists(
        st.builds(Protection, person=TEXTS)
        | st.builds(Protection, attribute=NAMES, values=st.lists(TEXTS, max_size=2).map(tuple)),
        max_size=3,
    ).map(tuple),
    two_people=st.booleans() | st.integers(1, 500),
    scope=st.lists(st.builds(ScopeRule, st.booleans(), NAMES, st.lists(TEXTS, max_size=2).map(tuple)), max_size=2).map(
        tuple
    ),
    lifecycle=st.builds(
        Lifecycle,
        st.dictionaries(NAMES.filter(lambda name: fold(name) != "hired"), st.sampled_from(Meaning), max_size=3).map(
            lambda meanings: tuple(meanings.items())
        ),
        st.integers(0, 3650),
    ),
    limits=LIMITS.map(to_limits),
)


@settings(max_examples=80)
@given(SETTINGS, st.lists(attributes(), max_size=2, unique_by=lambda each: each.name))
def test_settings_that_are_exported_come_back_the_same(stored: Settings, rows: list[AttributeTable]) -> None:
    mapped = to_attributes(rows)
    table = from_settings("staff", stored, mapped)
    other = Settings(scope=(ScopeRule(True, "x", ("y",)),), limits=Limits(archive=Limit()))
    assert to_settings(table, other) == stored
    assert not isinstance(table.attributes, UnsetType)
    assert to_attributes(table.attributes) == mapped


def test_a_scim_token_that_is_left_out_stays_the_one_there_was() -> None:
    before = Settings(scim=Scim("https://old.skillcast.io/scim", "SCIM_TOKEN"))
    found = to_settings(the_domain('target = { scim = "https://new.skillcast.io/scim" }'), before)
    assert found.scim == Scim("https://new.skillcast.io/scim", "SCIM_TOKEN")
    assert to_settings(the_domain(), before).scim is None
