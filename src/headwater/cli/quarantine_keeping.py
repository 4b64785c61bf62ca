"""Keeping quarantine in order: what nobody will mend any more is let go, and what was refused is copied elsewhere."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from headwater.cli import exits
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.errors import Misuse

DAYS_OF = {"d": 1, "w": 7}
LONGEST_DAYS = 36_500


def dismiss(
    keys: Annotated[
        list[str] | None, typer.Argument(help="As `quarantine list` shows them.", show_default=False)
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why they need no mending; kept in the audit chain.")],
    run: Annotated[str | None, typer.Option("--run", help="All that are open of what this run refused.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="All that are open and break this rule.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --run or --rule: do it; without, it is only told how many there are.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say of open records that they need no mending. They stay in quarantine, dismissed.

    They are named, or they are all that --run and --rule choose, as they do for `quarantine list`.

    \b
    Examples:
      headwater quarantine dismiss 01234567-89ab-cdef-0123-456789abcdef.1 --reason "test reading"
      headwater quarantine dismiss --run 3f2a --rule activity.quantity.range --reason "test readings" --yes
    """
    from headwater.services.quarantine.quarantines import dismiss_chosen, dismiss_records, open_records

    _check_named(keys, run=run, rule=rule, yes=yes)
    if not reason.strip():
        raise Misuse("a dismissal needs a reason", where="--reason", remedy="Say why the records need no mending.")
    with installation() as opened:
        if keys:
            dismissed = dismiss_records(opened, keys, reason=reason)
            if as_json:
                print_json({"dismissed": dismissed})
            else:
                typer.echo(f"{counted(dismissed, 'record')} dismissed")
            return
        count, by_rule = open_records(opened, run=run, rule=rule)
        dismissed = dismiss_chosen(opened, run=run, rule=rule, reason=reason) if yes else 0
    if as_json:
        print_json({"open": count, "by_rule": by_rule, "dismissed": dismissed})
        return
    if by_rule:
        print_table(["rule", "records"], list(by_rule.items()), numbers=["records"])
    if yes:
        typer.echo(f"{counted(dismissed, 'record')} dismissed")
    elif count:
        which = "it" if count == 1 else "them"
        typer.echo(f"{counted(count, 'record is', 'records are')} open. Nothing was changed; --yes dismisses {which}.")
    else:
        typer.echo("none is open")


def _check_named(keys: list[str] | None, *, run: str | None, rule: str | None, yes: bool) -> None:
    """Either records are named or they are chosen."""
    chosen = [option for option, value in (("--run", run), ("--rule", rule)) if value is not None]
    valid = "records as `quarantine list` shows them; or --run, --rule or both"
    if not keys and not chosen:
        raise Misuse("it is not said which records", where="quarantine dismiss", valid=valid)
    if keys and (chosen or yes):
        raise Misuse(
            "records that are named are all that is dismissed", where=(*chosen, "--yes")[0], value=keys[0], valid=valid
        )


def expire(
    older_than: Annotated[str, typer.Option(help="For how long no run must have refused them: 90d, 12w.")],
    *,
    run: Annotated[str | None, typer.Option("--run", help="Only what this run refused.", show_default="all")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only what breaks this rule.", show_default="all")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why; kept in the audit chain.", show_default="not refused for so long")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only told how many there are.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let go of open records that nobody mends. They stay in quarantine, expired, with the reason.

    A record's age counts from the last run that refused it: one that its source sends every night is never old. What is
    refused again later is open again.

    \b
    Examples:
      headwater quarantine expire --older-than 90d
      headwater quarantine expire --older-than 12w --rule activity.quantity.range --yes
    """
    from headwater.services.quarantine.quarantines import expire_records, open_records

    days = _days(older_than)
    age = timedelta(days=days)
    why = f"not refused for more than {counted(days, 'day')}" if reason is None else reason.strip()
    if not why:
        raise Misuse("a reason must be said", where="--reason", remedy="Say why the records need no mending.")
    with installation() as opened:
        count, by_rule = open_records(opened, run=run, rule=rule, older_than=age)
        expired = expire_records(opened, age, run=run, rule=rule, reason=why) if yes else 0
    if as_json:
        print_json({"open_for_longer": count, "by_rule": by_rule, "expired": expired})
        return
    if by_rule:
        print_table(["rule", "records"], list(by_rule.items()), numbers=["records"])
    if yes:
        typer.echo(f"{expired:,} expired: {why}")
    elif count:
        told = counted(count, "is open", "are open")
        typer.echo(f"{told} and older than {counted(days, 'day')}. Nothing was changed; --yes lets them expire.")
    else:
        typer.echo(f"none is open and older than {counted(days, 'day')}")


def mirror(as_json: AsJson = False) -> None:
    """Copy what runs refused to the store that HEADWATER_DEAD_LETTERS names, where that is not done yet.

    Each run does so when it ends. This is for what failed then, for runs that were broken off, and for runs from before
    the store was set. One copy that fails leaves the others be. Cells are copied as they were read, personal ones too.

    \b
    Examples:
      headwater quarantine mirror

    \b
    Exit codes: 0 all copied, 1 error: nothing copied, 2 usage, 4 some copied; what is copied is noted.
    """
    from headwater.services.quarantine import dead_letters

    done: list[dead_letters.Mirrored] = []
    with installation() as opened:
        try:
            for each in dead_letters.mirror(opened):
                done.append(each)
                if each.error is None:
                    typer.echo(f"{counted(each.records, 'record')} of {each.source_name}: {each.object}", err=as_json)
                else:
                    typer.echo(f"not copied, run {each.run_id} of {each.source_name}: {each.error}", err=True)
        finally:
            left = dead_letters.count_waiting(opened)
            if as_json:
                print_json({"mirrored": [asdict(each) for each in done], "left": left})
            elif left:
                typer.echo(f"what {counted(left, 'run')} refused is not copied yet", err=True)
    failed = sum(each.error is not None for each in done)
    if failed:
        raise typer.Exit(exits.ERROR if failed == len(done) else exits.PARTIAL)
    if not done:
        typer.echo("nothing to do: what runs refused is copied", err=as_json)


def _days(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([dw])", text.strip().lower(), re.ASCII)
    days = int(found[1]) * DAYS_OF[found[2]] if found else 0
    if not 1 <= days <= LONGEST_DAYS:
        raise Misuse(
            "this is no length of time", where="--older-than", value=text, valid="days or weeks, as 90d or 12w"
        )
    return days
