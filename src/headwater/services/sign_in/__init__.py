"""How somebody shows who they are: passwords, OpenID Connect, one-time links, sessions and API tokens."""
