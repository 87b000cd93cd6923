"""The text for whoever runs HiBob: what to create there and what to permit, in plain words. Decides nothing."""

from collections.abc import Iterable, Mapping, Sequence


def request_text(
    customer: str, service_user_id: str, categories: Mapping[str, Sequence[str]], others: Sequence[str], *, told: bool
) -> str:
    """`service_user_id` "": it is still to be created. `categories`: fields by the category that opens them; `others`:
    columns whose category is not known. `told`: HiBob itself named them; else they are what HiBob usually calls them."""
    steps = [*_user(service_user_id), _GROUP, _AUDIENCE, _ticks(categories, others, told), *_answer(service_user_id)]
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n\n".join([_INTRODUCTION.format(customer=customer), *numbered, _END]) + "\n"


_INTRODUCTION = (
    "Hello,\n\n{customer} connects HiBob to Skillcast, so that our people get the right training by themselves. The "
    "connection only reads: it changes nothing in HiBob. It needs a service user, which takes about ten minutes:"
)
_GROUP = "Create a permission group with that service user as its only member. Give it nothing but what follows."
_AUDIENCE = (
    "Under “Access data for”, choose everybody, and widen the audience to leavers and to people who have not started "
    "yet. HiBob’s default leaves them out, and whoever is invisible looks like a leaver."
)
_END = "Nothing else is needed, and no right to change anything. Thank you."


def _user(service_user_id: str) -> Iterable[str]:
    if service_user_id:
        yield f"The service user is there already: {service_user_id}."
    else:
        yield "Create a service user (Settings › Integrations › Service users), named for example “Skillcast”."


def _answer(service_user_id: str) -> Iterable[str]:
    if not service_user_id:
        yield (
            "Give me the service user’s id and token by a safe way, such as a password manager, not by mail. HiBob "
            "shows the token once."
        )


def _ticks(categories: Mapping[str, Sequence[str]], others: Sequence[str], told: bool) -> str:
    usual = "" if told else " (these are HiBob’s usual names)"
    lines = [f"   [ ] {name}  ({', '.join(fields)})" for name, fields in categories.items()]
    if others:
        lines.append(f"   [ ] the categories that hold these fields of your own: {', '.join(others)}")
    return f"In its permissions for people’s data, tick “View” for these categories{usual}:\n" + "\n".join(lines)
