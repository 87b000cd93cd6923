"""How long a run will take, and how fast one was, in words."""

from provisioning.model import Speed

MINUTE, HOUR = 60, 3600


def span(seconds: float) -> str:
    """About how long, as people say it."""
    if seconds < MINUTE:
        return "less than a minute"
    if seconds < HOUR:
        return _several(round(seconds / MINUTE), "minute")
    hours, minutes = divmod(round(seconds / MINUTE), 60)
    return _several(hours, "hour") + (f" {_several(minutes, 'minute')}" if minutes and hours < 10 else "")


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def forecast_words(changes: int, rate: float, measured: bool, what: str = "all of it") -> str:
    """How long it takes to process `what`, and whether that is known."""
    seconds = changes / rate
    takes = f"Processing {what} takes {span(seconds) if seconds < MINUTE else f'about {span(seconds)}'}"
    if measured:
        return f"{takes}, going by an earlier run of this domain"
    return f"{takes}. That is a guess until a run of 20 changes or more"


def forecast_line(changes: int, rate: float, measured: bool) -> str:
    """The same, with the rate that it is known from."""
    words = forecast_words(changes, rate, measured)
    return f"{words}, which made {_rate(rate)} changes a second" if measured else words


def speed_line(speed: Speed) -> str:
    """Achieved, and its share of what the target allows."""
    text = f"{speed.people:,} {'change' if speed.people == 1 else 'changes'} in {_seconds(speed.seconds)}"
    text += f", {_rate(speed.rate)} a second" if speed.rate and speed.seconds >= 1 else ""
    if not speed.requests:
        return text
    achieved = speed.requests / speed.seconds if speed.seconds else 0.0
    text += f"; {_rate(achieved)} requests a second"
    if speed.allowed is None:
        return f"{text}, and no rate limit was met"
    if achieved > speed.allowed:
        # It was stopped, or ended, before it had waited as long as it was asked to.
        return f"{text}, which was too many for the portal: it allows about {_rate(speed.allowed)}"
    return f"{text} of the {_rate(speed.allowed)} that the portal allows ({achieved / speed.allowed:.0%})"


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    return f"{seconds:.1f} s" if seconds < MINUTE else span(seconds)


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 0.1 else f"{rate:.2f}"
