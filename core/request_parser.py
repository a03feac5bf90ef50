"""HTTP requests as the server reads them: no room for two readings, and bodies that are too large left to the surfaces."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import RequestEntityTooLarge

#: Bytes of a body that is too large that are read and thrown away. A connection that is closed while the client still
#: sends is reset, and the answer on its way is lost with it.
SWALLOWED_BYTES: Final = 256 << 20


class StrictRequestParser(HTTPRequestParser):  # type: ignore[misc]
    """Waitress's parser, less what a proxy in front of it may have understood otherwise (request smuggling).

    A request whose body is too large is handed on without it, but with its length: waitress would answer by itself, in
    plain text, where every surface has a dialect of its own for it (:class:`core.surfaces.BodyTooLarge`).
    """

    _swallows = False

    def received(self, data: bytes) -> int:
        """Take what has come; returns how many bytes of it belong to this request."""
        if self._swallows and not self.completed:
            return self._swallow(data)
        consumed: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge):
            return self._leave_out_body(data, consumed)
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the headers.

        Raises:
            ParsingError: another version than HTTP/1.0 and 1.1 (RFC 9112, section 2.3), or a body whose
                length is given twice, by ``Content-Length`` and by ``Transfer-Encoding`` (section 6.3).
        """
        super().parse_header(header_plus)
        if self.version not in ("1.0", "1.1"):
            raise ParsingError("HTTP version not supported")
        if "CONTENT_LENGTH" in self.headers and (self.chunked or "TRANSFER_ENCODING" in self.headers):
            raise ParsingError("Both Content-Length and Transfer-Encoding")

    def _leave_out_body(self, data: bytes, consumed: int) -> int:
        self.error, self.completed, self._swallows = None, False, True
        # Of a body in chunks nothing says how long it would have become.
        self.headers["CONTENT_LENGTH"] = str(max(self.content_length, self.adj.max_request_body_size))
        self.body_rcv.getbuf().close()
        self.body_rcv.buf = _Nothing()
        if self.expect_continue or self.content_length > SWALLOWED_BYTES:
            # Who asks first whether to send the body is told now, and does not send it.
            return self._end_unread(data)
        return consumed

    def _swallow(self, data: bytes) -> int:
        consumed: int = self.body_rcv.received(data)
        self.body_bytes_received += consumed
        if self.body_rcv.error or self.body_bytes_received > SWALLOWED_BYTES:
            return self._end_unread(data)
        self.completed = self.body_rcv.completed
        return consumed

    def _end_unread(self, data: bytes) -> int:
        """Answer now, and close then: what still comes must not be taken for another request."""
        self.expect_continue, self.completed = False, True
        self.headers["CONNECTION"] = "close"
        return len(data)


class _Nothing:
    """Stands in the place of waitress's buffers, and keeps nothing."""

    def append(self, _data: bytes) -> None:
        """Let it go."""

    def __len__(self) -> int:
        return 0

    def getfile(self) -> Any:
        return BytesIO()

    def close(self) -> None:
        """There is nothing to close."""
