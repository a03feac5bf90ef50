"""How the OpenAPI document is made. It needs drf-spectacular, which only developers install."""
