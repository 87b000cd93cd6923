"""What codes are called where people read them: one word for one thing."""

from provisioning.report.called import finding_called, held_called


def test_whoever_is_held_for_a_status_and_the_status_nobody_knows_are_called_by_one_word() -> None:
    """“Sabbatical” is unknown, not known to be a leave."""
    word = held_called("on-leave")
    assert word == "Lifecycle status"
    assert word.lower() in finding_called("unknown-lifecycle").lower()
