"""`setup`, `export`, `grant`, and what belongs to the installation: keys, copies, `doctor`."""

import copy
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from driver import (
    ADMIN,
    ATTRIBUTES,
    CSM,
    EMPLOYEE_ID,
    STAFF,
    Rollcall,
    attribute,
    customer,
    domain,
)
from tiny_hibob import TOKEN, TinyHiBob

HIBOB = "https://api.hibob.com/v1"


def versions(house: Rollcall) -> tuple[int, int, int]:
    """How often anything changed. That somebody exported the set-up is in the history too, and no change."""
    changes = "(SELECT 1 FROM history WHERE what != 'set-up exported')"
    mappings, settings, history = (
        house.sql(f"SELECT count(*) FROM {table}")[0][0] for table in ("mappings", "settings", changes)
    )
    return mappings, settings, history


def everything() -> dict[str, Any]:
    """A set-up file with every table and every key of the contract."""
    return {
        "customer": {
            "name": "Acme", "seats": 1250, "price_per_user": 12.5, "retention_days": 400, "currency": "GBP",
        },
        "members": [{"email": ADMIN, "role": "admin"}, {"email": "eve@acme.example", "role": "auditor"}],
        "connections": [
            {"name": "Acme HiBob", "type": "hibob", "base_url": HIBOB, "id": "SERVICE-4711", "token": {"env": "ACME_TOKEN"}},
            {"name": "Other", "base_url": "https://api.sandbox.hibob.com/v1"},
        ],
        "domains": [
            domain(
                EMPLOYEE_ID,
                attribute(
                    "Department", "humanReadable.work.department", type="text", required=False, blank="hold",
                    fallback="work.site", clean_up=["lower", "single spaces"], apply="on add",
                    values={"Legal & Compliance": "Legal", "  Zoë’s “team”": "=1+1", "0044": "44"},
                ),
                attribute("Grade", "work.title", type="list", options=["A", "B", "0"], blank="clear"),
                attribute("Start date", "work.startDate", type="date"),
                attribute("FTE", "payroll.employment.fte", type="number"),
                attribute("Certified", "Certified person", type="yes/no"),
                attribute("Manager", "work.reportsTo", type="user"),
                attribute("Never touched", None),
                target={"scim": "https://acme.skillcast.io/skillcastApi/scim", "token": {"env": "SCIM_TOKEN"}},
                domain_attribute="urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                absence_archives="linked",
                absent_reads=2,
                protected=["root@acme.example", {"attribute": "Grade", "is": ["A", "B"]}],
                two_people=True,
                schedule={"cron": "0 5 * * 1-5", "timezone": "Europe/London", "does": "process"},
                notify=[{"env": "ACME_NOTIFY_URL"}],
                scope=[
                    {"rule": "include", "column": "work.site", "is": ["London", "Dublin"]},
                    {"rule": "exclude", "column": "root.email", "is": ["x@acme.example"]},
                ],
                lifecycle={
                    "hired": {"wait_until_days_before_start": 5},
                    "parental leave": "live",
                    "Sabbatical": "archived",
                    "leave": "leave as is",
                },
                limits={
                    "archive": "12.5%", "archive_7_days": 40, "update": "off", "add": 300, "reactivate": "1%",
                    "blank": 0, "head_count": "off", "column_emptied": "33%", "identifiers": 7, "small_domain": 1,
                },
            ),
            {"name": "contractors", "connection": "Other"},
        ],
    }  # fmt: skip


def secretive(house: Rollcall) -> Rollcall:
    house.environment["ACME_NOTIFY_URL"] = "mailtos://bot:notify-secret@mail.acme.example"
    house.environment["SCIM_TOKEN"] = "portal-secret"
    return house


# --- creating and changing --------------------------------------------------------------------------------


def test_everything_of_the_contract_is_taken_and_given_back(empty: Rollcall) -> None:
    secretive(empty).set_up(everything()).fine()
    back = tomllib.loads(empty.call("export", "Acme").fine().out)
    wanted = everything()
    assert back["customer"] == wanted["customer"]
    assert back["members"] == wanted["members"]
    assert [each["name"] for each in back["connections"]] == ["Acme HiBob", "Other"]
    assert back["connections"][0]["token"] == {"env": "ACME_TOKEN"}
    theirs = next(each for each in back["domains"] if each["name"] == "staff")
    ours = wanted["domains"][0]
    for key in (
        "target",
        "domain_attribute",
        "protected",
        "schedule",
        "notify",
        "scope",
        "absence_archives",
        "absent_reads",
        "two_people",
    ):
        assert theirs[key] == ours[key], key
    assert {name.casefold(): value for name, value in theirs["lifecycle"].items()} == {
        name.casefold(): value for name, value in ours["lifecycle"].items()
    }
    for name, value in ours["limits"].items():
        defaults = {"update": "off", "small_domain": 3}
        assert theirs["limits"].get(name, defaults.get(name)) == value, name
    for mine, theirs_too in zip(ours["attributes"], theirs["attributes"], strict=True):
        defaults = {"type": "text", "required": False, "apply": "always", "blank": "keep"}
        assert defaults | theirs_too == defaults | mine


def test_export_then_setup_then_export_is_identical_and_changes_nothing(empty: Rollcall) -> None:
    secretive(empty).set_up(everything()).fine()
    first = empty.call("export", "Acme").fine().out
    before = versions(empty)
    assert empty.set_up(first, "--prune").fine().out == "Nothing changed.\n"
    assert empty.call("export", "Acme").fine().out == first
    assert versions(empty) == before


def test_an_export_sets_up_the_same_customer_elsewhere(empty: Rollcall, tmp_path: Path) -> None:
    secretive(empty).set_up(everything()).fine()
    exported = empty.call("export", "Acme").fine().out
    other = Rollcall(tmp_path / "other" / "data", ACME_NOTIFY_URL="json://elsewhere.example", SCIM_TOKEN="another")
    other.folder.mkdir()
    other.set_up(exported).fine()
    assert other.call("export", "Acme").fine().out == exported


@pytest.mark.parametrize("price", [0, 0.01, 12.5, 1234.567, 1234567.89])
def test_a_price_is_kept_to_the_last_digit(empty: Rollcall, price: float) -> None:
    empty.set_up({"customer": {"name": "Acme", "price_per_user": price}}).fine()
    assert tomllib.loads(empty.call("export", "Acme").fine().out)["customer"]["price_per_user"] == price


def test_the_example_customer_is_exported_and_set_up_again_unchanged(northwind: Rollcall) -> None:
    first = northwind.call("export", "Northwind Trading").fine().out
    assert northwind.set_up(first, "--prune").fine().out == "Nothing changed.\n"
    assert northwind.call("export", "Northwind Trading").fine().out == first


def test_setting_up_contacts_nobody(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(two_people=True))).fine()
    assert hibob.calls == []


def test_the_same_file_twice_changes_nothing_and_makes_no_versions(acme: Rollcall, hibob: TinyHiBob) -> None:
    before = versions(acme)
    assert acme.set_up(customer(hibob.base_url)).fine().out == "Nothing changed.\n"
    assert acme.set_up(customer(hibob.base_url), "--prune").fine().out == "Nothing changed.\n"
    assert versions(acme) == before


def test_a_changed_file_makes_one_version_of_what_changed(acme: Rollcall, hibob: TinyHiBob) -> None:
    mappings, settings, _ = versions(acme)
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, attribute("Site", "work.site")))).fine()
    assert versions(acme)[:2] == (mappings + 1, settings)
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, attribute("Site", "work.site"), two_people=True))).fine()
    assert versions(acme)[:2] == (mappings + 1, settings + 1)
    assert [each["what"] for each in acme.history()][:2] == ["domain changed", "domain changed"]


def test_the_history_says_what_a_changed_file_changed(acme: Rollcall, hibob: TinyHiBob) -> None:
    site = attribute("Site", "work.site")
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, site, limits={"archive": "off"}))).fine()
    details = acme.history()[0]["details"]
    assert details["mapping"] == ["Site: added, fed by work.site"]
    assert details["changed"]["limits"]["from"]["archive"]["percent"] == "10"
    said = acme.call("history", STAFF).fine().out
    assert "mapping: Site: added, fed by work.site" in said
    assert "archive: 10% → off" in said


def test_a_table_that_is_left_out_stays_as_it_is(empty: Rollcall) -> None:
    secretive(empty).set_up(everything()).fine()
    before = tomllib.loads(empty.call("export", "Acme").fine().out)
    empty.set_up({"customer": everything()["customer"]}, "--prune").fine()
    assert tomllib.loads(empty.call("export", "Acme").fine().out) == before
    sparse: dict[str, Any] = everything()["domains"][0]
    for table in ("attributes", "scope", "lifecycle", "limits"):
        del sparse[table]
    empty.set_up({"customer": everything()["customer"], "domains": [sparse]}).fine()
    assert tomllib.loads(empty.call("export", "Acme").fine().out) == before


def test_a_table_that_is_named_is_complete(empty: Rollcall) -> None:
    content = everything()
    secretive(empty).set_up(content).fine()
    staff = content["domains"][0]
    staff |= {"attributes": [EMPLOYEE_ID], "scope": [], "lifecycle": {}, "limits": {"add": 5}, "protected": []}
    empty.set_up({"customer": {"name": "Acme"}, "domains": [staff]}).fine()
    back = tomllib.loads(empty.call("export", "Acme").fine().out)
    theirs = next(each for each in back["domains"] if each["name"] == "staff")
    assert [each["name"] for each in theirs["attributes"]] == ["Employee ID"]
    assert theirs.get("scope", []) == []
    assert theirs.get("lifecycle", {}) == {}
    limits = {"archive": "10%", "archive_7_days": "25%", "head_count": "90%"} | theirs["limits"]
    assert (limits["add"], limits["archive"], limits["archive_7_days"], limits["head_count"]) == (
        5,
        "10%",
        "25%",
        "90%",
    )
    assert "seats" not in back["customer"]


def test_only_prune_removes_members_domains_and_connections(empty: Rollcall) -> None:
    secretive(empty).set_up(everything()).fine()
    less = everything()
    less["members"], less["connections"], less["domains"] = [
        less[key][:1] for key in ("members", "connections", "domains")
    ]
    assert empty.set_up(less).fine().out == "Nothing changed.\n"
    removed = empty.set_up(less, "--prune").fine().out
    for name in ("eve@acme.example", "Other", "contractors"):
        assert name in removed
    back = tomllib.loads(empty.call("export", "Acme").fine().out)
    assert [each["email"] for each in back["members"]] == [ADMIN]
    assert [each["name"] for each in back["connections"]] == ["Acme HiBob"]
    assert [each["name"] for each in back["domains"]] == ["staff"]
    whats = [each["what"] for each in empty.history("Acme")]
    assert {"role removed", "connection removed", "domain removed"} <= set(whats)


def test_a_connection_that_a_domain_still_uses_cannot_be_pruned_away(acme: Rollcall, hibob: TinyHiBob) -> None:
    """Or else the export is a file that setup refuses."""
    content = {key: value for key, value in customer(hibob.base_url).items() if key != "domains"}
    content["connections"] = [content["connections"][0] | {"name": "New name"}]
    acme.set_up(content, "--prune")
    exported = acme.call("export", "Acme").fine().out
    assert acme.set_up(exported).fine().out == "Nothing changed.\n"


def test_the_history_of_a_removed_domain_is_not_told_of_a_new_one(acme: Rollcall, hibob: TinyHiBob) -> None:
    with_leavers = customer(hibob.base_url, domain(), domain(name="alumni"))
    acme.set_up(with_leavers).fine()
    acme.preview("Acme/alumni")
    acme.set_up(customer(hibob.base_url), "--prune").fine()
    acme.set_up(customer(hibob.base_url, domain(), domain(name="board"))).fine()
    of_domain = [each for each in acme.history("Acme/board") if each.get("domain") == "board"]
    assert [each["what"] for each in of_domain] == ["domain created"]


# --- all or nothing ---------------------------------------------------------------------------------------


def broken(change: str) -> dict[str, Any]:
    content = copy.deepcopy(everything())
    last: dict[str, Any] = content["domains"][-1]
    attributes = {"attributes": [EMPLOYEE_ID | {"name": name} for name in ("A", "B")]}
    match change:
        case "secret that is not set":
            last["notify"] = [{"env": "NOT_SET"}]
        case "unknown connection":
            last["connection"] = "Nowhere"
        case "unknown key":
            last["limts"] = {}
        case "unknown limit":
            last["limits"] = {"archives": 3}
        case "wrong limit":
            last["limits"] = {"archive": "101%"}
        case "negative limit":
            last["limits"] = {"archive": -1}
        case "wrong type":
            last["attributes"] = [EMPLOYEE_ID | {"type": "money"}]
        case "unknown clean-up":
            last["attributes"] = [EMPLOYEE_ID | {"clean_up": ["sparkle"]}]
        case "list without options":
            last["attributes"] = [EMPLOYEE_ID | {"type": "list"}]
        case "attribute twice":
            last["attributes"] = [EMPLOYEE_ID, EMPLOYEE_ID]
        case "reserved attribute":
            last["attributes"] = [EMPLOYEE_ID | {"name": "status"}]
        case "identifier without attribute":
            last |= attributes | {"unique_identifier": "C"}
        case "protected by an unknown attribute":
            last |= attributes | {"protected": [{"attribute": "C", "is": ["x"]}]}
        case "domain twice":
            content["domains"].append({"name": "staff"})
        case "member twice":
            content["members"].append({"email": ADMIN.upper(), "role": "csm"})
        case "role":
            content["members"].append({"email": "x@acme.example", "role": "owner"})
        case "e-mail":
            content["members"].append({"email": "nobody", "role": "csm"})
        case "secret in the file":
            content["connections"][0]["token"] = TOKEN
        case "time zone":
            last["schedule"] = {"cron": "0 5 * * *", "timezone": "Mars/Olympus"}
        case "wait of another status":
            last["lifecycle"] = {"leave": {"wait_until_days_before_start": 1}}
        case "meaning":
            last["lifecycle"] = {"leave": "away"}
        case "host":
            content["connections"][-1]["base_url"] = "https://hibob.evil.example/v1"
        case "seats that no number holds":
            content["customer"]["seats"] = 10**30
        case "days that no number holds":
            content["customer"]["retention_days"] = 10**30
    return content


BROKEN = [
    "secret that is not set",
    "unknown connection",
    "unknown key",
    "unknown limit",
    "wrong limit",
    "negative limit",
    "wrong type",
    "unknown clean-up",
    "list without options",
    "attribute twice",
    "reserved attribute",
    "identifier without attribute",
    "protected by an unknown attribute",
    "domain twice",
    "member twice",
    "role",
    "e-mail",
    "secret in the file",
    "time zone",
    "wait of another status",
    "meaning",
    "host",
    "seats that no number holds",
    "days that no number holds",
]


@pytest.mark.parametrize("change", BROKEN)
def test_an_error_late_in_the_file_leaves_nothing(empty: Rollcall, change: str) -> None:
    message = secretive(empty).set_up(broken(change)).complaint(2)
    assert TOKEN not in message
    empty.call("export", "Acme").complaint(2)
    assert empty.sql("SELECT count(*) FROM history") == [(0,)]


def test_an_error_late_in_the_file_leaves_what_was_there(acme: Rollcall, hibob: TinyHiBob) -> None:
    before, exported = versions(acme), acme.call("export", "Acme").fine().out
    content = customer(
        hibob.base_url, domain(two_people=True), {"name": "late", "connection": "Nowhere"}, members=[]
    )  # fmt: skip
    acme.set_up(content, "--prune").complaint(2)
    assert (versions(acme), acme.call("export", "Acme").fine().out) == (before, exported)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.hibob.com/v1",
        "https://api.hibob.com:8443/v1",
        "https://user:password@api.hibob.com/v1",
        "https://api.hibob.com/v1?x=1",
        "https://api.hibob.com.evil.example/v1",
        "https://127.0.0.1/v1",
        "https://localhost/v1",
        "https://[::1]/v1",
        "https://169.254.169.254/v1",
        "https://2130706433/v1",
        "ftp://api.hibob.com/v1",
        "file:///etc/passwd",
        "api.hibob.com/v1",
        "",
        "https://api.hibob.com\\@evil.example/v1",
        "https://api.hibob.com/\tv1",
        "https://api.hibob.com/v1\r\nX-Other: 1",
        "https:///v1",
        "https://api.hibob.com:port/v1",
        "https://[/v1",
    ],
)
def test_connections_may_only_point_to_hibob_over_https(empty: Rollcall, url: str) -> None:
    empty.environment["ROLLCALL_ALLOWED_HOSTS"] = ""
    assert "password" not in empty.set_up(customer(url)).complaint(2)


def test_the_host_rule_holds_at_every_use(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.environment["ROLLCALL_ALLOWED_HOSTS"] = "other.example"
    for command in ("check", "preview"):
        assert "ROLLCALL_ALLOWED_HOSTS" in acme.call(command, STAFF).complaint(2)
    assert hibob.calls == []


# --- secrets ----------------------------------------------------------------------------------------------


def test_secrets_come_from_the_environment_and_are_written_nowhere(staffed: Rollcall, hibob: TinyHiBob) -> None:
    there = {"name": "portal", "target": {"scim": "https://acme.skillcast.io/scim", "token": {"env": "SCIM_TOKEN"}}}
    content = customer(hibob.base_url, domain(notify=[{"env": "ACME_NOTIFY_URL"}]), there)
    secretive(staffed).set_up(content).fine()
    for name in ("ACME_TOKEN", "ACME_NOTIFY_URL", "SCIM_TOKEN"):
        del staffed.environment[name]
    staffed.call("check", STAFF).fine()  # the stored one is used
    staffed.call("backup", staffed.data / "copy.db").fine()
    told = [
        staffed.call(*words)
        for words in (
            ("export", "Acme"), ("history", "Acme", "--json"), ("check", STAFF, "--json"), ("doctor",), ("users", STAFF),
            ("preview", STAFF, "--json"),
        )
    ]  # fmt: skip
    everything_told = staffed.written() + "".join(said.out + said.err for said in told).encode()
    for secret in (TOKEN.encode(), b"notify-secret", b"portal-secret"):
        assert secret not in everything_told


def test_a_secret_that_is_not_set_is_named_by_its_variable(empty: Rollcall, hibob: TinyHiBob) -> None:
    del empty.environment["ACME_TOKEN"]
    assert "ACME_TOKEN" in empty.set_up(customer(hibob.base_url)).complaint(2)


def test_a_new_token_is_a_change_without_a_new_version(acme: Rollcall, hibob: TinyHiBob) -> None:
    before = versions(acme)
    acme.environment["ACME_TOKEN"] = "another token"
    assert "Acme HiBob" in acme.set_up(customer(hibob.base_url)).fine().out
    assert versions(acme) == (before[0], before[1], before[2] + 1)
    assert acme.call("check", STAFF).code == 1


def test_a_new_notification_target_is_a_change_too(acme: Rollcall, hibob: TinyHiBob) -> None:
    content = customer(hibob.base_url, domain(notify=[{"env": "ACME_NOTIFY_URL"}]))
    secretive(acme).set_up(content).fine()
    acme.environment["ACME_NOTIFY_URL"] = "json://elsewhere.example"
    assert acme.set_up(content).fine().out != "Nothing changed.\n"


def portal(address: str, *, token: bool = True) -> dict[str, Any]:
    return domain(target={"scim": address} | ({"token": {"env": "SCIM_TOKEN"}} if token else {}))


def test_a_scim_token_stays_when_it_is_left_out_and_goes_with_its_target(empty: Rollcall, hibob: TinyHiBob) -> None:
    here = "https://acme.skillcast.io/scim"
    secretive(empty).set_up(customer(hibob.base_url, portal(here))).fine()
    assert empty.set_up(customer(hibob.base_url, portal(here, token=False))).fine().out == "Nothing changed.\n"
    empty.environment["SCIM_TOKEN"] = "another portal-secret"
    assert empty.set_up(customer(hibob.base_url, portal(here))).fine().out != "Nothing changed.\n"
    empty.set_up(customer(hibob.base_url)).fine()
    assert empty.sql("SELECT owner FROM secrets WHERE owner LIKE 'domain:%'") == []


def test_a_stored_scim_token_is_not_sent_to_another_address(empty: Rollcall, hibob: TinyHiBob) -> None:
    secretive(empty).set_up(customer(hibob.base_url, portal("https://acme.skillcast.io/scim"))).fine()
    elsewhere = customer(hibob.base_url, portal("https://other.skillcast.io/scim", token=False))
    assert "token" in empty.set_up(elsewhere).complaint(2)
    assert "skillcast.io" in empty.set_up(customer(hibob.base_url, portal("https://evil.example/scim"))).complaint(2)


def test_rotating_the_key_keeps_the_secrets(acme: Rollcall) -> None:
    key = (acme.data / "rollcall.key").read_bytes()
    acme.call("rotate-key").fine()
    assert (acme.data / "rollcall.key").read_bytes() != key
    acme.call("check", STAFF).fine()
    acme.call("doctor").fine()
    acme.call("verify").fine()


def test_rotating_keys_of_the_environment_makes_the_first_enough(acme: Rollcall, hibob: TinyHiBob) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    acme.environment["ROLLCALL_KEY"] = old
    acme.set_up(customer(hibob.base_url)).fine()
    acme.environment["ROLLCALL_KEY"] = f"{new},{old}"
    acme.call("rotate-key").fine()
    acme.environment["ROLLCALL_KEY"] = new
    acme.call("check", STAFF).fine()
    acme.environment["ROLLCALL_KEY"] = old
    acme.call("check", STAFF).complaint(2)
    assert acme.call("doctor").code != 0


def test_a_lost_key_is_told_with_the_way_on(acme: Rollcall, hibob: TinyHiBob) -> None:
    (acme.data / "rollcall.key").unlink()
    assert "token" in acme.call("check", STAFF).complaint(2)
    said = acme.call("doctor")
    assert said.code != 0
    assert "WRONG" in said.out
    acme.call("rotate-key", "--lost").fine()
    acme.set_up(customer(hibob.base_url)).fine()
    acme.call("check", STAFF).fine()


# --- members ----------------------------------------------------------------------------------------------


def test_a_role_is_granted_changed_and_told_in_the_history(acme: Rollcall) -> None:
    acme.call("grant", "New@Acme.example", "auditor", "Acme").fine()
    acme.call("approve", acme.preview()["plan"], by="new@acme.example").complaint(3)
    acme.call("grant", "new@acme.example", "admin", "Acme").fine()
    acme.call("approve", acme.preview()["plan"], by="new@acme.example").fine()
    before = versions(acme)
    acme.call("grant", "new@acme.example", "admin", "Acme").fine()
    assert versions(acme) == before
    roles = [each["details"]["role"] for each in acme.history("Acme") if each["what"] == "role granted"]
    assert roles[:2] == ["admin", "auditor"]
    assert [each["details"].get("instead_of") for each in acme.history("Acme") if each["what"] == "role granted"][
        :2
    ] == [
        "auditor",
        None,
    ]


def test_a_csm_of_every_customer_may_act_for_each(acme: Rollcall) -> None:
    acme.call("grant", "all@skillcast.example", "csm").fine()
    acme.call("approve", acme.preview()["plan"], by="all@skillcast.example").fine()
    acme.call("revoke", "all@skillcast.example").fine()
    told = [
        (each["what"], each["customer"])
        for each in acme.history()
        if each["details"].get("name") == "all@skillcast.example"
    ]
    assert told == [("role removed", None), ("role granted", None)]
    assert "took the role CSM from all@skillcast.example for every customer." in acme.call("history", STAFF).fine().out


def test_members_prepare_under_their_own_name(acme: Rollcall) -> None:
    plan = acme.preview(by=CSM)
    assert acme.history()[0]["who"] == CSM
    assert acme.call("plan", plan["plan"], "--json", by=CSM).fine().json == plan


# --- copies and health ------------------------------------------------------------------------------------


def test_a_backup_is_restored_into_another_installation(staffed: Rollcall, hibob: TinyHiBob, tmp_path: Path) -> None:
    staffed.call("backup", "copy.db").fine()
    other = Rollcall(tmp_path / "other" / "data")
    other.folder.mkdir()
    other.call("restore", staffed.folder / "copy.db").fine()
    assert other.users() == staffed.users()
    assert other.call("doctor").code != 0  # the key is not part of a backup
    (other.data / "rollcall.key").write_bytes((staffed.data / "rollcall.key").read_bytes())
    assert "is missing" in other.call("verify").complaint(3)
    other.call("verify", "--seal", "restored without its key").fine()
    other.call("verify").fine()
    other.call("doctor").fine()
    assert other.preview()["status"] == "empty"


def test_a_restore_takes_everything_back(staffed: Rollcall, hibob: TinyHiBob) -> None:
    users = staffed.users()
    staffed.call("backup", "copy.db").fine()
    hibob.join(31)
    staffed.sync()
    assert len(staffed.users()) == 31
    staffed.call("restore", "copy.db").fine()
    assert staffed.users() == users
    staffed.call("verify").fine()
    assert staffed.preview()["counts"]["add"] == 1


def test_a_file_that_is_no_backup_is_refused_and_changes_nothing(staffed: Rollcall) -> None:
    users = staffed.users()
    (staffed.folder / "text.db").write_text("hello")
    (staffed.folder / "empty.db").write_bytes(b"")
    staffed.call("backup", "copy.db").fine()
    half = (staffed.folder / "copy.db").read_bytes()
    (staffed.folder / "half.db").write_bytes(half[: len(half) // 2])
    for name in ("text.db", "empty.db", "half.db"):
        staffed.call("restore", name).complaint(2)
    assert staffed.users() == users
    staffed.call("verify").fine()


def test_a_worker_that_died_does_not_stand_in_the_way_of_a_restore(staffed: Rollcall) -> None:
    """Its lease is dead with it."""
    staffed.call("backup", "copy.db").fine()
    with staffed.database() as db:
        domain_id = db.execute("SELECT id FROM domains").fetchone()[0]
    staffed.sql(
        "INSERT INTO leases (domain_id, host, pid, process_start, token, doing, renewed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        domain_id, socket.gethostname(), 2**22 - 1, "1", "dead", "process", "2020-01-01T00:00:00.000000Z",
    )  # fmt: skip
    staffed.call("restore", "copy.db").fine()


def test_the_database_itself_is_no_place_for_its_backup(staffed: Rollcall) -> None:
    users = staffed.users()
    staffed.call("backup", staffed.data / "rollcall.db")
    staffed.call("restore", staffed.data / "rollcall.db")
    assert staffed.users() == users
    staffed.call("verify").fine()
    staffed.call("doctor").fine()


def test_doctor_is_fine_with_a_sound_installation_and_not_with_a_changed_history(staffed: Rollcall) -> None:
    assert "WRONG" not in staffed.call("doctor").fine().out
    staffed.sql("UPDATE history SET who = 'somebody else' WHERE seq = 3")
    said = staffed.call("doctor")
    assert (said.code != 0, "WRONG" in said.out) == (True, True)


def test_doctor_says_where_mails_come_from_or_what_is_wrong_with_that(acme: Rollcall, hibob: TinyHiBob) -> None:
    assert "fine   mail: not set up (ROLLCALL_MAIL)\n" in acme.call("doctor").fine().out
    acme.environment |= {
        "ROLLCALL_MAIL": "mailtos://rollcall:mail-s3cret@mail.acme.example?from=rollcall@acme.example",
        "HR": "email:hr@acme.example",
    }
    said = acme.call("doctor").fine().out
    assert "fine   mail: mailtos://mail.acme.example:587, from rollcall@acme.example\n" in said
    acme.set_up(customer(hibob.base_url, domain(notify=[{"env": "HR"}]))).fine()
    acme.environment["ROLLCALL_MAIL"] = ""
    assert "WRONG  mail: not set up (ROLLCALL_MAIL), and 1 e-mail address" in acme.call("doctor").out
    acme.environment["ROLLCALL_MAIL"] = "mailtos://rollcall:mail-s3cret@mail.acme.example"
    assert "ROLLCALL_MAIL does not say from which e-mail address mails come" in acme.call("doctor").out
    assert "s3cret" not in acme.call("doctor").out
