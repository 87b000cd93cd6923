"""Decisions about people of a preview: keep active, move, same person, test account. Each makes a new preview."""

from collections.abc import Collection, Sequence

import pandas as pd
import streamlit as st

from provisioning.model import Action, Change, Plan, Proposal, Result, Run, RunStatus
from provisioning.report.called import who
from provisioning.store.decisions import PersonDecision
from provisioning.web import address
from provisioning.web.frame import Here, go
from provisioning.web.parts import side_by_side
from provisioning.web.words import escape, moment, people
from provisioning.workflow import asking, decided, looking, looking_back
from provisioning.workflow.house import domains_seen


def _decide(here: Here, plan: Plan, wishes: asking.Wishes) -> None:
    """Ask for it, and show the new preview when it is there."""
    asking.ask_to_decide(here.house, here.label, plan.id, wishes)
    st.query_params.from_dict(here.place)
    st.rerun()


def for_selected(here: Here, plan: Plan, chosen: Sequence[Change]) -> None:
    """Keep the selected people active, or move them: offered where they would be archived."""
    leaving = sorted({each.key for each in chosen if each.action is Action.ARCHIVE})
    if not leaving or not here.may_approve:
        return
    whom = "" if len(leaving) == len({each.key for each in chosen}) else f": {people(len(leaving))} of these"
    if st.button(
        f"Keep active{whom}",
        icon=":material/shield_person:",
        help="Never archive them, from now on. Makes a new preview.",
    ):
        _decide(here, plan, asking.Wishes(protect=leaving))
    # A way back, and an offboarding, move nobody.
    homes = [] if plan.undo_of or plan.farewell else _other_domains(here)
    if homes:
        with st.popover("Move", icon=":material/drive_file_move:", help="Into another domain, instead of archiving."):
            home = st.selectbox("To the domain", homes, key=f"home_{plan.id}")
            st.caption(f"{people(len(leaving))} would stay live there, protected. Makes a new preview.")
            if st.button("Move them", type="primary", key=f"move_{plan.id}"):
                _decide(here, plan, asking.Wishes(move=dict.fromkeys(leaving, home)))


def _other_domains(here: Here) -> list[str]:
    if here.customer is None or here.domain is None:
        return []
    return [each.name for each in domains_seen(here.house, here.customer.name) if each.name != here.domain.name]


def proposals(here: Here, plan: Plan, deciding: bool) -> None:
    """Pairs that look like one person, with the evidence side by side."""
    if not plan.proposals:
        return
    st.header("The same person?", anchor=False)
    st.caption(
        "Each pair may be one person under two records. Both are held back: a new user would start without the training history."
    )
    shown = plan.proposals[:MOST]
    for each in shown:
        _proposal(here, plan, each, deciding)
    if len(plan.proposals) > len(shown):
        st.caption(f"The first {len(shown)} of {len(plan.proposals):,}. The others follow when these are decided.")


MOST = 20
"""Pairs shown at once: each is a table of its own."""


def _proposal(here: Here, plan: Plan, each: Proposal, deciding: bool) -> None:
    with st.container(border=True):
        st.markdown(f"**{escape(each.name or each.key)}**: same name and {escape(each.evidence)}")
        rows = [
            {"Attribute": name, f"User {each.user_id}": each.has.get(name, ""), f"HiBob {each.key}": value or ""}
            for name, value in sorted(each.gets.items(), key=lambda pair: each.has.get(pair[0], "") == (pair[1] or ""))
        ]
        differing = sum(each.has.get(name, "") != (value or "") for name, value in each.gets.items())
        st.caption(f"What differs stands first: {differing} of {len(rows)} values.")
        side_by_side(pd.DataFrame(rows), "The two records side by side")
        pair = [(each.key, each.user_id)]
        if not here.may_approve:
            return
        with st.container(horizontal=True):
            if st.button(
                "Same person: keep the user",
                type="primary",
                key=f"same_{each.key}_{each.user_id}",
                disabled=not deciding,
            ):
                _decide(here, plan, asking.Wishes(same=pair))
            if st.button("Two different people", key=f"apart_{each.key}_{each.user_id}", disabled=not deciding):
                _decide(here, plan, asking.Wishes(not_same=pair))


def test_account(here: Here, plan: Plan) -> None:
    """The way on from self-archive: a live account in another domain."""
    if not here.may_approve or not any(each.code == "self-archive" and each.keys for each in plan.findings):
        return
    homes = _other_domains(here)
    with st.form(f"test_account_{plan.id}", border=True):
        st.markdown("**Confirm a test account**, so that whoever is archived can still sign in")
        if not homes:
            st.caption(
                "This customer has no other domain. Protect the person instead: select them below and press Keep active."
            )
        left, right = st.columns(2)
        email = left.text_input("E-mail of the account")
        home = right.selectbox("In the domain", homes, index=0 if homes else None)
        if st.form_submit_button("Confirm", icon=":material/verified_user:", disabled=not homes) and home:
            _decide(here, plan, asking.Wishes(test_accounts=[((email or "").strip(), home)]))


def undo(here: Here, run: Run) -> None:
    """Plan the way back from a run, after saying what that means."""
    if not here.may_prepare or run.status is RunStatus.RUNNING:
        return
    found = {each.id: each for each in looking.to_take_back(here.house, run.id)}
    if not found:
        return
    with st.popover("Undo this run", icon=":material/settings_backup_restore:"):
        st.markdown(
            "Makes a preview of the way back: people who were added are archived, archived ones reactivated, values and "
            "links are what they were. **Nothing happens before somebody approves it.** A schedule of the domain is paused."
        )
        chosen = run.id
        if len(found) > 1 or run.id not in found:
            # A retry counts those alone who had failed before: whoever was done before it is taken back by themselves.
            chosen = st.radio(
                "Which to take back", found, format_func=lambda each: _run_called(found[each]), key=f"which_{run.id}"
            )
        if st.button("Make that preview", type="primary", key=f"undo_{run.id}"):
            asking.ask_to_undo(here.house, here.label, chosen)
            go("pages/preview.py", here)


def _run_called(run: Run) -> str:
    return (
        f"The {'retry' if run.retry_of else 'run'} of {moment(run.started_at)}: {people(run.counts[Result.DONE.value])}"
    )


def in_force(here: Here) -> None:
    """What was decided earlier and still holds, to be taken back."""
    found = decided.decisions_seen(here.house, here.label)
    if not found:
        st.caption(
            "Nothing was decided about anybody yet. Keep people active, or say who is the same person, on a preview."
        )
        return
    frame = pd.DataFrame([_row(each) for each in found])
    if not here.may_approve:
        st.dataframe(frame, hide_index=True, height=address.height(len(found)), alt="Decisions in force")
        return
    selected = address.rows(frame, [each.key for each in found], "decided", "Decisions in force", many=True)
    chosen = {found[row].key for row in selected}
    if st.button("Take back", icon=":material/undo:", disabled=not chosen):
        _take_back(here, chosen)


def _take_back(here: Here, keys: Collection[str]) -> None:
    for key in sorted(keys):
        decided.take_back(here.house, here.label, key)
    st.toast("Taken back. The next preview shows what follows.", icon=":material/undo:")
    st.rerun()


def _row(each: PersonDecision) -> dict[str, str]:
    return {
        "Who": each.name or each.key,
        "Decision": looking_back.decision_in_words(each.kind, each.other),
        "By": who(each.by),
        "When": moment(each.at),
    }
