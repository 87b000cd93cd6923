"""The versions of a mapping: what one makes of the same people that another does not, and the way back to one. Which
two are compared stands in the address."""

from collections.abc import Mapping

import pandas as pd
import pyarrow.compute as pc
import streamlit as st

from provisioning.engine.compare import HAPPENS, LINK, STAYS, Comparison
from provisioning.engine.mapping_words import difference
from provisioning.errors import NotFound, RollcallError
from provisioning.model import Attribute, Domain
from provisioning.report.called import held_called, who
from provisioning.web import standing
from provisioning.web.address import PAGE, filter_by, height, look_at, pager
from provisioning.web.frame import Here, fail
from provisioning.web.words import ACTIONS, ago, escape, moment
from provisioning.workflow import comparing, connections, looking
from provisioning.workflow.comparing import Compared, Version
from provisioning.workflow.editing import Begun
from provisioning.workflow.house import Workspace

DRAFT = "draft"
Content = tuple[tuple[Attribute, ...], str]
EVERYTHING = ""
KEEP_SECONDS = 300


@st.cache_resource(max_entries=16, ttl=KEEP_SECONDS, show_spinner="Comparing …")
def _compared(_house: Workspace, _new: int | Content, label: str, old: int, said: str, state: str) -> Compared:
    """Kept for a while: every click runs the page, and the comparison plans everybody twice."""
    return comparing.compare_mappings(_house, label, old, _new)


def _compare(here: Here, domain: Domain, old: int, new: int | Content) -> Compared:
    read = connections.last_read(here.house, domain.label)
    if read is None or not looking.plans_seen(here.house, domain.label, most=1):
        raise NotFound("Comparing needs a preview: it looks at the people who were read for the last one.")
    state = repr((here.house.actor, read.read_at, domain.mapping_version, domain.settings_version))
    return _compared(here.house, new, domain.label, old, repr(new), state)


def headline(here: Here, domain: Domain, content: Content) -> None:
    """In one line, what the draft would change."""
    try:
        found = _compare(here, domain, domain.mapping_version, content).comparison
    except RollcallError:
        return  # The comparison below says why there is none.
    st.markdown(f"**{_title(domain.mapping_version, None, found)}**")


def _title(old: int, new: int | None, found: Comparison) -> str:
    users = "1 user" if found.users == 1 else f"{found.users:,} users"
    far = ", as far as it can be told" if found.not_compared else ""
    return f"Version {old} → {'your draft' if new is None else f'version {new}'} changes {users}{far}"


def draw(here: Here, domain: Domain, content: Content | None, begun: Begun) -> bool:
    """`content`: the draft, where there is one that can be read. Returns whether an old version was brought back."""
    versions = {each.version: each for each in comparing.versions_of(here.house, domain.label)}
    if (content is None and len(versions) < 2) or not any(each.attributes for each in versions.values()):
        return False  # With nothing there is nothing to compare.
    st.header("Versions compared", anchor=False)
    drafted = content is not None
    usual = _usual(domain, versions, drafted)
    old, new = _choose(versions, drafted, usual)
    saved = {str(number): _named(each) for number, each in versions.items()}
    left, right = st.columns(2)
    with left:
        old = int(_picker("From", saved, str(old)))
    with right:
        to = _picker("To", ({DRAFT: "Your draft"} if drafted else {}) | saved, str(new or DRAFT))
    new = None if to == DRAFT else int(to)
    with st.container(horizontal=True):
        asked = not drafted and not st.query_params.get("compare") and st.button("Compare", icon=":material/compare:")
        went = _back_button(here, domain, old, new, drafted, begun)
    if went:
        look_at(compare="")
        return True
    if asked or (old, new) != usual:
        look_at(compare=f"{old}-{to}")
    target: int | Content | None = content if new is None else new
    if target is not None and old != new and (drafted or st.query_params.get("compare")):
        _draw_lines(versions[old], target if isinstance(target, tuple) else _content(versions[target]))
        _draw_comparison(here, domain, old, new, target)
    return False


def _content(version: Version) -> Content:
    return version.attributes, version.identifier


def _usual(domain: Domain, versions: Mapping[int, Version], drafted: bool) -> tuple[int, int | None]:
    """What is compared when the address says nothing: the draft, else what the last save changed."""
    if drafted:
        return domain.mapping_version, None
    return sorted(versions)[-2], domain.mapping_version


def _choose(versions: Mapping[int, Version], drafted: bool, usual: tuple[int, int | None]) -> tuple[int, int | None]:
    """The two that the address names. One that is not there is said, and the usual two are compared."""
    named = st.query_params.get("compare", "")
    if not named:
        return usual
    words = {str(version): version for version in versions}
    old, _, new = named.partition("-")
    if old in words and (new in words or (new == DRAFT and drafted)):
        return words[old], words.get(new)
    about = "you have no draft" if new == DRAFT else "there are no such versions"
    st.warning(f"The address compares “{escape(named[:40])}”: {about}.", icon=":material/info:")
    return usual


def _picker(label: str, named: Mapping[str, str], wanted: str) -> str:
    keys = list(named)
    return st.selectbox(
        label, keys, keys.index(wanted), format_func=named.__getitem__, key=f"compare_{label}_{wanted}_{len(keys)}"
    )


def _named(each: Version) -> str:
    return f"Version {each.version} · {moment(each.at)} · {who(each.by)}"


def _back_button(here: Here, domain: Domain, old: int, new: int | None, drafted: bool, begun: Begun) -> bool:
    """Whether the old version of the two was saved again."""
    version = next((each for each in (new, old) if each is not None and each != domain.mapping_version), None)
    if version is None or not here.may_prepare:
        return False
    if drafted:
        st.caption(f"To go back to version {version}, save or discard your draft first.")
        return False
    with st.popover(f"Go back to version {version} …", icon=":material/history:"):
        st.write(f"Saves it again, as version {domain.mapping_version + 1}{standing.lapses_by_saving(here)}.")
        if not st.button(f"Go back to version {version}", type="primary"):
            return False
    try:
        saved = comparing.go_back(here.house, domain.label, version, begun)
    except RollcallError as problem:
        fail(problem)
        return False
    st.toast(f"Version {version} is back, as version {saved.mapping_version}.", icon=":material/check:")
    return True


def _draw_lines(old: Version, new: Content) -> None:
    lines = list(difference(old.attributes, new[0]))
    if old.identifier != new[1]:
        lines.append(f"unique identifier: {old.identifier or '(none)'} → {new[1] or '(none)'}")
    with st.expander(f"What the mapping says differently ({len(lines):,})", icon=":material/difference:"):
        for line in lines:
            st.text(line)


def _draw_comparison(here: Here, domain: Domain, old: int, new: int | None, target: int | Content) -> None:
    try:
        compared = _compare(here, domain, old, target)
    except RollcallError as problem:
        st.info(escape(str(problem)), icon=":material/info:")
        return
    found = compared.comparison
    st.header(_title(old, new, found), anchor=False)
    st.caption(
        f"Both are applied to the people of HiBob read {ago(compared.read_at, here.house.clock())}, and to the users "
        "of the last preview. Nothing is asked, stored or changed."
    )
    for each in found.not_compared:
        st.warning(f"**{escape(each.attribute)}** is not compared. {escape(each.why)}", icon=":material/sync_problem:")
    for name in found.unknown:
        st.info(
            f"**{escape(name)}**: what Skillcast has now was not read, and counts as blank.", icon=":material/help:"
        )
    if found.users:
        _draw_attributes(found)
        _draw_people(found, f"{domain.id}_{old}_{new}")


def _draw_attributes(found: Comparison) -> None:
    rows = [
        {
            "What": _attribute(each.attribute),
            "Users": each.users,
            "Old → new": "; ".join(f"{_value(e.old)} → {_value(e.new)} ({e.users:,})" for e in each.examples),
        }
        for each in found.attributes
    ]
    rows += [
        {"What": _attribute(HAPPENS), "Users": users, "Old → new": f"{_fate(old)} → {_fate(new)}"}
        for old, new, users in found.happens
    ]
    config = {"What": st.column_config.TextColumn(width="medium"), "Users": st.column_config.NumberColumn(width=80)}
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height=height(len(rows)), column_config=config,
        alt="Per attribute, how many users would end with another value, and the commonest of these",
    )  # fmt: skip


def _draw_people(found: Comparison, key: str) -> None:
    """One page of the people, of one attribute or of all."""
    have = [each.attribute for each in found.attributes] + ([HAPPENS] if found.happens else [])
    words = {EVERYTHING: "Everything", **{f"={name}": _attribute(name) for name in have}}
    wanted = st.query_params.get("attribute", EVERYTHING)
    options = list(words)
    chosen = st.selectbox(
        "People by what differs", options, options.index(wanted) if wanted in words else 0,
        format_func=words.__getitem__, key=f"differs_{key}_{wanted}", width=320,
    )  # fmt: skip
    if chosen != (wanted if wanted in words else EVERYTHING):
        filter_by(attribute=chosen)
        st.rerun()
    rows = found.rows.filter(pc.equal(found.rows["attribute"], chosen[1:])) if chosen else found.rows
    skip = pager(rows.num_rows)
    shown = [
        {
            "Person": each["name"],
            "Key": each["key"],
            "What": _attribute(each["attribute"]),
            "Old": _fate(each["old"]) if each["attribute"] == HAPPENS else each["old"],
            "New": _fate(each["new"]) if each["attribute"] == HAPPENS else each["new"],
        }
        for each in rows.slice(skip, PAGE).to_pylist()
    ]
    st.dataframe(
        pd.DataFrame(shown), hide_index=True, height=height(len(shown)), alt="The people who would end differently"
    )


def _attribute(name: str) -> str:
    return {HAPPENS: "What happens to the person", LINK: "Link to HiBob"}.get(name, name)


def _value(text: str) -> str:
    return text or "(blank)"


def _fate(happens: str) -> str:
    if happens == STAYS:
        return "Stays as they are"
    held = happens.removeprefix("held (").removesuffix(")")
    return ACTIONS.get(happens) or f"Held back: {held_called(held)}"
