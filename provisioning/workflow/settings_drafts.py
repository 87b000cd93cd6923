"""Settings while somebody edits them: a draft per person that survives page changes and reloads, and decides nothing."""

import msgspec

from provisioning.errors import Refused
from provisioning.model import Domain, Settings
from provisioning.report.settings import changed_in_words
from provisioning.store import customers, drafts
from provisioning.workflow.editing import save_settings
from provisioning.workflow.house import PREPARERS, Workspace, seen_domain

SETTINGS = "settings"


def settings_in_text(settings: Settings) -> str:
    """As a draft holds them, and a form that is being filled in."""
    return msgspec.json.encode(settings).decode()


def settings_from_text(text: str) -> Settings:
    return msgspec.json.decode(text, type=Settings)


def settings_draft(house: Workspace, label: str) -> tuple[Settings, int] | None:
    """The actor's unsaved settings, and the version they were begun from."""
    domain = seen_domain(house, label, "see the settings")
    draft = drafts.find(house.db, domain.id, SETTINGS, house.actor.name)
    return (settings_from_text(draft.content), draft.based_on) if draft else None


def keep_settings_draft(house: Workspace, label: str, settings: Settings, based_on: int) -> None:
    domain = seen_domain(house, label, "change the settings", PREPARERS)
    draft = drafts.Draft(based_on, settings_in_text(settings))
    drafts.keep(house.db, domain.id, SETTINGS, house.actor.name, draft, house.clock())


def drop_settings_draft(house: Workspace, label: str) -> None:
    domain = seen_domain(house, label, "change the settings", PREPARERS)
    drafts.drop(house.db, domain.id, SETTINGS, house.actor.name)


def newer_settings(house: Workspace, label: str, based_on: int) -> tuple[str, ...]:
    """What the settings in force say differently from the version a draft was begun from, a line for each."""
    domain = seen_domain(house, label, "see the settings")
    before = msgspec.to_builtins(customers.settings_at(house.db, domain.id, based_on))
    after = msgspec.to_builtins(domain.settings)
    changed = {name: {"from": before[name], "to": after[name]} for name in after if before[name] != after[name]}
    return changed_in_words(changed)


def save_settings_draft(house: Workspace, label: str, settings: Settings, based_on: int) -> Domain:
    """Save settings as a new version, and drop the draft. Raises `Refused` with the difference when somebody saved a
    newer version meanwhile, `SettingsError` when they cannot be used."""
    with house.db.transaction():
        domain = seen_domain(house, label, "change the settings", PREPARERS)
        if domain.settings_version != based_on:
            lines = "; ".join(newer_settings(house, label, based_on)) or "nothing that differs"
            raise Refused(
                f"Version {domain.settings_version} was saved since you began from version {based_on}. It changes: "
                f"{lines}. Nothing of yours was saved: look at the difference, then put your draft on top of it or "
                "discard it."
            )
        saved = save_settings(house, label, settings, based_on)
        drop_settings_draft(house, label)
    return saved
