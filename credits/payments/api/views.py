"""The view of the payment provider's reports."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from core.surfaces import SurfaceView, plain_request
from credits.payments.api.errors import ERRORS
from credits.payments.events import take_event

#: An event has a few kilobytes; a long list of refunds in one makes it some dozens.
MAX_BODY_BYTES = 256 * 1024


class StripeWebhookView(SurfaceView):
    """``POST /api/payments/stripe/webhook``: no session and no form token; the signature says who sends it."""

    errors = ERRORS
    max_body_bytes = MAX_BODY_BYTES

    def post(self, request: Request) -> HttpResponse:
        http = plain_request(request)
        outcome = take_event(body=http.body, signature=http.headers.get("Stripe-Signature", ""))
        return JsonResponse({"received": True, "outcome": outcome})
