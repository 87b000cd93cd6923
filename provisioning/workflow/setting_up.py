"""Customers, connections, domains and members, from a set-up file or one at a time from the pages."""

from dataclasses import replace
from decimal import Decimal

import msgspec
from msgspec import UNSET

from provisioning import setup_file
from provisioning.engine.mapping_words import difference
from provisioning.errors import Refused, SettingsError, UsageError
from provisioning.hosts import HIBOB_HOSTS, SKILLCAST_HOSTS, allowed_hosts, check_base_url
from provisioning.model import (
    Connection,
    Customer,
    Domain,
    Role,
    Scim,
    Settings,
)
from provisioning.notify import check_target, mail_of
from provisioning.store import customers, leaving, sessions, snapshots
from provisioning.store.secrets import (
    about_secret,
    connection_owner,
    drop_notify_secrets,
    drop_secret,
    notify_owner,
    put_secret,
    scim_owner,
    webhook_owner,
)
from provisioning.workflow.house import (
    PREPARERS,
    Workspace,
    any_customer,
    customers_seen,
    domains_seen,
    is_local_user,
    record_event,
    require,
    seen_customer,
)
from provisioning.workflow.watched import looked_at_by_saving

OWN_VARIABLES = "ROLLCALL_"
"""The encryption key is among them: a set-up file that names it would have it sent to whoever it names."""


def set_up(house: Workspace, text: str, *, prune: bool = False) -> list[str]:
    """Create or change one customer from a set-up file, all or nothing; contacts nobody. Returns what changed."""
    found = setup_file.parse(text)
    # A customer that one may not see is refused in the same words as one that is not there.
    existing = next((each for each in customers_seen(house) if each.name == found.customer.name), None)
    require(house, existing.id if existing else None, PREPARERS, "change the set-up")
    with house.db.transaction():
        return _SetUp(house, found, prune).apply()


class _SetUp:
    """One application of a set-up file, inside a transaction."""

    def __init__(self, house: Workspace, found: setup_file.SetupFile, prune: bool) -> None:
        self.house, self.db, self.file, self.prune = house, house.db, found, prune
        self.changed: list[str] = []
        self.customer_id = 0

    def apply(self) -> list[str]:
        self._customer()
        if self.file.connections is not UNSET:
            self._connections(self.file.connections)
        if self.file.domains is not UNSET:
            self._domains(self.file.domains)
        if self.file.members is not UNSET:
            self._members(self.file.members)
        self._check_connections()
        return self.changed

    def _note(self, what: str, domain: Domain | None = None, **details: object) -> None:
        self.changed.append(f"{what}: {details.get('name', '')}".rstrip(": "))
        record_event(self.house, what, domain, customer_id=self.customer_id, **details)

    def _customer(self) -> None:
        table = self.file.customer
        before = customers.find_customer(self.db, table.name)
        price = None if table.price_per_user is None else format(Decimal(str(table.price_per_user)), "f")
        self.customer_id = customers.save_customer(
            self.db, table.name, table.seats, price, table.retention_days, table.currency
        )
        if leaving.take_up_customer(self.db, self.customer_id) and before:
            before = replace(before, left_at=None)
            self._note("customer taken up again", name=table.name)
        after = customers.get_customer(self.db, table.name)
        if before != after:
            self._note("customer changed" if before else "customer created", name=table.name, seats=table.seats)

    def _members(self, tables: list[setup_file.MemberTable]) -> None:
        now = self.house.clock()
        before = customers.admins(self.db, self.customer_id)
        named = {setup_file.check_email(each.email): each.role for each in tables}
        for email, role in named.items():
            had = customers.granted(self.db, email, self.customer_id)
            if customers.grant(self.db, email, role, self.customer_id, now):
                self._note("role granted", None, name=email, role=role.value, **_instead_of(had))
        if self.prune:
            for each in customers.members(self.db, self.customer_id):
                if each.customer_id is not None and each.email not in named:
                    customers.revoke(self.db, each.email, self.customer_id)
                    self._note("role removed", name=each.email, roles=[each.role.value])
        _keep_an_admin(self.house, self.customer_id, before)

    def _connections(self, tables: list[setup_file.ConnectionTable]) -> None:
        before = {each.name: each for each in customers.connections(self.db, self.customer_id)}
        for table in tables:
            self._connection(table, before.get(table.name))
        for name in sorted(set(before) - {each.name for each in tables}) if self.prune else ():
            drop_secret(self.db, connection_owner(before[name].id))
            drop_secret(self.db, webhook_owner(before[name].id))
            customers.delete_connection(self.db, before[name].id)
            self._note("connection removed", name=name)

    def _connection(self, table: setup_file.ConnectionTable, before: Connection | None) -> None:
        url = check_base_url(table.base_url, HIBOB_HOSTS, allowed_hosts(self.house.environment))
        wanted = Connection(0, self.customer_id, table.name, url, table.id, table.report, table.type)
        old_env = customers.token_variable(self.db, before.id) if before else None
        env = table.token.env if table.token else old_env
        if table.token is None:
            _keep_token_home(self.house, before, url)
        connection_id = customers.save_connection(self.db, wanted, env)
        token_changed = table.token is not None and put_secret(
            self.db,
            self.house.vault,
            connection_owner(connection_id),
            self._secret(table.token, f"the token of connection “{table.name}”"),
            self.house.clock(),
        )
        token_changed |= self._webhook(table, connection_id)
        if before is None or replace(before, id=0) != wanted or env != old_env or token_changed:
            what = "connection changed" if before else "connection created"
            self._note(what, name=table.name, base_url=url, token_set=token_changed)

    def _webhook(self, table: setup_file.ConnectionTable, connection_id: int) -> bool:
        """The secret that HiBob signs its webhooks with; left out, it stays. Returns whether it is another."""
        if table.webhook is None:
            return False
        secret = self._secret(table.webhook, f"the webhook secret of connection “{table.name}”")
        known = customers.webhook_variable(self.db, connection_id) == table.webhook.env
        customers.save_webhook_variable(self.db, connection_id, table.webhook.env)
        owner, now = webhook_owner(connection_id), self.house.clock()
        return put_secret(self.db, self.house.vault, owner, secret, now) or not known

    def _secret(self, secret: setup_file.Secret, what: str) -> str:
        if secret.env.startswith(OWN_VARIABLES):
            raise SettingsError(
                f"The environment variable {secret.env} is Rollcall’s own and goes to nobody; {what} has to be in another."
            )
        value = self.house.environment.get(secret.env, "").strip()
        if not value:
            raise SettingsError(f"The environment variable {secret.env} is not set; {what} is read from it.")
        return value

    def _domains(self, tables: list[setup_file.DomainTable]) -> None:
        before = {each.name: each for each in customers.domains_ever(self.db, self.customer_id)}
        for table in tables:
            known = before.get(table.name)
            if known and known.left_at:
                leaving.take_up_domain(self.db, known.id)
                self._note("domain taken up again", known, name=table.name)
            self._domain(table, known)
        gone = {each.name for each in before.values() if not each.left_at} - {each.name for each in tables}
        for name in sorted(gone) if self.prune else ():
            drop_notify_secrets(self.db, before[name].id, 0, all_of_them=True)
            drop_secret(self.db, scim_owner(before[name].id))
            customers.delete_domain(self.db, before[name].id)
            snapshots.drop_snapshots(self.house.snapshots, before[name].id)
            self._note("domain removed", name=name)

    def _domain(self, table: setup_file.DomainTable, before: Domain | None) -> None:
        domain_id = before.id if before else customers.create_domain(self.db, self.customer_id, table.name)
        by, now = self.house.actor.name, self.house.clock()
        attributes = before.attributes if before else ()
        if table.attributes is not UNSET:
            attributes = setup_file.to_attributes(table.attributes)
        settings = setup_file.to_settings(table, before.settings if before else Settings())
        if settings.scim:
            url = check_base_url(settings.scim.base_url, SKILLCAST_HOSTS, allowed_hosts(self.house.environment))
            settings = replace(settings, scim=replace(settings.scim, base_url=url))
        self._check_names(table, settings, {each.name for each in attributes})
        mapping_version = customers.save_mapping(self.db, domain_id, attributes, by, now)
        if before:
            looked_at_by_saving(self.house, before, attributes)
        settings_version = customers.save_settings(self.db, domain_id, settings, by, now)
        schedule = msgspec.to_builtins(table.schedule) if table.schedule else None
        token_changed = self._scim_token(table, domain_id, before.settings.scim if before else None, settings.scim)
        standing = customers.save_standing(self.db, domain_id, schedule, [each.env for each in table.notify])
        for place, each in enumerate(table.notify):
            secret = self._secret(each, f"a notification address of domain “{table.name}”")
            check_target(secret, allowed_hosts(self.house.environment), mail_of(self.house.environment))
            standing |= put_secret(self.db, self.house.vault, notify_owner(domain_id, place), secret, now)
        drop_notify_secrets(self.db, domain_id, len(table.notify))
        if before is None or mapping_version or settings_version or standing or token_changed:
            domain = customers.domain_by_id(self.db, domain_id)
            self._note(
                "domain changed" if before else "domain created",
                domain,
                name=table.name,
                mapping_version=domain.mapping_version,
                settings_version=domain.settings_version,
                **(_what_changed(before, domain) if before else {}),
            )

    def _scim_token(
        self, table: setup_file.DomainTable, domain_id: int, before: Scim | None, after: Scim | None
    ) -> bool:
        """Store the token of a SCIM target, or drop it with the target; returns whether it is another than before."""
        owner = scim_owner(domain_id)
        if after is None:
            drop_secret(self.db, owner)
            return False
        token = table.target.token if isinstance(table.target, setup_file.ScimTable) else None
        if token is not None:
            secret = self._secret(token, f"the SCIM token of domain “{table.name}”")
            return put_secret(self.db, self.house.vault, owner, secret, self.house.clock())
        if before and before.base_url != after.base_url and about_secret(self.db, owner):
            raise SettingsError(
                f"Domain “{table.name}”: its SCIM address changes, so name its token again: the stored one is not sent to "
                "another address."
            )
        return False

    def _check_connections(self) -> None:
        have = {each.name for each in customers.connections(self.db, self.customer_id)}
        for domain in customers.domains(self.db, self.customer_id):
            if domain.settings.connection and domain.settings.connection not in have:
                raise SettingsError(
                    f"The connection “{domain.settings.connection}” cannot be removed: domain “{domain.name}” uses it."
                )

    def _check_names(self, table: setup_file.DomainTable, settings: Settings, names: set[str]) -> None:
        """What the domain refers to must be there: its connection, its identifier, protected attributes."""
        have = {each.name for each in customers.connections(self.db, self.customer_id)}
        where = f"Domain “{table.name}”"
        if settings.connection and settings.connection not in have:
            raise SettingsError(f"{where}: there is no connection “{settings.connection}” for this customer.")
        if settings.unique_identifier and settings.unique_identifier not in names:
            raise SettingsError(
                f"{where}: its unique identifier “{settings.unique_identifier}” is none of its attributes."
            )
        for each in settings.protected:
            if each.attribute and each.attribute not in names:
                raise SettingsError(
                    f"{where}: protected people are named by “{each.attribute}”, which is none of its attributes."
                )


def export(house: Workspace, name: str) -> str:
    """A customer as a set-up file, without secrets: only the variables they were read from."""
    customer = seen_customer(house, name, "export the set-up")
    record_event(house, "set-up exported", customer_id=customer.id)
    file = setup_file.SetupFile(
        customer=setup_file.CustomerTable(
            name=customer.name,
            seats=customer.seats,
            price_per_user=float(customer.price_per_user) if customer.price_per_user else None,
            retention_days=customer.retention_days,
            currency=customer.currency,
        ),
        members=[
            setup_file.MemberTable(each.email, each.role)
            for each in customers.members(house.db, customer.id)
            if each.customer_id is not None
        ],
        connections=[_connection_table(house, each) for each in customers.connections(house.db, customer.id)],
        domains=[_domain_table(house, each) for each in customers.domains(house.db, customer.id)],
    )
    return setup_file.write(file)


def _connection_table(house: Workspace, each: Connection) -> setup_file.ConnectionTable:
    variable, webhook = customers.token_variable(house.db, each.id), customers.webhook_variable(house.db, each.id)
    return setup_file.ConnectionTable(
        name=each.name,
        base_url=each.base_url,
        id=each.service_user_id,
        token=setup_file.Secret(variable) if variable else None,
        report=each.report,
        webhook=setup_file.Secret(webhook) if webhook else None,
    )


def _domain_table(house: Workspace, domain: Domain) -> setup_file.DomainTable:
    table = setup_file.from_settings(domain.name, domain.settings, domain.attributes)
    schedule, notify = customers.standing(house.db, domain.id)
    table.schedule = msgspec.convert(schedule, setup_file.ScheduleTable) if schedule else None
    table.notify = [setup_file.Secret(variable) for variable in notify if variable]
    return table


def _keep_an_admin(house: Workspace, customer_id: int, before: frozenset[str]) -> None:
    """A customer's last admin does not leave unnoticed. Raises `Refused`, which undoes the transaction."""
    if before and not customers.admins(house.db, customer_id):
        raise Refused(
            f"{', '.join(sorted(before))} is the last admin of this customer. Make somebody else admin first, or say so: "
            "`revoke EMAIL CUSTOMER --last-admin`."
        )


def grant(house: Workspace, email: str, role: Role, customer: str | None) -> bool:
    """Give somebody a role for a customer; only a CSM may have every customer. Returns whether it is new."""
    address = setup_file.check_email(email)
    if customer is None and role is not Role.CSM:
        raise UsageError(
            f"Name the customer: only a CSM may have all of them, not a member with the role {role.value}."
        )
    customer_id = _whose(house, customer, "grant roles")
    with house.db.transaction():
        before = customers.admins(house.db, customer_id) if customer_id is not None else frozenset()
        had = customers.granted(house.db, address, customer_id)
        new = customers.grant(house.db, address, role, customer_id, house.clock())
        if customer_id is not None:
            _keep_an_admin(house, customer_id, before)
        if new:
            record_event(
                house, "role granted", None, customer_id=customer_id, name=address, role=role.value, **_instead_of(had)
            )
    return new


def _instead_of(had: Role | None) -> dict[str, str]:
    """For an event: the role that another one replaced."""
    return {"instead_of": had.value} if had else {}


def _whose(house: Workspace, customer: str | None, doing: str) -> int | None:
    """The id of the customer whose roles are changed; None: of everybody's."""
    if customer is not None:
        return seen_customer(house, customer, doing, PREPARERS).id
    require(house, None, PREPARERS, doing)
    return None


def revoke(house: Workspace, email: str, customer: str | None, *, last_admin: bool = False) -> bool:
    """Take somebody's role away; of a customer's last admin only with that word. Returns whether there was one. What
    a group gave ends too, until the next sign-in brings it back: the group has to go where it is kept."""
    address = setup_file.check_email(email)
    customer_id = _whose(house, customer, "take roles away")
    with house.db.transaction():
        before = customers.admins(house.db, customer_id) if customer_id is not None else frozenset()
        granted = customers.granted(house.db, address, customer_id)
        customers.revoke(house.db, address, customer_id)
        had = [granted] if granted else []
        had += [each for each in sessions.drop_group_role(house.db, address, customer_id) if each is not granted]
        if customer_id is not None and not last_admin:
            _keep_an_admin(house, customer_id, before)
        if had:
            record_event(
                house, "role removed", customer_id=customer_id, name=address, roles=[each.value for each in had]
            )
    return bool(had)


MOST_NAME = 200


def save_connection(
    house: Workspace,
    customer: str,
    name: str,
    base_url: str,
    service_user_id: str,
    token: str | None,
    report: int | None = None,
) -> None:
    """Create or change a connection; a token that is None or blank stays as it is. `report`: the custom report to read
    instead of people search. Contacts nobody."""
    found = seen_customer(house, customer, "change a connection", PREPARERS)
    if not name.strip():
        raise SettingsError("The connection needs a name.")
    if len(name.strip()) > MOST_NAME or not name.strip().isprintable():
        raise SettingsError(f"The connection’s name must be at most {MOST_NAME} printable characters, on one line.")
    url = check_base_url(base_url, HIBOB_HOSTS, allowed_hosts(house.environment))
    before = {each.name: each for each in customers.connections(house.db, found.id)}.get(name.strip())
    wanted = Connection(0, found.id, name.strip(), url, service_user_id.strip() or None, report)
    if not (token or "").strip():
        _keep_token_home(house, before, url)
    with house.db.transaction():
        variable = customers.token_variable(house.db, before.id) if before else None
        leaving.take_up_customer(house.db, found.id)
        connection_id = customers.save_connection(house.db, wanted, variable)
        owner, secret = connection_owner(connection_id), (token or "").strip()
        new = bool(secret) and put_secret(house.db, house.vault, owner, secret, house.clock())
        what = "connection changed" if before else "connection created"
        record_event(house, what, customer_id=found.id, name=wanted.name, base_url=url, report=report, token_set=new)


def _keep_token_home(house: Workspace, before: Connection | None, url: str) -> None:
    """A token that somebody else entered is sent where they meant it to go. Raises `SettingsError`."""
    if before and before.base_url != url and about_secret(house.db, connection_owner(before.id)):
        raise SettingsError(
            f"Connection “{before.name}”: its base URL changes, so its token has to be given again: the stored one is not "
            "sent to another address."
        )


def add_customer(house: Workspace, name: str) -> None:
    """The local user who makes an installation's very first customer becomes its admin."""
    file = setup_file.SetupFile(customer=setup_file.CustomerTable(name=name.strip()))
    with house.db.transaction():
        first = is_local_user(house) and house.actor.email and not any_customer(house)
        if not first:
            require(house, None, PREPARERS, "add a customer")
        if customers.find_customer(house.db, name.strip()):
            raise SettingsError(f"There is a customer “{name.strip()}” already.")
        if first and house.actor.email:
            file.members = [setup_file.MemberTable(house.actor.email, Role.ADMIN)]
            _SetUp(house, setup_file.parse(setup_file.write(file)), prune=False).apply()
        else:
            _through_set_up(house, file)


def add_domain(house: Workspace, customer: str, name: str, connection: str) -> None:
    """A new domain without a mapping, on this connection."""
    if any(each.name == name.strip() for each in domains_seen(house, customer)):
        raise SettingsError(f"There is a domain “{name.strip()}” already.")
    table = setup_file.DomainTable(name=name.strip(), connection=connection)
    _through_set_up(house, file_of(customers.get_customer(house.db, customer), table))


def _what_changed(before: Domain, after: Domain) -> dict[str, object]:
    """The mapping and the settings, as the history tells them; nothing of what stayed."""
    lines = list(difference(before.attributes, after.attributes))
    changed = changed_settings(before.settings, after.settings)
    return ({"mapping": lines} if lines else {}) | ({"changed": changed} if changed else {})


def changed_settings(before: Settings, after: Settings) -> dict[str, object]:
    """Every setting that differs, from what to what."""
    was, now = msgspec.to_builtins(before), msgspec.to_builtins(after)
    return {name: {"from": was[name], "to": now[name]} for name in now if was[name] != now[name]}


def file_of(customer: Customer, table: setup_file.DomainTable) -> setup_file.SetupFile:
    price = float(customer.price_per_user) if customer.price_per_user else None
    about = setup_file.CustomerTable(customer.name, customer.seats, price, customer.retention_days, customer.currency)
    return setup_file.SetupFile(customer=about, domains=[table])


def _through_set_up(house: Workspace, file: setup_file.SetupFile) -> None:
    set_up(house, setup_file.write(file))
