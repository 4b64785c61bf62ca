"""Connectors bring records in from where they are kept; they know no contract and no database of ours."""
