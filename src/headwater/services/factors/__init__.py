"""Emission factors: brought in, listed as a library, pinned for runs."""
