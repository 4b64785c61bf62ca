"""`headwater quarantine fix`: one repair for all records like it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.printing import print_json, print_table
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.quarantine.fixes import Offer, Preview
    from headwater.services.quarantine.wanted_fixes import Wanted
    from headwater.store.fixes import Group


EFFECT = ("would change", "would refuse")
NOT_KNOWN = "not known"


def fix(  # noqa: PLR0917  the options of a command
    like: Annotated[
        str | None, typer.Option("--like", help="A record that was mended, as `quarantine list` shows it.")
    ] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="The rule that refused the records.")] = None,
    column: Annotated[
        str | None, typer.Option("--column", help="The column, or the field it fills.", show_default="the rule's")
    ] = None,
    before: Annotated[str | None, typer.Option("--from", help="The text that was refused.")] = None,
    after: Annotated[str | None, typer.Option("--to", help="What it means; nothing for a blank.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="Of which source.", show_default="the only one")] = None,
    name: Annotated[str | None, typer.Option("--as", help="Which of the ways that are shown.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File for the mapping's next version, as YAML.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it: without, it is only shown.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Without other options: how many to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Mend all records like one: as a rule of the mapping.

    Without options, it shows the texts for which most records were refused. With a record that was mended (--like), or
    with rule and texts, it shows what the mapping's next version would load, what other rules would refuse still, the
    CO2e of what would load, and whether it would change records that stand: where it would, or that is not known, it
    is not applied. --apply sends the open records through it. Import or sync the source through the file of --out from
    then on.

    \b
    Examples:
      headwater quarantine fix
      headwater quarantine fix --like 01234567-89ab-cdef-0123-456789abcdef.1
      headwater quarantine fix --rule activity.unit.enum --from kwH --to kWh --apply --out meters_1.1.0.yaml

    \b
    Exit codes: 0 shown, or all loaded; 1 error, 2 usage, 3 some stay open in quarantine, 4 partial success.
    """
    from headwater.services.quarantine.fixes import plan_fix, preview, written
    from headwater.telemetry import progress

    _check(out, apply=apply, force=force)
    with installation() as opened:
        if like is None and before is None:
            _show_groups(opened, run=run, limit=limit, as_json=as_json)
            return
        wanted = _wanted(opened, like=like, rule=rule, column=column, before=before, after=after, run=run)
        shown = preview(opened, wanted, progress=progress())
        if not as_json:
            _tell(shown)
        offer = shown.chosen(name) if apply else shown.named(name) if out is not None else None
        if offer is not None and out is not None:
            _write(out, written(offer))
        if offer is not None and apply:
            carry_out_and_tell(opened, lambda: plan_fix(opened, shown, offer), as_json=as_json)
            return
    if as_json:
        print_json(shown.as_json())
        return
    _next_steps(shown, offer, out)


def fix_hints(opened: Installation, run_id: UUID) -> Iterator[str]:
    """After a resubmission: which of its repairs may mend more records."""
    from headwater.services.quarantine.fixes import options_like
    from headwater.services.quarantine.wanted_fixes import like_mended

    for group in like_mended(opened, run_id):
        records = counted(group.records, "more record is", "more records are")
        options = options_like(opened, group)
        if options is None:
            yield f"{records} open that {group.rule} refused. The mapping cannot say what you did to one; look at them:"
            yield f"  headwater quarantine list --rule {group.rule}"
        else:
            yield f"{records} open that {group.rule} refused. What the mapping could mend as you mended one:"
            yield f"  headwater quarantine fix {shlex.join(options)}"


def _check(out: Path | None, *, apply: bool, force: bool) -> None:
    if apply and out is None:
        raise Misuse(
            "it is not said where the mapping's next version goes",
            where="--out",
            valid="a file, such as meters_1.1.0.yaml",
            remedy="Without it the next import would refuse such records again.",
        )
    if out is not None and out.exists() and not force:
        raise Misuse(
            "the file is there already",
            where=str(out),
            remedy="Choose another name, or write over it with --force.",
        )


def _wanted(
    opened: Installation,
    *,
    like: str | None,
    rule: str | None,
    column: str | None,
    before: str | None,
    after: str | None,
    run: str | None,
) -> Wanted:
    from headwater.services.quarantine.wanted_fixes import wanted_like, wanted_so

    if like is not None:
        if (column, before, after, run) != (None, None, None, None):
            raise Misuse(
                "a record says already what was done to it",
                where="--like",
                valid="--like, perhaps with --rule; or --rule, --from and --to",
            )
        return wanted_like(opened, like, rule=rule)
    if rule is None or before is None or after is None:
        raise Misuse(
            "it is not said what is to be fixed",
            where="quarantine fix",
            valid="--like KEY, or --rule, --from and --to together",
            remedy='For a blank write --to "".',
        )
    return wanted_so(opened, rule=rule, column=column, before=before, after=after, run=run)


def _show_groups(opened: Installation, *, run: str | None, limit: int, as_json: bool) -> None:
    from headwater.services.quarantine.wanted_fixes import worth_fixing

    groups = worth_fixing(opened, run=run, limit=limit)
    if as_json:
        print_json({"worth_fixing": [_group_as_json(group) for group in groups]})
        return
    if not groups:
        typer.echo("No text was refused more than once: there is nothing to fix for all.")
        return
    print_table(
        ["source", "rule", "field", "text", "records", "one of them"],
        [
            (group.source_name, group.rule, group.field, group.text[:60], group.records, group.example)
            for group in groups
        ],
        numbers=["records"],
        whole=["one of them"],
    )
    typer.echo("Mend one and resubmit it, then fix all like it: headwater quarantine fix --like KEY")
    typer.echo("Or say what a text means: headwater quarantine fix --rule RULE --from TEXT --to TEXT")


def _group_as_json(group: Group) -> dict[str, object]:
    return {
        "source": group.source_name,
        "rule": group.rule,
        "field": group.field,
        "text": group.text,
        "records": group.records,
        "example": group.example,
    }


def _tell(shown: Preview) -> None:
    wanted = shown.wanted
    typer.echo(f"{wanted.sentence} ({wanted.rule}), in {shown.source} by mapping {_named(shown.mapping)}")
    if not shown.offers:
        blank = ": a blank is what is absent, and stays blank" if not wanted.before.strip() else ""
        typer.echo(f"The mapping cannot say this{blank}.")
        typer.echo(
            "Mend the records; or correct the mapping by hand, as by a constant, and have the source read again:"
        )
        typer.echo(f"  {shown.again.trial}")
        return
    print_table(
        ["as", "what it says", "open", "would load", "refused still", "not like it", "tCO2e at stake", *EFFECT],
        [_row(offer) for offer in shown.offers],
        numbers=["open", "would load", "refused still", "not like it", *EFFECT],
        whole=["as"],
    )
    for offer in shown.offers:
        if offer.by_rule:
            rules = ", ".join(f"{rule} ({count:,})" for rule, count in offer.by_rule.items())
            typer.echo(f"{offer.name}: refused still by {rules}")
    if shown.elsewhere:
        typer.echo(f"{shown.elsewhere:,} more were read with other columns or by another contract: not looked at.")
    for offer in shown.offers:
        if offer.would_load:
            typer.echo(f"\n{offer.difference}")
    if shown.compared.unknown is not None:
        typer.echo(f"What would change of the records that stand is not known: {shown.compared.unknown}.")
    if shown.compared.records is not None:
        typer.echo(
            f"`would change` counts records that stand, of the {shown.compared.records:,} {shown.compared.by}, and "
            f"come out otherwise than by mapping {_named(shown.mapping)}; `would refuse` those of them that would be "
            "refused with nothing in their place. Rows that were mended by hand are not compared."
        )
    typer.echo("Whether a key meets another record's shows only when they are loaded.")


def _row(offer: Offer) -> Sequence[object]:
    figures = "; ".join(f"{figure.co2e_kg / 1000:,.3f} ({figure.method}, {figure.gwp_set})" for figure in offer.figures)
    return (
        offer.name,
        offer.says,
        offer.open,
        len(offer.would_load),
        len(offer.refused_still),
        offer.unlike,
        figures or "not calculated",
        *((NOT_KNOWN, NOT_KNOWN) if offer.effect is None else (offer.effect.moved, offer.effect.refused)),
    )


def _named(mapping: object) -> str:
    return f"{getattr(mapping, 'mapping', '')} {getattr(mapping, 'version', '')}"


def _next_steps(shown: Preview, offer: Offer | None, out: Path | None) -> None:
    if offer is not None:
        typer.echo(
            f"The mapping's next version is in {out}. Nothing was loaded. What it would do to the source as it is now:"
        )
        typer.echo(f"  {shown.again.trial_of(out) if out else shown.again.trial}")
        return
    if not shown.offers:
        return
    useful = [each for each in shown.offers if each.would_load and not each.moved]
    if not useful:
        typer.echo("Nothing would load by this alone.")
        return
    best = max(useful, key=lambda each: (each.moved is not None, len(each.would_load)))
    out_file = f"{best.mapping.mapping}_{best.mapping.version}.yaml"
    if best.moved is None:
        typer.echo(f"Save the mapping: the same command with --as {best.name} --out {out_file}")
        return
    typer.echo(f"Do it: the same command with --as {best.name} --apply --out {out_file}")


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misuse(
            f"the file cannot be written: {error.strerror}", where=str(out), valid="a place you may write to"
        ) from error
    typer.echo(f"The mapping's next version: {out}. Import or sync the source through it from now on.", err=True)
