"""Runs over time, for looking: of one domain, and of all that somebody looks after. Counts only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioning.engine import trends as engine
from provisioning.engine.trends import Day, Mark, Point
from provisioning.model import Domain
from provisioning.store import customers, trends
from provisioning.store.trends import RunNumbers
from provisioning.workflow.house import Workspace, seen_domain
from provisioning.workflow.overseeing import in_sight

MOST, DAYS, SHORT = 90, 90, 30


@dataclass(frozen=True, slots=True)
class RunTrend:
    """One run among its neighbours. `marks`: what stands out in it."""

    customer: str
    domain: str
    point: Point
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class AllTrends:
    """Every day with runs in `DAYS` days, oldest first, and the runs of the last `SHORT` that stand out, newest first."""

    days: tuple[Day, ...]
    unusual: tuple[RunTrend, ...]


def trends_seen(house: Workspace, label: str, most: int = MOST) -> list[RunTrend]:
    """The last runs of a domain, oldest first. Those before them are compared with too."""
    domain = seen_domain(house, label, "see the runs")
    points = [_point(each) for each in trends.of_domain(house.db, domain.id, most + engine.BEFORE)]
    return _marked(domain, points)[-most:]


def trends_of_all(house: Workspace) -> AllTrends:
    """The runs of every domain that a CSM may see. Raises `RoleMissing` for whoever is none."""
    since, lately = house.clock() - timedelta(days=DAYS), house.clock() - timedelta(days=SHORT)
    mine = {each.id for each in in_sight(house)}
    domains = {each.id: each for each in customers.all_domains(house.db) if each.customer_id in mine}
    points = [_point(each) for each in trends.of_all(house.db, since) if each.domain_id in domains]
    before = {key: live for key, live in trends.live_before(house.db, since).items() if key in domains}
    by_domain: dict[int, list[Point]] = {}
    for each in points:
        by_domain.setdefault(each.domain_id, []).append(each)
    unusual = [run for key, own in by_domain.items() for run in _marked(domains[key], own, lately) if run.marks]
    unusual.sort(key=lambda run: run.point.at, reverse=True)
    return AllTrends(tuple(engine.by_day(points, before)), tuple(unusual))


def _marked(domain: Domain, points: Sequence[Point], since: datetime | None = None) -> list[RunTrend]:
    return [
        RunTrend(domain.customer, domain.name, each, found)
        for each, found in zip(points, engine.marks(points, since), strict=True)
    ]


def _point(each: RunNumbers) -> Point:
    seconds = max((each.ended_at - each.started_at).total_seconds(), 0)
    return Point(
        each.run, each.domain_id, each.ended_at, each.live, each.added, each.archived, seconds, each.reactivated
    )
