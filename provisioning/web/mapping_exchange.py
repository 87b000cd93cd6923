"""A mapping handed out and taken in: pasted from a spreadsheet, read from a file, and told in plain English. What is
taken goes into the draft, after one has seen what it changes."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from provisioning.model import Attribute, Domain
from provisioning.web.frame import Here
from provisioning.web.words import escape
from provisioning.workflow import exchanging

Content = tuple[tuple[Attribute, ...], str]
SHOWN = 40
EXAMPLE = (
    "Attribute\tData feed name\tValue\nDepartment\twork.department\tAs shown\nStart date\twork.startDate\tAs stored"
)
CSV = "text/csv"
MOST_MEGABYTES = 1
"""A mapping of five hundred rows is a tenth of that."""


def paste(here: Here, domain: Domain, content: Content) -> Content | None:
    """Rows copied from a spreadsheet. Returns the mapping with them once somebody takes them."""
    st.caption(
        "Copy the rows in Excel and paste them here: attribute first, then its data feed name; or with a first line that "
        "names the columns as in the table above. Attributes that are not named stay as they are."
    )
    turn = st.session_state.get("paste_turn", 0)
    text = st.text_area(
        "Rows from Excel",
        key=f"paste_{domain.id}_{turn}",
        height=160,
        placeholder=EXAMPLE,
    )
    if not text.strip():
        return None
    found = _preview(here, domain, text, content, whole=False)
    if found is not None:
        st.session_state["paste_turn"] = turn + 1
    return found


def hand_out(here: Here, domain: Domain, content: Content) -> None:
    st.caption("A CSV file for Excel: a line per attribute, with everything that the mapping says of it.")
    text = exchanging.mapping_as_csv(here.house, domain.label, *content)
    st.download_button(
        "Download the mapping", lambda: text.encode("utf-8-sig"), f"{domain.name} mapping.csv", CSV,
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def file(here: Here, domain: Domain, content: Content) -> Content | None:
    """The mapping as a file, out and in. Returns what a file holds once somebody takes it."""
    left, right = st.columns(2)
    with left:
        hand_out(here, domain, content)
    with right:
        turn = st.session_state.get("file_turn", 0)
        upload = st.file_uploader(
            "A mapping file to take in place of all rows", type=["csv"], key=f"mapping_file_{domain.id}_{turn}",
            max_upload_size=MOST_MEGABYTES,
        )  # fmt: skip
        st.caption("Attributes that it does not name go. Columns that it does not have stay as they are.")
    if upload is None:
        return None
    try:
        said = upload.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError:
        st.error("The file is not UTF-8 text. In Excel, save it as “CSV UTF-8”.", icon=":material/error:")
        return None
    found = _preview(here, domain, said, content, whole=True)
    if found is not None:
        st.session_state["file_turn"] = turn + 1
    return found


def _preview(here: Here, domain: Domain, text: str, content: Content, *, whole: bool) -> Content | None:
    """What rows would change, or why they cannot be taken."""
    take = partial(exchanging.take_rows, here.house, domain.label, text, *content, whole=whole)
    taken = take(same=True)
    if taken.alike and not _same(taken.alike, f"same_{domain.id}_{whole}"):
        taken = take()
    for problem in taken.problems[:SHOWN]:
        st.error(escape(problem), icon=":material/error:")
    if len(taken.problems) > SHOWN:
        st.caption(f"These are the first {SHOWN} of {len(taken.problems):,} problems.")
    if taken.problems:
        st.caption("Nothing is taken until every line can be read.")
        return None
    if not taken.changes:
        st.info("These rows change nothing: the mapping says the same.", icon=":material/info:")
        return None
    number = len(taken.changes)
    st.markdown(f"**{number} {'thing changes' if number == 1 else 'things change'} in your draft:**")
    for line in taken.changes:
        st.text(line)
    label = "Take this mapping into the draft" if whole else "Take these rows into the draft"
    if not st.button(label, type="primary", icon=":material/playlist_add_check:"):
        return None
    return taken.attributes, taken.identifier


def _same(alike: Sequence[str], key: str) -> bool:
    """Whether names that are nearly those of attributes mean these: two that differ by a capital are seldom wanted."""
    st.warning("\n\n".join(escape(each) for each in alike[:SHOWN]), icon=":material/difference:")
    one = len(alike) == 1
    return st.checkbox(
        "It is the same attribute: keep its name" if one else "They are the same attributes: keep their names",
        value=True, key=key,
    )  # fmt: skip


def words(here: Here, domain: Domain, content: Content, draft: bool) -> None:
    """The mapping as a text to sign off."""
    title, paragraphs = exchanging.mapping_in_words(here.house, domain.label, *content, draft=draft)
    st.caption(escape(title))
    for paragraph in paragraphs:
        st.text(paragraph)
    text = "\n\n".join([title, *paragraphs, "Signed off by: ____________________    Date: ____________"]) + "\n"
    st.download_button(
        "Download to sign off", lambda: text, f"{domain.name} mapping.txt", "text/plain", icon=":material/download:",
        on_click="ignore", help="A text with a line for name and date.",
    )  # fmt: skip
