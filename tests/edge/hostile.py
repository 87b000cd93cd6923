"""A company whose people, customer, domain and attributes are called what nobody honest is called."""

from provisioning import demo
from provisioning.sandbox import Sandbox
from provisioning.workflow.house import Workspace
from provisioning.workflow.setting_up import set_up

EVIL = "evil.example"
IMAGE = f"<img src=http://{EVIL}/i.png onerror=window.hostile=1>"
NAMES = (
    "=1+1",
    f'=HYPERLINK("http://{EVIL}/f","x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\n=1+1",
    f"![p](http://{EVIL}/m.png)",
    f"[l](http://{EVIL}/l)",
    "**bold** # h",
    f"http://{EVIL}/bare",
    "$$x^2$$ :material/home: :red[r]",
    "`code` <b>b</b>",
    IMAGE,
    f"<script src=http://{EVIL}/s.js></script><script>window.hostile=1</script>",
    f"<svg onload=window.hostile=1><a href=http://{EVIL}/h>h</a>",
    "{{7*7}} ${7*7} {%x%} %s {0}",
    "'; DROP TABLE users; --",
    "Bell\x07 null\x00 escape\x1b[31m",
    "\u202egnp.exe\u202c \u2066i\u2069",
    "_x0041_ _x000D_",
    "Bcc: a@b.example\r\nSubject: x",
    "&lt;b&gt; &#x3c;",
    "W" * 3_000,
)
CUSTOMER = f"**C** [l](http://{EVIL}/c) {IMAGE}"
DOMAIN = "=1+1 ![p](d.png) <b>d **bold** {{7*7}}"
CONNECTION = f"<b>N</b> ![p](http://{EVIL}/n.png)"
ATTRIBUTE = f"=2+2 {IMAGE} **a**"
LABEL = f"{CUSTOMER}/{DOMAIN}"
ADMIN = demo.ADMIN


def poison(sandbox: Sandbox) -> None:
    """Those who joined first, but for the admin and the chief, get these names: whoever joined last is awkward already."""
    company = sandbox.company
    plain = [company.people[key] for key in sorted(company.people) if key not in (company.admin_id, company.chief_id)]
    for person, name in zip(plain, NAMES, strict=False):
        person |= {"root.firstName": name, "root.surname": name, "internal.lifecycleStatus": "Employed"}


def poisoned(sandbox: Sandbox, environment: dict[str, str], operator: Workspace) -> None:
    """The example customer, under another name, on that company."""
    environment[demo.TOKEN_VARIABLE] = sandbox.token
    text = demo.SETUP.read_text(encoding="utf-8").replace(f"http://127.0.0.1:{demo.PORT}/v1", sandbox.base_url)
    for old, new in (
        ("Northwind Trading", CUSTOMER), ("Northwind HiBob", CONNECTION), ("staff", DOMAIN), ("First name", ATTRIBUTE),
    ):  # fmt: skip
        assert f'"{old}"' in text
        text = text.replace(f'"{old}"', f"'{new}'")
    set_up(operator, text)
