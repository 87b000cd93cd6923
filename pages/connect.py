"""The connection to HiBob: its details, a token that can be set and never read, the test, and the domains on it."""

import pandas as pd
import streamlit as st

from provisioning.engine.columns import HUMAN
from provisioning.errors import RollcallError
from provisioning.report.called import LOCAL, SKILLCAST
from provisioning.store.jobs import JobKind, JobState
from provisioning.web import address, jobs, mapping_table, next_step, parts
from provisioning.web.frame import Here, enter, fail, guarded, link, need_domain
from provisioning.web.parts import either
from provisioning.web.words import dated, escape, moment, on_a_telephone
from provisioning.workflow import asking, checked, connections, portals, setting_up, stages

PEOPLE_SEARCH = -1
"""No report. A value of its own: what is None can be cleared in the list."""

HIBOB_API = "https://api.hibob.com/v1"
SCIM_HINT = "https://acme.skillcast.io/skillcastApi/scim"
STATES = {"ok": "Filled", "empty": "Empty", "absent": "Absent: not permitted, or misspelt"}


def draw_connection(here: Here, each: connections.ConnectionSeen | None) -> None:
    """The form of one connection, or of a new one."""
    found = each.connection if each else None
    # After a save the form begins anew, so that the token does not stay in it.
    which = f"{found.id if found else 'new'}_{st.session_state.get('connection_turn', 0)}"
    with st.form(f"connection_{which}", border=True):
        st.header(escape(found.name) if found else "New connection", anchor=False)
        left, right = st.columns(2)
        name = left.text_input("Name", found.name if found else "", disabled=bool(found), placeholder="HiBob")
        url = right.text_input("Base URL", found.base_url if found else HIBOB_API)
        user = left.text_input("Service user id", (found.service_user_id if found else "") or "")
        hint = token_told(each.token_set_at, each.token_ends_in) if each else ""
        token = right.text_input(
            "Token", type="password", placeholder=hint or "as HiBob showed it, once", autocomplete="off",
            help="Stored encrypted. It can be replaced here, and never be read again.",
        )  # fmt: skip
        report = left.selectbox(
            "What is read", sources(each), key=f"source_{which}",
            index=sources(each).index(read_by(each)), format_func=lambda choice: source(each, choice),
            help="People search, or a custom report. Test the connection to list the reports by name.",
        )  # fmt: skip
        if each:
            used = ", ".join(each.domains) or "no domain yet"
            st.caption(f"Type: HiBob · Used by: {escape(used)}")
        # Once it has its token, or there is no domain yet, something else comes next.
        kind = "secondary" if each and (each.token_set_at or not here.domain) else "primary"
        if st.form_submit_button("Save", type=kind, icon=":material/save:"):
            save(here, found.name if found else name, url, user, token, None if report == PEOPLE_SEARCH else report)


def token_told(set_at: str, ends_in: str) -> str:
    """When a token was set and how it ends; "" where there is none."""
    return f"set {moment(set_at)}, ends in {ends_in or '…'}" if set_at else ""


def draw_connection_facts(each: connections.ConnectionSeen) -> None:
    found = each.connection
    parts.facts(
        found.name,
        {
            "Base URL": found.base_url,
            "Service user id": found.service_user_id or "",
            "Token": token_told(each.token_set_at, each.token_ends_in),
            "What is read": source(each, read_by(each)),
            "Used by": ", ".join(each.domains) or "no domain yet",
        },
    )


def sources(each: connections.ConnectionSeen | None) -> list[int]:
    """People search, the reports that the last test listed, and the one in use."""
    in_use = [each.connection.report] if each and each.connection.report is not None else []
    listed = [report.id for report in each.reports] if each else []
    return [PEOPLE_SEARCH, *dict.fromkeys((*listed, *in_use))]


def read_by(each: connections.ConnectionSeen | None) -> int:
    report = each.connection.report if each else None
    return PEOPLE_SEARCH if report is None else report


def source(each: connections.ConnectionSeen | None, choice: int) -> str:
    names = {report.id: report.name for report in each.reports} if each else {}
    return "People search" if choice == PEOPLE_SEARCH else f"Custom report: {names.get(choice, '')} ({choice})"


def save(here: Here, name: str, url: str, user: str, token: str, report: int | None) -> None:
    try:
        customer = here.customer.name if here.customer else ""
        setting_up.save_connection(here.house, customer, name, url, user, token, report)
    except RollcallError as problem:
        fail(problem)
        return
    st.session_state["connection_turn"] = st.session_state.get("connection_turn", 0) + 1
    st.toast("The connection was saved.", icon=":material/check:")
    st.rerun()


def draw_domain_form(here: Here, names: list[str]) -> None:
    # Refused, the form keeps what was typed; a domain that was added begins another form.
    turn = st.session_state.get("domain_turn", 0)
    with st.form(f"new_domain_{turn}", border=True):
        st.header("Add a domain", anchor=False)
        st.caption("The part of Skillcast’s user directory that this connection may touch.")
        name = st.text_input("Name of the domain", placeholder="staff")
        connection = st.selectbox("Connection", names)
        kind = "secondary" if here.domain else "primary"
        if st.form_submit_button("Add", type=kind, icon=":material/add:"):
            try:
                setting_up.add_domain(here.house, here.customer.name if here.customer else "", name, connection or "")
            except RollcallError as problem:
                fail(problem)
                return
            st.session_state["domain_turn"] = turn + 1
            st.query_params["domain"] = name.strip()
            st.rerun()


def draw_target(here: Here) -> None:
    """Where this domain's users are kept: in Rollcall itself, or in a portal that speaks SCIM."""
    target = portals.target_seen(here.house, here.label)
    turn = st.session_state.get("connection_turn", 0)
    title = f"Target: where the users of {here.domain.name if here.domain else ''} are kept"
    if not here.may_prepare:
        parts.facts(title, target_facts(target))
        return
    with st.container(border=True):
        st.header(escape(title), anchor=False)
        where = st.radio(
            "Target", [LOCAL, SKILLCAST], index=int(target.scim is not None), horizontal=True, label_visibility="collapsed",
            key=f"target_where_{here.label}_{turn}",
        )  # fmt: skip
        if where == SKILLCAST:
            draw_portal_form(here, target, f"target_{here.label}_{turn}")
            return
        st.caption(
            "Rollcall’s own list of users, to try everything before Skillcast is the target: it sends no mail and assigns no "
            "training."
        )
        if target.scim and st.button("Save the target", icon=":material/save:"):
            save_target(here, None, "", "")


def target_facts(target: portals.TargetSeen) -> dict[str, str]:
    if target.scim is None:
        return {"Target": LOCAL}
    return {
        "Target": SKILLCAST,
        "SCIM address": target.scim.base_url,
        "Portal token": token_told(target.token_set_at, target.token_ends_in),
        "Attribute that names the domain": target.domain_attribute or "",
    }


def draw_portal_form(here: Here, target: portals.TargetSeen, key: str) -> None:
    with st.form(key, border=False):
        left, right = st.columns(2)
        url = left.text_input("SCIM address", target.scim.base_url if target.scim else "", placeholder=SCIM_HINT)
        hint = token_told(target.token_set_at, target.token_ends_in)
        token = right.text_input(
            "Portal token", type="password", placeholder=hint or "as the portal showed it", autocomplete="off",
            help="Stored encrypted. It can be replaced here, and never be read again.",
        )  # fmt: skip
        attribute = left.text_input(
            "Attribute that names the domain", target.domain_attribute or "",
            help="Only for a portal with several domains. Without it the whole portal is this domain.",
        )  # fmt: skip
        st.caption("Saving makes waiting previews lapse.")
        if st.form_submit_button("Save the target", icon=":material/save:"):
            save_target(here, url, token, attribute)


def save_target(here: Here, url: str | None, token: str, attribute: str) -> None:
    try:
        portals.save_target(here.house, here.label, url, token, attribute)
    except RollcallError as problem:
        fail(problem)
        return
    st.session_state["connection_turn"] = st.session_state.get("connection_turn", 0) + 1
    st.toast("The target was saved. Test it next.", icon=":material/check:")
    st.rerun()


def draw_portal(portal: checked.PortalSeen) -> None:
    """What the portal announced."""
    st.markdown("**What the portal says of itself**")
    rows = [{"What": what, "The portal says": words} for what, words in portal.features]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt="What the portal announced")
    for note in portal.notes:
        st.caption(escape(note))


def draw_test(here: Here) -> None:
    st.header("Test", anchor=False)
    tested = " What is saved is tested, not what stands in the form above." if here.may_prepare else ""
    st.caption(
        "Reads people and mapped columns from HiBob (before anything is mapped, the usual ones), asks a portal what it can "
        f"do, and shows what was proved. It changes nothing.{tested}"
    )
    job = asking.latest_job(here.house, here.label, [JobKind.CHECK])
    busy = bool(job and job.open)
    if here.may_prepare and st.button(
        "Test the connection", type="primary", icon=":material/network_check:", disabled=busy
    ):
        asking.ask(here.house, here.label, JobKind.CHECK)
        st.rerun()
    jobs.show(here, job, "Test")
    found = asking.last_check(here.house, here.label)
    refused = asking.refused_since(here.house, here.label)
    if refused and not (job and job.state is JobState.FAILED):
        st.error(f"HiBob let nobody in when it was read last. {escape(dated(refused))} What stands below is from before.",
                 icon=":material/error:")  # fmt: skip
    if found:
        draw_evidence(here, found)
    elif job is None or job.open:
        st.info("Not tested yet.", icon=":material/info:")


def draw_evidence(here: Here, found: checked.Check) -> None:
    absent = sum(each.state == "absent" for each in found.columns)
    parts.numbers(
        [
            ("Live people visible", found.live),
            ("Inactive people visible", found.inactive),
            ("Fields HiBob describes", found.fields),
            ("Columns absent", absent),
        ]
    )
    if found.ok:
        since = stages.untested(found, here.domain) if found.columns else ()
        proved = (
            "The credentials are right, people are visible, and every mapped column is there."
            if found.columns and not since
            else "The credentials are right, and people are visible."
        )
        proved += f" {escape(stages.mapped_since(since))}" if since else ""
        st.success(f"{proved} Tested {moment(found.metadata_at)}.", icon=":material/check_circle:")
        page, words = ("preview", "Go on to the preview") if found.columns else ("mapping", "Go on to the mapping")
        if here.may_prepare:
            link(f"pages/{page}.py", words, ":material/arrow_forward:", here)
    for each in found.findings:
        st.warning(f"{escape(each.message)} {escape(each.remedy)}", icon=":material/lock:")
    if found.portal:
        draw_portal(found.portal)
    if not found.columns:
        st.caption(
            "No attribute was mapped when this was tested, so the usual columns were read: Mapping suggests them, with "
            "their values."
        )
        return
    fields = connections.fields_known(here.house, here.label)
    names, columns = {each.category: each.category_name for each in fields}, mapping_table.called(fields)
    rows = [
        {
            "Attribute": called(here, each),
            "HiBob column": columns.get(each.column.removeprefix(HUMAN), each.column),
            "Filled": mapping_table.share(each.filled),
            "State": STATES[each.state],
            "Opened by the category": names.get(each.category or "", each.category or ""),
        }
        for each in found.columns
    ]
    told = "HiBob column" if all(each.state == "ok" for each in found.columns) else "State"
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=address.height(len(rows)),
        column_order=["Attribute", told, "Filled"] if on_a_telephone() else None,
        column_config={
            "Attribute": st.column_config.TextColumn(width=either(None, 142)),
            told: st.column_config.TextColumn(width=either(None, 114)),
            "Filled": st.column_config.ProgressColumn(
                width=either(None, 100), format="percent", min_value=0, max_value=1
            ),
        },
        alt="Evidence per mapped field",
    )


def called(here: Here, each: checked.CheckedColumn) -> str:
    """An attribute has two columns where one steps in for the other."""
    rows = here.domain.attributes if here.domain else ()
    second = any(row.name == each.attribute and row.fallback == each.column for row in rows)
    return f"{each.attribute} (fallback)" if second else each.attribute or ""


def draw_done(here: Here, each: connections.ConnectionSeen) -> None:
    """The form waits behind one line, so that the test is seen without scrolling; after a test that failed it is open."""
    job = asking.latest_job(here.house, here.label, [JobKind.CHECK])
    failed = bool(job and job.state is JobState.FAILED)
    told = escape(f"{each.connection.name}: id and token, set {moment(each.token_set_at)}")
    with st.expander(told, icon=":material/key:", expanded=failed):
        draw_connection(here, each)


def draw_forms(here: Here, have: list[connections.ConnectionSeen]) -> None:
    """What comes next stands open; whatever else can be added waits below."""
    names = [each.connection.name for each in have]
    if not have:
        link("pages/start.py", "The text for whoever runs HiBob", ":material/outgoing_mail:", here)
        draw_connection(here, None)
    elif here.domain is None:
        draw_domain_form(here, names)
    for each in have:
        if here.domain and each.token_set_at and each.connection.service_user_id:
            draw_done(here, each)
        else:
            draw_connection(here, each)
    if here.domain:
        draw_target(here)
        draw_test(here)
    if have:
        if here.domain:
            with st.expander("Add a domain", icon=":material/add:"):
                draw_domain_form(here, names)
        with st.expander("Add another connection", icon=":material/add:"):
            draw_connection(here, None)


def draw_to_read(here: Here, have: list[connections.ConnectionSeen]) -> None:
    """The same for whoever only reads."""
    if not have:
        st.info("There is no connection to HiBob yet.", icon=":material/info:")
    for each in have:
        draw_connection_facts(each)
    if here.domain:
        draw_target(here)
        draw_test(here)


here = enter("Connect", "How Rollcall reaches HiBob, and what a test of it proved.")
if here.customer is None:
    need_domain(here)
with guarded():
    next_step.draw(here, "connect")
    have = connections.connections_seen(here.house, here.customer.name if here.customer else "")
    draw = draw_forms if here.may_prepare else draw_to_read
    draw(here, have)
