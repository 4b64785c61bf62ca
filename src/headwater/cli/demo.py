"""`headwater demo`."""

from __future__ import annotations

from headwater.cli.printing import console
from headwater.cli.session import read_settings


def demo() -> None:
    """See all of it in minutes, on files made to be nasty.

    Loads them into a database of its own, shows emissions by scope and what was refused, mends two records, follows one
    figure to its line and proves that nothing was changed. The files stay in the folder headwater-demo, to try more.

    \b
    Examples:
      headwater demo
    """
    from headwater.cli.demonstration_view import DemoOnConsole
    from headwater.services.demonstration import run_demo

    run_demo(read_settings(), DemoOnConsole(console()))
