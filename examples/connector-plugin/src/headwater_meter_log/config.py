"""What a user must say."""

from pathlib import Path

from headwater.connectors.protocol import Config


class MeterLogConfig(Config):
    """The folder with the gateway's files."""

    folder: Path
