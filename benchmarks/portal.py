"""A SCIM server on loopback that is not what takes the time: it keeps users in a dictionary, writes one in some ten
microseconds, and answers each request so long after it came as a portal on the internet does. It knows what adding takes."""

import asyncio
import os
import re
import sys
import threading
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from scim2_models import EnterpriseUser, User

AWAY = 0.03
"""Seconds from a request to its answer."""

MOST_OPERATIONS = 1_000
_BASE = "/v2"
_LIST, _BULK, _ERROR = (f"urn:ietf:params:scim:api:messages:2.0:{each}" for each in ("ListResponse", "BulkResponse", "Error"))  # fmt: skip
_FILTER = re.compile(r'(\w+) eq "([^"]*)"')

Body = dict[str, object]
Answer = tuple[int, Body]


def _listed(found: list[Body], total: int | None = None) -> Answer:
    return 200, {"schemas": [_LIST], "totalResults": len(found) if total is None else total, "Resources": found}


class Portal:
    """`bulk`: whether it is announced."""

    def __init__(self, bulk: bool) -> None:
        self.users: list[Body] = []
        self.by: dict[tuple[str, str], Body] = {}
        supported = {"supported": True}
        self.documents: Mapping[str, Answer] = {
            "/ServiceProviderConfig": (200, {
                "patch": supported, "filter": {"supported": True, "maxResults": 200}, "etag": {"supported": False},
                "bulk": {"supported": bulk, "maxOperations": MOST_OPERATIONS, "maxPayloadSize": 1 << 20},
            }),
            "/ResourceTypes": _listed([{"name": "User", "endpoint": "/Users", "schema": str(User.__schema__)}]),
            "/Schemas": _listed([each.to_schema().model_dump() for each in (User, EnterpriseUser)]),
        }  # fmt: skip

    def answer(self, method: str, target: str, content: bytes) -> Answer:
        parts = urlsplit(target)
        path = parts.path.removeprefix(_BASE)
        if method == "POST" and path == "/Bulk":
            operations = msgspec.json.decode(content)["Operations"]
            return 200, {"schemas": [_BULK], "Operations": [self._operation(each) for each in operations]}
        if method == "POST":
            return self._add(msgspec.json.decode(content))
        if path == "/Users":
            return self._search({name: values[0] for name, values in parse_qs(parts.query).items()})
        one = self.by.get(("id", unquote(path.rpartition("/")[2])))
        return self.documents.get(path) or ((200, one) if one else (404, {"schemas": [_ERROR], "status": "404"}))

    def _operation(self, operation: Body) -> Body:
        status, body = self._add(operation["data"])  # type: ignore[arg-type]
        return {
            "method": "POST",
            "bulkId": operation["bulkId"],
            "status": str(status),
            "location": f"{_BASE}/Users/{body.get('id')}",
        }

    def _add(self, user: Body) -> Answer:
        if ("userName", user["userName"]) in self.by:
            return 409, {"schemas": [_ERROR], "status": "409", "scimType": "uniqueness"}
        made = user | {"id": str(len(self.users) + 1)}
        self.users.append(made)
        self.by |= {(name, str(made[name])): made for name in ("id", "userName", "externalId")}
        return 201, made

    def _search(self, query: Mapping[str, str]) -> Answer:
        if asked := _FILTER.findall(query.get("filter", "")):
            return _listed([self.by[each] for each in asked if each in self.by])
        first = int(query.get("startIndex", "1")) - 1
        return _listed(self.users[first : first + int(query.get("count", "200"))], len(self.users))


async def _serve(portal: Portal) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            method, target, _ = head.split(" ", 2)
            length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
            content = await reader.readexactly(int(length[1])) if length else b""
            status, body = portal.answer(method, target, content)
            await asyncio.sleep(AWAY)
            said = msgspec.json.encode(body)
            kind = f"Content-Type: application/scim+json\r\nContent-Length: {len(said)}"
            writer.write(f"HTTP/1.1 {status} Told\r\n{kind}\r\n\r\n".encode() + said)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{_BASE}", flush=True)
    await server.serve_forever()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""


def _end_with_parent() -> None:
    """Whoever started this holds the other end of its standard input, also when they are killed."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_serve(Portal(sys.argv[1] == "bulk")))
