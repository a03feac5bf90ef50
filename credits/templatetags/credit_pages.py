"""Words for the templates of credits."""

from __future__ import annotations

from django import template

from credits.web.words import entry_in_words, tier_in_words

register = template.Library()
register.filter("entry_words", entry_in_words)
register.filter("tier_words", tier_in_words)
