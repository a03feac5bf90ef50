"""All of a caller's analyses removed at once."""

from __future__ import annotations

from accounts.principal import Principal
from deepfake.errors import AnalysisNotFound
from deepfake.selectors import analyses_of
from deepfake.services import Dismissal, dismiss_analysis


def clear_analyses(*, principal: Principal) -> int:
    """Cancel and refund the caller's analyses that are open, and delete all of them with what is kept; how many went.

    One that was asked for meanwhile stays.
    """
    rows = analyses_of(user_id=principal.user_id, visitor=principal.visitor)
    gone = 0
    for public_id in list(rows.values_list("public_id", flat=True)):
        try:
            if dismiss_analysis(principal=principal, public_id=public_id) is Dismissal.CANCELLED:
                dismiss_analysis(principal=principal, public_id=public_id)
        except AnalysisNotFound:
            # Deleted in another tab, or past its time.
            continue
        gone += 1
    return gone
