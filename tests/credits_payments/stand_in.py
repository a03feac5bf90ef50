"""A Stripe on this machine: the few calls that are made to it, and events signed as Stripe signs them.

Objects have the fields that https://docs.stripe.com/api gives them, as far as anybody here reads them.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET_KEY = "sk_test_standin"
WEBHOOK_SECRET = "whsec_standin"

Facts = dict[str, Any]


@dataclass
class Asked:
    """A call that was made."""

    method: str
    path: str
    fields: dict[str, str]
    headers: dict[str, str]


@dataclass
class StandIn:
    """What it knows and does.

    Attributes:
        prices: amount and currency by price id.
        fault: status to answer with, and the error's code; None answers.
        delay_s: seconds before every answer.
    """

    url: str = ""
    prices: dict[str, tuple[int, str]] = field(default_factory=dict)
    subscriptions: dict[str, Facts] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    fault: tuple[int, str] | None = None
    delay_s: float = 0
    sessions: dict[str, Facts] = field(default_factory=dict)
    _names: Any = field(default_factory=itertools.count)

    def forget(self) -> None:
        """As it was when it began."""
        self.subscriptions.clear()
        self.asked.clear()
        self.sessions.clear()
        self.fault, self.delay_s = None, 0

    def answer(self, asked: Asked) -> tuple[int, Facts]:
        self.asked.append(asked)
        if self.delay_s:
            time.sleep(self.delay_s)
        if asked.headers.get("authorization") != f"Bearer {SECRET_KEY}":
            return 401, error("invalid_request_error", "", "Invalid API Key provided: sk_test_****dard")
        if self.fault:
            status, code = self.fault
            return status, error(
                "invalid_request_error" if status < 500 else "api_error", code, "internals of Stripe"
            )
        match asked.method, asked.path.strip("/").split("/"):
            case "POST", ["v1", "checkout", "sessions"]:
                return self._checkout(asked.fields)
            case "POST", ["v1", "billing_portal", "sessions"]:
                return 200, {
                    "id": self.name("bps"),
                    "object": "billing_portal.session",
                    "url": f"https://billing.stripe.com/p/session/{asked.fields['customer']}",
                }
            case "GET", ["v1", "subscriptions", name] if name in self.subscriptions:
                return 200, self.subscriptions[name]
            case "DELETE", ["v1", "subscriptions", name] if name in self.subscriptions:
                self.subscriptions[name]["status"] = "canceled"
                return 200, self.subscriptions[name]
        return 404, error("invalid_request_error", "resource_missing", f"No such thing: {asked.path}")

    def _checkout(self, fields: dict[str, str]) -> tuple[int, Facts]:
        price_id = fields["line_items[0][price]"]
        if price_id not in self.prices:
            return 400, error("invalid_request_error", "resource_missing", f"No such price: '{price_id}'")
        amount, currency = self.prices[price_id]
        name = self.name("cs_test")
        self.sessions[name] = {
            "id": name,
            "object": "checkout.session",
            "mode": fields["mode"],
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "subscription": None,
            "amount_subtotal": amount,
            "amount_total": amount,
            "currency": currency,
            "client_reference_id": fields["client_reference_id"],
            "metadata": {"order": fields["metadata[order]"], "price": fields["metadata[price]"]},
            "url": f"https://checkout.stripe.com/c/pay/{name}",
        }
        return 200, self.sessions[name]

    def name(self, kind: str) -> str:
        return f"{kind}_{next(self._names)}"

    # --- what it reports

    def event(self, kind: str, about: Facts, *, created: int | None = None) -> Facts:
        return {
            "id": self.name("evt"),
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": created if created is not None else int(time.time()),
            "livemode": False,
            "type": kind,
            "data": {"object": json.loads(json.dumps(about))},
        }

    def last_session(self) -> Facts:
        return list(self.sessions.values())[-1]

    def paid(self, session: Facts | None = None) -> Facts:
        """The session after its buyer has paid."""
        session = self.last_session() if session is None else session
        return {
            **session,
            "status": "complete",
            "payment_status": "paid",
            "payment_intent": f"pi_of_{session['id']}",
        }

    def charge(self, session: Facts, *, refunded: int) -> Facts:
        """The charge of a session that was paid, after some of it was given back."""
        return {
            "id": f"ch_of_{session['id']}",
            "object": "charge",
            "amount": session["amount_total"],
            "amount_refunded": refunded,
            "currency": session["currency"],
            "payment_intent": session["payment_intent"],
            "metadata": session["metadata"],
            "refunded": refunded == session["amount_total"],
        }

    def dispute(self, session: Facts, *, amount: int | None = None, status: str = "needs_response") -> Facts:
        return {
            "id": f"dp_of_{session['id']}",
            "object": "dispute",
            "amount": session["amount_total"] if amount is None else amount,
            "currency": session["currency"],
            "charge": f"ch_of_{session['id']}",
            "payment_intent": session["payment_intent"],
            "metadata": {},
            "status": status,
        }

    def subscribe(self, session: Facts | None = None, *, status: str = "active", price: str = "") -> Facts:
        """The subscription that a checkout began; it is known by its name from then on."""
        session = self.last_session() if session is None else session
        facts = session["metadata"]
        name = f"sub_of_{session['id']}"
        self.subscriptions[name] = {
            "id": name,
            "object": "subscription",
            "status": status,
            "customer": f"cus_of_{session['id']}",
            "cancel_at_period_end": False,
            "cancel_at": None,
            "metadata": dict(facts),
            "items": {
                "object": "list",
                "data": [
                    {
                        "id": f"si_of_{session['id']}",
                        "object": "subscription_item",
                        "current_period_end": int(time.time()) + 30 * 86_400,
                        "price": {"id": price or facts["price"], "object": "price"},
                    }
                ],
            },
        }
        return self.subscriptions[name]


def signed(event: Facts | bytes, *, secret: str = WEBHOOK_SECRET, at: int | None = None) -> tuple[bytes, str]:
    """A body and its header: https://docs.stripe.com/webhooks#verify-manually."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={moment},v1={digest},v0={'0' * 64}"


def error(kind: str, code: str, message: str) -> Facts:
    return {"error": {"type": kind, "code": code, "message": message}}


def serve(stand_in: StandIn) -> ThreadingHTTPServer:
    """Serve it from a thread; its address is written into ``url``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            fields = dict(urllib.parse.parse_qsl(body))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, facts = stand_in.answer(
                Asked(self.command, urllib.parse.urlsplit(self.path).path, fields, headers)
            )
            answer = json.dumps(facts).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Request-Id", "req_standin")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = _handle  # noqa: N815 - the names that the base class calls

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    return server
