"""What services tell as plain values: the shapes that HTTP answers with, and `--json` prints."""
