"""Who searched, as far as it is kept: enough to count once, too little to know anybody by."""

from __future__ import annotations

from datetime import date

from django.utils.crypto import salted_hmac

from accounts.principal import Principal
from core.client_ip import rate_limit_key


def caller_of(principal: Principal, day: date) -> str:
    """A keyed hash of the account, else of the client's address, that differs from day to day.

    An account is one caller whichever of its keys it shows and wherever it is; IPv6 addresses count by their /64.
    Without the site's secret key nobody can try addresses until one fits, and with the day in it the searches
    of a caller cannot be strung together over days.
    """
    who = (
        f"address {rate_limit_key(principal.address)}"
        if principal.user_id is None
        else f"user {principal.user_id}"
    )
    return salted_hmac("rankings.caller", f"{day.isoformat()} {who}", algorithm="sha256").hexdigest()
