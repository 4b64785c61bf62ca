"""What configs of databases have in common."""

from __future__ import annotations

from headwater.connectors.protocol import Config


class CountingConfig(Config):
    """A source that can count for itself.

    count_at_source  whether it counts and sums the rows of each chunk that a sync reads, so that what was read is held
                     against it: one more statement a chunk, under the same condition
    """

    count_at_source: bool = True
