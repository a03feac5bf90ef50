"""What the scene search tells those above it, whom it does not know."""

from __future__ import annotations

from django.dispatch import Signal

#: A search had an answer with candidates. Sent with ``principal`` (on whose behalf) and ``answer`` (the
#: ``SearchAnswer``) before the caller is answered: receivers are quick, and a failure of theirs is logged only.
scene_found = Signal()
