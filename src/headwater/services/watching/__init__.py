"""Watching an installation: what is measured of it, and what of that is in order."""
