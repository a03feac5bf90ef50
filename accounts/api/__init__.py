"""The JSON API of accounts, ``/api/auth/*``: names, bodies and statuses as better-auth has them."""
