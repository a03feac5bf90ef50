"""The documentation of every API: the OpenAPI document, and the pages that are made from it."""
