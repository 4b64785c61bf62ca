"""Pages for people, made on the server: they need no script, and fetch nothing from elsewhere."""
