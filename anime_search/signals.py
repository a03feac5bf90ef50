"""What the scene search tells those above it, whom it does not know."""

from __future__ import annotations

from django.dispatch import Signal

#: A search had an answer with candidates. Sent with ``principal`` (on whose behalf) and ``answer`` (the
#: ``SearchAnswer``) before the caller is answered: receivers are quick, and a failure of theirs is logged only.
scene_found = Signal()

#: A search ended. Sent with ``elapsed_ms`` (from the picture to the answer, or to the end of the caller's patience)
#: and ``answered`` (False: it took too long, or a part was out of order); receivers as above.
search_ended = Signal()
