"""A real HTTP server that speaks the API of the game providers, and misbehaves on demand.

``python -m tests.providers.api_server PORT`` runs one to look at.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATOR, SECRET = "operator-17", "canary-4711-secret"
PROVIDERS, GAMES = 133, 14_460
LIST = "/api/generic/games/v2/list"
NAMES = "/api/generic/games/v2/providers"
VARIANTS = ("Pragmatic Play Slots", "Pragmatic Play Live")

Fault = Callable[["Handler"], None]


def a_game(number: int, **values: Any) -> dict[str, Any]:
    """A game, as the API has it."""
    return {
        "id": number,
        "title": f"Game {number}",
        "platform": "desktop",
        "type": "slots",
        "subtype": "video",
        "enabled": True,
        "fun_mode": number % 2 == 0,
        "provider": "acme",
        "details": {
            "rtp": 96.5,
            "volatility": "high",
            "features": ["Free Spins"],
            "themes": ["Egypt", "Gold"],
            "tags": [],
            "thumbnails": {
                "440x590": f"https://cdn.example/{number}-b.png",
                "300x300": f"https://cdn.example/{number}.png",
            },
        },
        "since": "an API grows",
        **values,
    }


def full_set() -> dict[str, list[dict[str, Any]]]:
    """As many providers and games as the real API has; two of the names are one provider."""
    names = [*VARIANTS, *(f"Provider {number:03}" for number in range(PROVIDERS - len(VARIANTS)))]
    games: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(GAMES):
        games[names[number % PROVIDERS]].append(a_game(number))
    return games


class Api(ThreadingHTTPServer):
    """The server and what it has.

    Attributes:
        games: of each name.
        faults: what happens instead of an answer, by name; "" is the list of providers. Each happens once, in order.
        asked: how often each name was asked for; "" as above.
        most_at_once: the greatest number of requests under way at the same time.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.games: dict[str, list[dict[str, Any]]] = {}
        self.faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self.asked: Counter[str] = Counter()
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.under_way = self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up is no error of the server."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Api
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with self._counted():
            self._answer()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self.server.lock:
            self.server.under_way += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.under_way)
        try:
            yield
        finally:
            with self.server.lock:
                self.server.under_way -= 1

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        name = parse_qs(parts.query)["providers"][0] if parts.path == LIST else ""
        with self.server.lock:
            self.server.asked[name] += 1
            self.server.times[name].append(time.monotonic())
            faults = self.server.faults[name]
            fault = faults.pop(0) if faults else None
        if (self.headers["X-Operator-Id"], self.headers["X-Authorization"]) != (OPERATOR, SECRET):
            self.reply({"status": "ERROR"}, 401)
        elif fault is not None:
            fault(self)
        elif parts.path == NAMES:
            self.reply({"status": "OK", "data": list(self.server.games)})
        elif parts.path == LIST and name in self.server.games:
            self.reply({"status": "OK", "data": self.server.games[name]})
        else:
            self.reply({"status": "ERROR"}, 404)

    def reply(self, answer: object, status: int = 200, **headers: str) -> None:
        """Send an answer: bytes as they are, anything else as JSON."""
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for header, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


# -- what can go wrong


def says(answer: object, status: int = 200, **headers: str) -> Fault:
    """Answer this."""
    return lambda handler: handler.reply(answer, status, **headers)


def hangs(seconds: float) -> Fault:
    """Say nothing for a while, and hang up."""

    def fault(handler: Handler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return fault


def drips(handler: Handler) -> None:
    """Send a byte now and then: no single wait is long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def breaks_off(handler: Handler) -> None:
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    handler.wfile.write(b'{"status": "OK", "data": [')
    handler.close_connection = True


def hangs_up(handler: Handler) -> None:
    """End the connection without a word."""
    handler.close_connection = True
    handler.connection.close()


@contextmanager
def serving(port: int = 0) -> Iterator[Api]:
    """A server that runs in this process."""
    with Api(port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    with serving(int(sys.argv[1])) as api:
        api.games = full_set()
        if len(sys.argv) > 2:  # which provider fails
            api.faults[sys.argv[2]] = [says({}, 503)] * 1000
        threading.Event().wait()
