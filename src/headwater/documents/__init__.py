"""Documents that people write: read as text, parsed as strict YAML, and what is wrong in them told key by key."""
