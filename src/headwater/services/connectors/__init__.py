"""Connectors kept, their secrets, and what asks their sources."""
