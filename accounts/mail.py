"""Mail where there is no mail server: kept for the owner of the machine."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend

log = logging.getLogger(__name__)


class KeptMailBackend(EmailBackend):
    """Writes each mail into a file of ``EMAIL_FILE_PATH`` and into the log, where its link can be opened."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sent: int = super().send_messages(email_messages) or 0
        for message in email_messages:
            log.warning(
                "no mail server is set (EMAIL_URL); a mail to %s, kept in %s:\n%s\n\n%s",
                ", ".join(message.to),
                self.file_path,
                message.subject,
                message.body,
            )
        return sent
