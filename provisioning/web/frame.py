"""The frame around every page: the door, who is acting, which customer and domain one is looking at.

Streamlit finds `pages/` by itself and, on a fresh server, runs a page without `app.py`. Therefore every page's first
statement is `enter()`: without the session's flag it runs `app.py`, which sets up navigation and runs the page again.
"""

import os
import runpy
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.navigation.page import StreamlitPage

from provisioning.errors import Refused, RollcallError
from provisioning.model import Customer, Domain
from provisioning.web import let_in, sign_in, worker_child
from provisioning.web.address import look_at
from provisioning.web.navigation import CUSTOMERS, SECTIONS, TITLES
from provisioning.web.words import dated, escape, in_a_line, on_a_telephone, progress, share_done
from provisioning.workflow import looking, overseeing, signing_in, stages
from provisioning.workflow.house import MODE, Workspace, any_customer, customers_seen, domains_seen, may

ROOT = Path(__file__).resolve().parents[2]
ICON, LOGO = (Path(__file__).with_name(name) for name in ("icon.svg", "logo.svg"))
DATA, WORKER = "ROLLCALL_DATA", "ROLLCALL_WORKER"
GRANT = './scripts/rollcall grant EMAIL admin "CUSTOMER"'
ENTERED = "entered"
TITLED, PRODUCT = "titled", "Rollcall"
LOST = "lost"
"""In the address of the first page: the page that somebody asked for and that is none."""
READS_ONLY = ":material/visibility: You read here: the role auditor changes nothing."

_current: ContextVar[Workspace | None] = ContextVar("workspace", default=None)


@dataclass(frozen=True, slots=True)
class Here:
    """Where somebody is: what every page begins with. `domain` None: the customer has none yet."""

    house: Workspace
    customer: Customer | None
    domain: Domain | None

    @property
    def label(self) -> str:
        return self.domain.label if self.domain else ""

    @property
    def place(self) -> dict[str, str]:
        """The query that leads back here, for links to other pages."""
        found = {"customer": self.customer.name} if self.customer else {}
        return found | ({"domain": self.domain.name} if self.domain else {})

    @property
    def may_prepare(self) -> bool:
        return self.customer is not None and "prepare" in may(self.house, self.customer.name)

    @property
    def may_approve(self) -> bool:
        return self.customer is not None and "approve" in may(self.house, self.customer.name)


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    return Path(environment.get(DATA) or ROOT / "data")


@contextmanager
def workspace() -> Iterator[Workspace]:
    """The workspace of this script run, or a new one: SQLite connections belong to one thread."""
    found = _current.get()
    if found is not None:
        yield found
        return
    try:
        house = sign_in.open_house(data_folder())
    except Refused:
        # A fragment polls in a tab whose session is over: the whole page runs again, and shows the door.
        st.rerun()
        raise
    with _as_current(house):
        yield house


@contextmanager
def workspace_of(house: Workspace) -> Iterator[Workspace]:
    """The same person's workspace on another thread, where Streamlit no longer knows who is at the browser."""
    with _as_current(replace(house)) as again:
        signing_in.need_membership(again)
        yield again


@contextmanager
def _as_current(house: Workspace) -> Iterator[Workspace]:
    token = _current.set(house)
    try:
        yield house
    finally:
        _current.reset(token)
        sign_in.close(house)


def keep_worker(environment: Mapping[str, str]) -> None:
    """See to it that a worker is alive, unless somebody else does."""
    if environment.get(WORKER) != "external":
        worker_child.keep(data_folder(), environment)


def run_app(navigate: Callable[[], StreamlitPage]) -> None:
    """The body of `app.py`: `navigate` sets up navigation, for whoever is not let in too, and gives the page
    that was asked for."""
    st.session_state.pop(ENTERED, None)
    try:
        house = sign_in.open_house(data_folder())
    except (RollcallError, sqlite3.Error) as problem:
        let_in.note(let_in=False)
        # Whoever comes to the door next learns nothing of whom somebody looked at here.
        st.session_state.pop(TITLED, None)
        st.set_page_config(page_title=window_title())
        navigate()
        sign_in.draw_door(problem)
        return
    let_in.note(let_in=True)
    with guarded(), _as_current(house):
        page = navigate()
        st.session_state[ENTERED] = True
        keep_worker(house.environment)
        house.db  # noqa: B018 - opening is what may fail
        page.run()


def window_title() -> str:
    """What the browser's window is called: as the page before, until `enter` knows better, so that it does not flicker."""
    return str(st.session_state.get(TITLED, PRODUCT))


def enter(title: str, purpose: str) -> Here:
    """The first statement of every page: who is here and what they look at. Stops the page when there is nothing to
    look at yet."""
    if not st.session_state.get(ENTERED) or _current.get() is None:
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
        st.stop()
    with workspace() as house:
        if _begins_with_all(house, title):
            st.switch_page("pages/customers.py")
        # From top to bottom, so that nothing pushes away what is there already.
        here = _look(house)
        with st.sidebar.container(gap="xxsmall"):
            _draw_ways(here)
        _who(house)
    # Customers is about all of them.
    whose = "" if title == TITLES[CUSTOMERS] else in_a_line(", ".join(here.place.values()))
    st.session_state[TITLED] = " · ".join(filter(None, [title, whose, PRODUCT]))
    st.set_page_config(page_title=window_title())
    st.title(title, anchor=False)
    if whose and on_a_telephone():
        # The sidebar, where they stand, is closed there.
        st.markdown(f"**{escape(whose)}**")
    st.caption(purpose)
    if lost := st.query_params.get(LOST):
        st.warning(
            f"There is no page “{escape(lost[:80])}”. This is the {title.lower()}.", icon=":material/wrong_location:"
        )
    if here.customer and not here.may_prepare:
        st.caption(READS_ONLY)
    return here


def _begins_with_all(house: Workspace, title: str) -> bool:
    """Whether somebody who looks after several customers asks for none of them: whom needs them stands on Customers, and
    the first by name is nobody's choice. Within a tab the customer looked at last is meant, but for the first page."""
    named = "customer" in st.query_params or LOST in st.query_params
    if named or title == TITLES[CUSTOMERS] or (title != TITLES["overview"] and "last_customer" in st.session_state):
        return False
    return overseeing.is_csm(house) and len(customers_seen(house)) > 1


def _look(house: Workspace) -> Here:
    """What the address names, else what was looked at before, else the first there is."""
    have = {each.name: each for each in customers_seen(house)}
    customer = have.get(_choose("customer", list(have)) or "")
    domains = {each.name: each for each in domains_seen(house, customer.name)} if customer else {}
    domain = domains.get(_choose("domain", list(domains)) or "")
    here = Here(house, customer, domain)
    look_at(**here.place)
    return here


def _draw_ways(here: Here) -> None:
    """The sidebar's links. They name what their page would show: a page that had to write it into the address itself
    would take two steps back to leave."""
    newest = looking.newest(here.house, here.label) if here.domain else looking.Newest()
    query = {
        "preview": {"plan": newest.preview},
        "process": {"plan": newest.processing},
    }
    for section, entries in SECTIONS.items():
        if section:
            st.caption(section)
        for name, title, icon in entries:
            if name == CUSTOMERS and not overseeing.is_csm(here.house):
                continue
            named = {what: value for what, value in query.get(name, {}).items() if value}
            link(f"pages/{name}.py", title, icon, here, width="stretch", **named)


def _choose(what: str, names: list[str]) -> str | None:
    """A picker in the sidebar whose value stands in the address. An unknown name is said, and the first is shown."""
    if not names:
        return None
    wanted = st.query_params.get(what) or st.session_state.get(f"last_{what}")
    if wanted not in names:
        if st.query_params.get(what):
            st.warning(f"There is no {what} “{escape(wanted or '')}” here, or it is not yours to see.")
        wanted = names[0]
    with st.sidebar:
        chosen = st.selectbox(
            what.capitalize(), names, index=names.index(wanted), key=f"pick_{what}_{wanted}", format_func=str
        )
    st.session_state[f"last_{what}"] = chosen
    if chosen != wanted:
        # Whatever else the address names belongs to the one looked at before.
        customer = chosen if what == "customer" else st.query_params.get("customer", "")
        st.query_params.from_dict({"customer": customer} | ({"domain": chosen} if what == "domain" else {}))
        st.session_state.pop("last_domain", None) if what == "customer" else None
        st.rerun()
    return chosen


def _who(house: Workspace) -> None:
    with st.sidebar:
        if house.environment.get(MODE) == "server":
            sign_in.draw_who(house)
            st.fragment(_still_here, run_every=60)()
        else:
            with st.container(gap="xsmall"):
                st.caption(":material/person: Local single-user mode: nobody signs in. You act as")
                st.text(house.actor.email or "")


def _still_here() -> None:
    """A tab that nobody touches closes too, within a minute of the end of its session."""
    with workspace():
        pass


def fail(problem: RollcallError) -> None:
    """The failing state of a page: cause and remedy, and nothing technical."""
    st.error(escape(dated(str(problem))), icon=":material/error:")


def act(do: Callable[[], object], said: str = "") -> None:
    """What a click does: say that it is done, if there is something to say, and draw the page anew; or say why not."""
    try:
        do()
    except RollcallError as problem:
        fail(problem)
        return
    if said:
        st.toast(said, icon=":material/check:")
    st.rerun()


def need_domain(here: Here) -> Domain:
    """The domain looked at, or an empty state that leads to where one is made."""
    if here.domain is not None:
        return here.domain
    with st.container(border=True):
        if here.customer is None and any_customer(here.house):
            no_customer_to_see()
        elif here.customer is None:
            st.header("No customer yet", anchor=False)
            st.write("A customer is an organisation with its connection to HiBob and its user domains.")
            link("pages/start.py", "Begin with the checklist", ":material/checklist:", here)
        elif here.customer is not None and here.customer.left_at:
            st.header("This customer was offboarded", anchor=False)
            st.write(
                f"On {here.customer.left_at:%d %b %Y}. What happened can still be read; connecting HiBob begins anew."
            )
            link("pages/history.py", "Read its history", ":material/history:", here)
        else:
            st.header("No domain yet", anchor=False)
            _draw_first_steps(here, here.customer)
    return st.stop()


def _draw_first_steps(here: Here, customer: Customer) -> None:
    """Before there is a domain: how far the set-up is, and its next step."""
    steps = stages.checklist(here.house, customer.name, None)
    following = stages.next_station(steps)
    st.write("A domain is the part of Skillcast’s user directory that a connection may touch.")
    st.progress(share_done(steps), text=progress(steps))
    if following and here.may_prepare:
        st.markdown(f":material/flag: Next: **{escape(following.title)}**. {escape(following.todo)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if following and here.may_prepare:
            words = f"Go to {TITLES[following.page]}"
            if st.button(words, type="primary", icon=":material/arrow_forward:"):
                go(f"pages/{following.page}.py", here)
        link("pages/start.py", TITLES["start"], ":material/checklist:", here)


def no_customer_to_see() -> None:
    """There are customers, and none for whoever looks."""
    st.header("No customer that you may see", anchor=False)
    st.write("You have no role for any customer. Whoever runs Rollcall on its machine grants one:")
    st.code(GRANT, language="bash")


def link(
    page: str, label: str, icon: str, here: Here, width: Literal["content", "stretch"] = "content", **query: str
) -> None:
    """A link to another page that keeps looking at the same customer and domain. `label` may hold data."""
    try:
        st.page_link(page, label=escape(label), icon=icon, query_params={**here.place, **query}, width=width)
    except (StreamlitAPIException, KeyError):
        # A page tested by itself has no navigation to link into.
        st.caption(escape(label))


def go(page: str, here: Here, **query: str) -> None:
    st.switch_page(page, query_params={**here.place, **query})


@contextmanager
def guarded() -> Iterator[None]:
    """A part of a page whose failure is told in its place, while the rest of the page goes on."""
    try:
        yield
    except RollcallError as problem:
        fail(problem)
    except sqlite3.Error as problem:
        st.error(
            f"The database could not be read or written ({escape(str(problem))}). Another process may hold it: wait a "
            "minute and load this page again. If it stays so, stop what holds it and run `./scripts/rollcall doctor`.",
            icon=":material/error:",
        )
