"""What an auditor asks for in one place: was the history changed, who approved what on which basis, who has which role."""

import re

import pandas as pd
import streamlit as st

from provisioning.report.called import the_schedule, who
from provisioning.report.told import planned
from provisioning.report.verdict import not_whole, notes
from provisioning.store.approvals import PastApproval
from provisioning.store.history import START, Verdict
from provisioning.web import address, parts, past, roles
from provisioning.web.frame import Here, guarded, link, workspace
from provisioning.web.words import dated, escape, moment, people, run_names
from provisioning.workflow import handing_out, looking_back, overseeing

CHECK = "Check the history"
EVERY, NAMED = -1, 20


def draw(here: Here, customer: str) -> None:
    """For a domain with its approvals; before there is one, without."""
    with st.container(border=True):
        st.header("Was the history changed?", anchor=False)
        st.fragment(_check)(customer, here.label if here.domain else "")
    if here.domain:
        with st.container(border=True), guarded():
            st.header("Are the outcomes as recorded?", anchor=False)
            _outcomes(here)
        with st.container(border=True), guarded():
            st.header("Who approved what", anchor=False)
            _approvals(here)
    with st.container(border=True), guarded():
        st.header("Who has which role", anchor=False)
        roles.table(overseeing.roles_seen(here.house, customer))
        past.downloads(here, "roles", lambda house, kind: handing_out.export_roles(house, customer, kind))


def _check(customer: str, label: str) -> None:
    """By one press, row by row, while the rest of the page stays. `label`: the domain whose outcomes stand below; "" for none."""
    with workspace() as house, guarded():
        st.markdown(
            "Every row of the history carries the fingerprint of all before it. That of the newest row, the *head*, is sealed with a "
            "key of Rollcall’s own. The check goes through all rows and finds what was changed, removed, added or moved since it was "
            "written. The timeline tells the two rows of a run, begun and ended, as one."
        )
        kept = st.text_input(
            "Head of the history, kept from an earlier check", key="kept_head", max_chars=64, placeholder="Optional",
            help="Each check gives one, and so does the Summary of every Excel file. It proves that nothing before it was replaced.",
        ).strip()  # fmt: skip
        is_head = not kept or (bool(re.fullmatch(r"[0-9a-f]{64}", kept)) and kept != START)
        if not is_head:
            st.warning(
                "That is no head: one has 64 characters, 0 to 9 and a to f. Copy it whole, or leave the field empty."
            )
        if not st.button(CHECK, icon=":material/verified_user:", disabled=not is_head):
            last = looking_back.last_history_check(house, customer)
            found = looking_back.found_by(last) if last else ""
            st.caption(
                escape(f"Last checked {moment(last.at)}, by {last.who}: {found}.") if last else "Not checked here yet."
            )
            return
        bar = st.progress(0.0, "Reading the rows …")

        def say(done: int, of: int) -> None:
            bar.progress(done / of, f"{done:,} of {of:,} rows checked")

        verdict = looking_back.check_history(house, customer, kept or None, say)
        bar.empty()
        if verdict.broken is not None:
            _broken(verdict.broken, doubt=verdict.doubt)
            return
        _whole(verdict, customer, bool(kept))
        if label and any(each.changed for each in looking_back.runs_recorded(house, label, EVERY)):
            st.error("But outcomes are not what it recorded: see below.", icon=":material/gpp_bad:")


def _whole(found: Verdict, customer: str, kept: bool) -> None:
    rows = "the one row" if found.rows == 1 else f"all {found.rows:,} rows"
    st.success(
        escape(f"The history is as it was written: {rows}, from {moment(found.first)} to {moment(found.last)}."),
        icon=":material/verified_user:",
    )
    said = ["Every row follows the one before: none was changed, removed, added or moved."]
    said += [] if found.unsealed else ["The seal fits: it was made with Rollcall’s key, over every row."]
    said += ["The head that you kept stands in it: nothing before it was replaced."] if kept else []
    said += notes(found.unsealed, found.found_unsealed, found.emptied)
    for line in said:
        st.markdown(f":material/check: {escape(line)}")
    st.caption(
        f"The history of all customers is one chain, so all of it was checked; nothing of others than {escape(customer)} is "
        "shown. The check itself stands in the timeline now. Keep this head outside Rollcall, and compare it next time:"
    )
    st.code(found.head, language=None, wrap_lines=True)


def _broken(why: str, *, doubt: bool) -> None:
    told = escape(dated(not_whole(why, doubt=doubt)))
    if doubt:
        st.warning(told, icon=":material/gpp_maybe:")
        st.markdown(
            "**What to do**: tell whoever runs Rollcall. A head kept from an earlier check, entered above, still proves what stood "
            "before it."
        )
        return
    st.error(told, icon=":material/gpp_bad:")
    st.markdown(
        "**What to do**: do not rely on the history until that is cleared up. Keep the files that you have, and tell whoever runs "
        "Rollcall: `verify` on its machine says the same, and a backup from before shows what stood there."
    )


def _outcomes(here: Here) -> None:
    found = looking_back.runs_recorded(here.house, here.label, EVERY)
    st.markdown(
        "The check above covers the rows of the history; here the outcomes of each run, counted by result, are compared with what the "
        "history recorded when it ended."
    )
    changed = [each for each in found if each.changed]
    if not changed:
        of = "the one run" if len(found) == 1 else f"all {len(found):,} runs"
        st.markdown(
            f":material/check: The outcomes of {of} that ended are as recorded." if found else "No run has ended yet."
        )
        return
    which = "1 run are" if len(changed) == 1 else f"{len(changed):,} runs are"
    st.error(
        escape(f"The outcomes of {which} not what the history recorded: somebody changed them in the database."),
        icon=":material/gpp_bad:",
    )
    names = run_names([each.run for each in found])
    for each in changed[:NAMED]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(escape(past.otherwise(each, names[each.run.id])), width="content")
            to_the_run = {"show": "runs", "run": each.run.id, address.SEARCH: ""}
            st.button("Open the run", key=f"outcomes_{each.run.id}", type="tertiary", icon=":material/play_circle:",
                      on_click=address.filter_by, kwargs=to_the_run)  # fmt: skip
    if len(changed) > NAMED:
        st.caption(f"And {len(changed) - NAMED:,} more; these are the newest.")
    st.markdown(past.WHAT_TO_DO)


def _approvals(here: Here) -> None:
    found = looking_back.approvals_seen(here.house, here.label)
    if not found:
        st.markdown("Nothing was approved yet.")
        return
    changed = [each for each in found if each.changed]
    if changed:
        st.error(
            escape(
                f"{len(changed):,} of these {'is' if len(changed) == 1 else 'are'} not what the history recorded: somebody changed "
                f"{'it' if len(changed) == 1 else 'them'} in the database. The timeline tells what was recorded; nothing of it is "
                "processed any more."
            ),
            icon=":material/gpp_bad:",
        )
    skip = address.pager(len(found))
    shown = found[skip : skip + address.PAGE]
    frame = parts.filled(pd.DataFrame([_row(each) for each in shown]))
    frame = parts.narrowed(frame, {"Approved": ("Approved", "How", "By", "Preview")})
    fit = parts.fitted(frame, roles.BORDER)
    names = [f"{each.approval.plan_id}-{each.approval.at.isoformat()}" for each in shown]
    for place in address.rows(fit.cut(frame), names, "approval", "Approvals, newest first; select one for its basis",
                              columns=fit.columns, row_height=fit.row_height, usual=names[0]):  # fmt: skip
        _basis(here, shown[place])
    past.downloads(here, "approvals", lambda house, kind: handing_out.export_approvals(house, here.label, kind))


def _row(each: PastApproval) -> dict[str, str]:
    given = each.approval
    return {
        "Approved": moment(given.at),
        "By": given.by,
        "How": looking_back.how_approved(given) + (" · not as recorded" if each.changed else ""),
        "Preview": planned(each.counts) or "nobody changes",
        "Left out": people(len(given.left_out)) if given.left_out else "",
        "Overrode": f"{len(given.overrides)}" if given.overrides else "",
    }


def _basis(here: Here, each: PastApproval) -> None:
    given = each.approval
    versions = f"version {each.mapping_version} of the mapping and version {each.settings_version} of the settings"
    left = f", but for {people(len(given.left_out))} left out" if given.left_out else ""
    lines = [
        f"{f'{the_schedule(given.by)}, under the standing approval,' if given.standing else given.by} approved it, {moment(given.at)}: {planned(each.counts) or 'nobody changes'}{left}.",
        f"{who(each.made_by)} made the preview, {moment(each.made_at)}, from {versions}.",
        *(
            [f"It was decided in the Excel file {given.file}, whose fingerprint (SHA-256) is {given.sha256}."]
            if given.sha256
            else []
        ),
        *([f"Decided, as the file says, by {given.signed_by}."] if given.signed_by else []),
        *([f"Overrode {looking_back.overrides_in_words(given)}"] if given.overrides else []),
        f"The fingerprint (digest) of what was approved is {given.digest}.",
    ]
    with st.container(gap="xxsmall"):
        for line in lines:
            st.markdown(escape(line))
        with st.container(horizontal=True, vertical_alignment="center"):
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here, plan=given.plan_id)
            if each.run:
                to_the_run = {"show": "runs", "run": each.run, address.SEARCH: ""}
                st.button("Open the run", key="approval_run", type="tertiary", icon=":material/play_circle:",
                          on_click=address.filter_by, kwargs=to_the_run)  # fmt: skip
