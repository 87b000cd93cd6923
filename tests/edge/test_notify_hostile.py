"""Addresses that one program reads one way and another program another way: none of them leads onto this machine."""

import socket

import pytest

from provisioning.notify import Letter, send

TRICKS = [
    r"json://good.example\@{here}/", "json://good.example:80@{here}/", "json://a.b@good.example@{here}/", "json://{here}#good.example",
    "json://{here}./x", "json://0x7f000001:{port}/", "json://2130706433:{port}/", "json://0x7f.1:{port}/", "json://127.1:{port}/",
    "json://[::ffff:127.0.0.1]:{port}/", "json://localhost.:{port}/", "JSON://LOCALHOST:{port}", "json:///{here}/", "json:{here}",
    "json://１２７.0.0.1:{port}/", "json://good.example,{here}/", "json://{here}%2f@good.example/", "jsons://{here}/",
    "mailto://u:p@good.example?smtp=good.example&smtp={here}", "mailto://u:p@good.example?SMTP={here}",
    "mailto://u:p@good.example?smtp=&smtp={here}", "mailtos://u:p@good.example?%73mtp={here}", "mailto://u:p@{here};smtp=x.example",
    "workflow://{here}/a/b", "http://{here}/", "file:///etc/passwd", "syslog://{here}",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_no_address_leads_onto_this_machine(trick: str) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0)
        port = listening.getsockname()[1]
        letter = Letter(trick.format(here=f"127.0.0.1:{port}", port=port), "title", "body")
        assert send([letter], frozenset()) != [""]
        with pytest.raises(BlockingIOError):
            listening.accept()
