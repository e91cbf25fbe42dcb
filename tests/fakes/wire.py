"""Requests and responses of the fake Discord as they travel, and how they can fail to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web

Json = dict[str, Any]

BASE = "/api/v10"


class ApiError(Exception):
    """An answer that is no success, with Discord's own number for it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class InvalidBodyError(ApiError):
    """A body that Discord would refuse."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(400, 50035, "Invalid Form Body")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the bot."""

    method: str
    path: str  # below the API's base
    params: Mapping[str, str]
    query: Mapping[str, str]
    token: str  # the Authorization header
    body: Any
    files: dict[str, bytes]
    parts: tuple[str, ...] = ()  # what the form calls the files

    @property
    def unlisted(self) -> set[str]:
        """The files that the body does not list as attachments, of which Discord knows no name."""
        if not self.parts:
            return set()
        data = self.body.get("data") or self.body
        return set(self.parts) - {f"files[{one['id']}]" for one in data.get("attachments") or ()}


class Request(NamedTuple):
    """One request of the bot, and the status it got (0: the connection was closed instead)."""

    method: str
    path: str
    body: Any
    status: int


@dataclass(slots=True)
class Fault:
    """Something to do instead of answering properly."""

    status: int  # 0: close the connection instead
    path: str | None  # only for requests whose path contains this
    times: int = 1
    retry_after: float = 0.0
    via: bool = True
    is_global: bool = False  # the limit is the whole bot's, not the route's
    delay_s: float = 0.0  # before it answers properly
    is_late: bool = False  # close the connection only after the request has had its effect


async def read(request: web.Request) -> Call:
    """A request with its body decoded: JSON, or the JSON part and files of a multipart form."""
    body: Any = None
    files: dict[str, bytes] = {}
    parts: tuple[str, ...] = ()
    if request.content_type == "multipart/form-data":
        form = await request.post()
        body = json.loads(str(form["payload_json"]))
        uploads = [part for part in form.values() if isinstance(part, web.FileField)]
        files = {upload.filename: upload.file.read() for upload in uploads}
        parts = tuple(upload.name for upload in uploads)
        for upload in uploads:
            upload.file.close()
    elif request.content_type == "application/json":
        body = await request.json()
    return Call(
        request.method,
        request.path.removeprefix(BASE),
        request.match_info,
        request.query,
        request.headers.get("Authorization", ""),
        body,
        files,
        parts,
    )


def failure(fault: Fault) -> web.Response:
    """What a fault answers."""
    if fault.status != 429:
        return to_json({"code": 0, "message": f"{fault.status}: told to fail"}, fault.status)
    if not fault.via:
        return web.Response(status=429, text="error code: 1015")
    headers = {"Via": "1.1 google", "Retry-After": str(fault.retry_after)}
    body = {"message": "You are being rate limited.", "retry_after": fault.retry_after}
    return to_json(body | {"global": fault.is_global}, 429, headers)


def refusal(error: ApiError, **more: Any) -> web.Response:
    """An error as Discord reports it."""
    return to_json({"code": error.code, "message": str(error)} | more, error.status)


def to_json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A response of exactly `application/json`: discord.py takes no charset beside it."""
    content = json.dumps(body).encode()
    return web.Response(
        body=content, status=status, headers=headers, content_type="application/json"
    )
