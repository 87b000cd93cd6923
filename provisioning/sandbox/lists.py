"""The named lists of the invented tenant.

Items that HiBob builds in have their label as id; the customer's own have a number.
"""

from dataclasses import dataclass

from provisioning.sandbox.fields import COST_CENTRE, Json, catalogue


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list of items, id → label; `integer_ids` for the lists behind fields of type `list_id`."""

    name: str
    items: dict[str, str]
    integer_ids: bool = False
    archived: frozenset[str] = frozenset()

    def id_of(self, label: str) -> str:
        """The id of an item by its label; KeyError if there is none."""
        return {text: key for key, text in self.items.items()}[label]

    def document(self) -> dict[str, Json]:
        """This list as `GET /company/named-lists/{name}` shows it."""
        return {"name": self.name, "values": self._items(), "items": self._items()}

    def _items(self) -> list[Json]:
        return [self._item(key, label) for key, label in self.items.items()]

    def _item(self, key: str, label: str) -> Json:
        number: Json = int(key) if self.integer_ids else key
        gone = label in self.archived
        return {"id": number, "value": label, "name": label, "archived": gone, "children": []}


@dataclass(frozen=True, slots=True)
class Site:
    """A place of work, and what follows from it."""

    id: int
    name: str
    country: str
    currency: str
    calendar: int


SITES = (
    Site(2154020, "London", "United Kingdom", "GBP", 31201),
    Site(2154021, "Dublin", "Ireland", "EUR", 31202),
    Site(2154022, "Leeds", "United Kingdom", "GBP", 31201),
    Site(2154023, "Malmö", "Sweden", "SEK", 31203),
    Site(2154024, "São Paulo", "Brazil", "BRL", 31204),
)
SITE_BY_NAME = {site.name: site for site in SITES}

SABBATICAL = "2284915"

# fmt: off
DEPARTMENTS = (
    "Finance", "Legal & Compliance", "People", "Sales", "Operations", "Warehouse", "IT", "Marketing",
    "Customer Service", "Procurement", "Facilities",
)
TITLES = (
    "Account Manager", "Accountant", "Analyst", "Buyer", "Compliance Officer", "Customer Adviser",
    "Data Engineer", "Driver's Mate", "Export Clerk", "Head of Department", "HR Partner",
    "Marketing Executive", "Paralegal", "Sales Executive", "Shift Lead", "Software Engineer",
    "Team Leader", "Warehouse Operative",
)
ODD_TITLES = (
    "Chief Executive", "Head of People", "=Procurement Lead", "=1+1", "Telex Operator",
)
# fmt: on
HOBBIES = ("Climbing", "Choir", "Cooking", "Cycling", "Chess, speed chess", "Gardening")
NATIONALITIES = ("British", "Irish", "Swedish", "Brazilian", "Polish", "Indian", "Italian")
EMPLOYMENT_TYPES = ("Permanent", "Fixed term", "Secondment", "Apprentice")
COST_CENTRES = ("1000 Head office", "0420 Northern routes", "_x0041_ Reserve", "9 Shared")
REASONS = ("Resignation", "End of contract", "Redundancy", "Retirement")


def _own(name: str, first: int, labels: tuple[str, ...], archived: frozenset[str] = frozenset()) -> NamedList:
    return NamedList(name, {str(first + 13 * n): label for n, label in enumerate(labels)}, archived=archived)


def _built_in(name: str, *labels: str) -> NamedList:
    return NamedList(name, {label: label for label in labels})


def _numbered(name: str, items: dict[int, str]) -> NamedList:
    return NamedList(name, {str(key): label for key, label in items.items()}, integer_ids=True)


_LIFECYCLE = ("Hired", "Employed", "Leave", "Parental leave", "Garden leave", "Terminated")

LISTS: dict[str, NamedList] = {
    each.name: each
    for each in (
        _numbered("site", {site.id: site.name for site in SITES}),
        _numbered("calendar", {site.calendar: f"{site.country} holidays" for site in SITES}),
        _own("department", 209192163, DEPARTMENTS),
        _own("title", 255490048, TITLES + ODD_TITLES, frozenset({"Telex Operator"})),
        _own("payrollEmploymentType", 209195001, EMPLOYMENT_TYPES),
        _own("hobbies", 187002210, HOBBIES),
        _own(catalogue()[COST_CENTRE].list_id, 261004410, COST_CENTRES),
        _built_in("nationalities", *NATIONALITIES),
        _built_in("countries", *sorted({site.country for site in SITES})),
        _built_in("employmentstatus", "Full time", "Part time"),
        _built_in("salaryPayType", "Salaried", "Hourly"),
        _built_in("payPeriod", "Annual", "Monthly", "Hourly"),
        _built_in("status", "Active", "Inactive"),
        _built_in("terminationreason", *REASONS),
        NamedList("lifecycleStatus", {**{name: name for name in _LIFECYCLE}, SABBATICAL: "Sabbatical"}),
    )
}


def item(list_name: str, label: str) -> str:
    """The id behind a label, for the tables of the invented company."""
    return LISTS[list_name].id_of(label)
