"""The public kit for authors of connectors: a suite that a connector passes, or is told what it does wrong.

In the author's own tests, one file:

    from headwater.testing import Case, ConnectorConformance

    class Readings(Case):            # how to open the source, and how to put rows there
        kind = kind
        ...

    class TestReadings(ConnectorConformance):
        case_type = Readings

Stores of files have `FileCase` and `FileStoreConformance`. What a source cannot do is declared in `lacks`, with
the reason, and reported as not applicable. `verdicts(Readings())` runs the same checks without pytest.
"""

from headwater.testing.case import Case, Row, no_network
from headwater.testing.checking import Check, Nonconformity, Verdict
from headwater.testing.file_case import FileCase
from headwater.testing.suite import ConnectorConformance, FileStoreConformance, verdicts

__all__ = [
    "Case",
    "Check",
    "ConnectorConformance",
    "FileCase",
    "FileStoreConformance",
    "Nonconformity",
    "Row",
    "Verdict",
    "no_network",
    "verdicts",
]
