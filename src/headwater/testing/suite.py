"""The suite as pytest sees it: one test a check, and one for each that does not apply, with the reason in its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from headwater.testing import covering, cursors, exactness, files, holding, reaching, secrecy, tallying
from headwater.testing.case import Case, Opened
from headwater.testing.checking import Check, Verdict, verdict, wrong_declarations
from headwater.testing.file_case import FileCase

TABLE_CHECKS: tuple[Check, ...] = (
    *reaching.KIND,
    *reaching.CAUSES_TOLD,
    *reaching.TABLES,
    *covering.CHECKS,
    *cursors.CHECKS,
    *exactness.CHECKS,
    *tallying.CHECKS,
    *holding.CHECKS,
    *secrecy.CHECKS,
)
PARTS = ("key", *exactness.PARTS, *tallying.PARTS)
"""What a source may lack that is only a part of a check."""

FILE_CHECKS: tuple[Check, ...] = (*reaching.KIND, *reaching.CAUSES_TOLD, *files.CHECKS, *secrecy.CHECKS)


def checks_for(case: type[Opened]) -> tuple[Check, ...]:
    """The checks of a source of tables, or of a store of files."""
    return FILE_CHECKS if issubclass(case, FileCase) else TABLE_CHECKS


def verdicts(case: Opened) -> list[Verdict]:
    """What becomes of each check, without pytest; whatever a connector does, the next check is run too."""
    return [verdict(case, check) for check in checks_for(type(case))]


def misdeclared(case: type[Opened]) -> list[str]:
    """What in a case's `lacks` is no declaration."""
    return wrong_declarations(case, checks_for(case), PARTS if issubclass(case, Case) else ())


class _Conformance:
    """Tests that both suites have; `case` may be overridden by a fixture that starts a server."""

    case_type: ClassVar[type[Opened]]

    @pytest.fixture
    def case(self) -> Opened:
        """The source under test."""
        return self.case_type()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test a check that applies, one a check that does not."""
        lacks = self.case_type.lacks
        checks = checks_for(self.case_type)
        reasons = [(check.name, why) for check in checks if (why := check.not_applicable(lacks)) is not None]
        if "check" in metafunc.fixturenames:
            applying = [check for check in checks if check.not_applicable(lacks) is None]
            metafunc.parametrize("check", applying, ids=[check.name for check in applying])
        if "reason" in metafunc.fixturenames:
            reasons += [(name, why) for name, why in lacks.items() if name in PARTS]
            found: Sequence[Any] = reasons or [("none", "every check applies")]
            metafunc.parametrize("reason", found, ids=[f"{name} - {why}" for name, why in found])

    def test_conforms(self, check: Check, case: Opened) -> None:
        """A connector does what the protocol says."""
        check.run(case)

    def test_not_applicable(self, reason: tuple[str, str], record_property: Any) -> None:
        """What is not checked, and why; fails where `lacks` names nothing that is checked, or gives no reason."""
        record_property("not applicable", ": ".join(reason))
        assert misdeclared(self.case_type) == []  # noqa: S101 - a test


class ConnectorConformance(_Conformance):
    """For a source of tables: `case_type` is a `Case`."""


class FileStoreConformance(_Conformance):
    """For a store of files: `case_type` is a `FileCase`."""
