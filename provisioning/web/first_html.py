"""The HTML that every page begins with: Streamlit's own, and in its head what keeps a page still while it loads.

Streamlit draws a narrow page without a sidebar until the script has said otherwise, and then moves everything aside; and what is
not loaded yet it draws as a grey box of one size, whatever comes in its place. Depends on the names in Streamlit's page;
tests/e2e/test_still.py says when they are others.
"""

from functools import cache
from pathlib import Path

import streamlit as st

from provisioning.web.words import NARROW

STACKED = 640
"""Pixels of a window in which Streamlit puts columns below each other."""

# A page's address is one word, so what it stands below is the server's own. Not told, Streamlit's browser part first looks
# for the server below the page, and each try is an error in the console. How much room there is only the browser knows: it says
# so in a cookie, which the page's script reads (`on_a_telephone`), so that nothing is drawn twice.
_BEGIN = (
    "window.__streamlit = { BACKEND_BASE_URL: new URL('.', location.href).href };"
    f"document.cookie = '{NARROW}=' + (innerWidth < {STACKED} ? 1 : 0) + ';path=/;SameSite=Strict';"
)
# What is pressed by keyboard often makes room for what comes next, and the browser then forgets where the keyboard was: whoever
# approved would begin at the top again. It goes to the first that can be pressed where it was.
_KEYBOARD = """
{
  let at = null, around = [], keys = false;
  addEventListener('keydown', () => { keys = true }, true);
  addEventListener('pointerdown', () => { keys = false }, true);
  addEventListener('focusin', event => {
    at = event.target; around = [];
    for (let each = at.parentElement; each; each = each.parentElement) around.push(each);
  });
  new MutationObserver(() => {
    if (!keys || !at || document.activeElement !== document.body || (at.isConnected && !at.disabled)) return;
    for (const each of around) {
      const next = each.isConnected && each.querySelector('button:not(:disabled), a[href], input:not(:disabled)');
      if (next) { next.focus({ preventScroll: true }); return }
    }
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] });
}
"""
# The joiners that keep an address from becoming a link (`escape`) are no part of what somebody copies.
_COPIED = """
addEventListener('copy', event => {
  const text = String(getSelection());
  if (!text.includes('\\u2060')) return;
  event.clipboardData.setData('text/plain', text.replaceAll('\\u2060', ''));
  event.preventDefault();
});
"""
# On a telephone the sidebar lies over the page that was chosen in it.
_CHOSEN = """
addEventListener('click', event => {
  if (innerWidth >= 768 || !event.target.closest('[data-testid="stSidebar"] a')) return;
  setTimeout(() => document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click());
});
"""
_SCRIPT = f"<script>{_BEGIN}{_KEYBOARD}{_COPIED}{_CHOSEN}</script>"
# The width, and the room above and beside, of a wide page: paddingTop of .streamlit/config.toml, and Streamlit's own. Then the
# sizes of links, fields with a label, what is chosen among others, cards, and of what stands in a row: had it another width
# there, the row would break elsewhere. Last, Streamlit's own Stop, which ends the drawing of a slow page: beside a run that is
# processed it would be taken for the run's.
_STILL = """<style>
[data-testid="stApp"] [data-testid="stMainBlockContainer"] { max-width: none; padding-top: 3.5rem }
@media (min-width: 864px) {
  [data-testid="stApp"] [data-testid="stMainBlockContainer"] { padding-left: 5rem; padding-right: 5rem }
}
[data-testid="stApp"] [data-testid="stBottomBlockContainer"] { padding-bottom: 1rem }
[data-testid="stApp"] [data-testid="stSkeleton"] { min-width: 6rem }
[data-testid="stApp"] :is([data-testid="stSidebar"], .st-key-next_step) [data-testid="stSkeleton"] { height: 20px }
[data-testid="stApp"] :is([data-testid="stForm"], [class*="st-key-pick_"], [class*="st-key-choice_"], [class*="st-key-several_"],
  [class*="_search"], [class*="st-key-plan_"], [class*="st-key-source_"], [class*="st-key-schedule_"], .st-key-who, .st-key-pager)
  [data-testid="stSkeleton"] { height: 68px }
[data-testid="stApp"] [class*="st-key-schedule_"][class*="_does"] [data-testid="stSkeleton"] { height: 73px }
[data-testid="stApp"] [class*="st-key-target_where_"] [data-testid="stSkeleton"] { height: 61px }
[data-testid="stApp"] [class*="st-key-view_"] [data-testid="stSkeleton"] { height: 32px; width: 332px }
[data-testid="stApp"] [class*="st-key-read_hibob"] [data-testid="stSkeleton"] { width: 217px }
[data-testid="stApp"] .st-key-ways [data-testid="stSkeleton"] { height: 32px; width: 9.5rem }
[data-testid="stGridCell"] [data-testid="stSkeleton"] { height: 97px }
[data-testid="stApp"]:not(:has(.st-key-settings_actions)) .st-key-settings_draft { margin-top: 56px }
[data-testid="stStatusWidget"] button { display: none }
@media (max-width: 500px) {
  [data-testid="stApp"] .st-key-several_kinds [data-testid="stSkeleton"] { height: 132px }
  [data-testid="stApp"] [class*="st-key-schedule_"][class*="_does"] [data-testid="stSkeleton"] { height: 118px }
}
</style>"""
# The sidebar's room, as wide as app.py says, until it is there; afterwards nothing, for a page may have none.
_BESIDE = """<style>
@media (min-width: 768px) {
  [data-testid="stApp"]:not([data-test-script-state="notRunning"])
  [data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) { padding-left: 256px }
}
</style>"""


@cache
def first_html(*, sidebar: bool) -> str:
    """`sidebar`: whether whoever asks will see one."""
    index = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    index = index.replace("<title>Streamlit</title>", "<title>Rollcall</title>", 1)
    return index.replace("</head>", f"{_SCRIPT}{_STILL}{_BESIDE if sidebar else ''}</head>", 1)
