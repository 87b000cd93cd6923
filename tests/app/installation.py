"""One installation of the web app on a folder of its own, and whoever looks at it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from streamlit.testing.v1 import AppTest

from provisioning import demo, worker
from provisioning.store import jobs
from provisioning.workflow.house import Workspace, member, operator

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted("" if file.stem == "overview" else file.stem for file in (ROOT / "pages").glob("*.py"))
"""Every page's address."""
ADMIN = demo.ADMIN
DOMAIN = demo.DOMAIN


Said = Callable[[AppTest], str]
"""What the fixture `said` gives: everything a page says, as one text."""


def button(at: AppTest, label: str) -> None:
    """Press it."""
    next(each for each in at.button if each.label == label).click().run()


@dataclass
class App:
    """One installation, and whoever looks at it."""

    data: Path
    environment: dict[str, str]
    _houses: list[Workspace] = field(default_factory=list)

    def house(self, email: str | None = ADMIN) -> Workspace:
        actor = member(email) if email else operator()
        house = Workspace(self.data, self.environment, actor)
        self._houses.append(house)
        return house

    def open(self, page: str = "", /, **query: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
        if page:
            at.switch_page(f"pages/{page}.py")
            for name, value in query.items():
                at.query_params[name] = value
            at.run()
        return at

    def work(self) -> None:
        """Do every job that waits, as the worker would."""
        house = self.house()
        while (job := jobs.claim(house.db, house.clock())) is not None:
            worker.execute(house, job)

    def close(self) -> None:
        for house in self._houses:
            if "db" in vars(house):
                house.db.close()
