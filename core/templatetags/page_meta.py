"""What a page says of itself to those who show a link to it."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import Node, NodeList, Parser, Token
from django.utils.safestring import SafeString, mark_safe

from core.addresses import absolute_url

register = template.Library()


class _KeptNode(Node):
    """What is between the tags, as a variable; a block may be among it, which can stand in a page but once."""

    def __init__(self, nodelist: NodeList, name: str) -> None:
        self.nodelist = nodelist
        self.name = name

    def render(self, context: template.Context) -> SafeString:
        text = self.nodelist.render(context)
        context[self.name] = mark_safe(" ".join(text.split()))  # noqa: S308 - rendered and escaped by the template itself
        return mark_safe("")


@register.tag
def keep(parser: Parser, token: Token) -> _KeptNode:
    """``{% keep name %}…{% endkeep %}``: render what is between once, to be written in several places."""
    _, name = token.split_contents()
    nodelist = parser.parse(("endkeep",))
    parser.delete_first_token()
    return _KeptNode(nodelist, name)


@register.simple_tag(takes_context=True)
def absolute(context: dict[str, Any], path: str) -> str:
    """An address of this site as other sites need it; empty where nobody knows what the site is called here."""
    request = context.get("request")
    return absolute_url(request, path) if request is not None else ""
