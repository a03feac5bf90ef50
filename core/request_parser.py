"""HTTP requests that leave room for two readings are refused, as RFC 9112 lets a server do."""

from __future__ import annotations

from waitress.parser import HTTPRequestParser, ParsingError


class StrictRequestParser(HTTPRequestParser):  # type: ignore[misc]
    """Waitress's parser, less what a proxy in front of it may have understood otherwise (request smuggling)."""

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
