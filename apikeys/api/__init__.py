"""``/api/apikeys``: a signed-in user's own keys, as the whatanimeisthis document has them."""
