"""`headwater people sessions|end-sessions|reset-link|first-admin`: how somebody comes in, and how that is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.services.sign_in.links import Link

Whom = Annotated[str, typer.Argument(metavar="PERSON", help="Their address or id.", show_default=False)]


def sessions(whom: Whom, as_json: AsJson = False) -> None:
    """List the sessions of somebody that hold, the one used last first. The audit chain notes that they were read.

    \b
    Examples:
      headwater people sessions ann@example.org
    """
    from headwater.services.access.people import named
    from headwater.services.sign_in.sessions import list_sessions

    with installation() as opened:
        found = list_sessions(opened, named(opened, whom))
    if as_json:
        print_json([{**vars(each), "is_this": None} for each in found])
        return
    rows = [(str(each.session_id), each.method, each.address, each.agent, each.seen_at) for each in found]
    print_table(["session", "by", "from", "with", "seen"], rows, whole=["session"])


def end_sessions(whom: Whom, as_json: AsJson = False) -> None:
    """End all sessions of somebody. They may sign in again; their tokens go on.

    \b
    Examples:
      headwater people end-sessions ann@example.org
    """
    from headwater.services.access.people import named
    from headwater.services.sign_in.sessions import end_sessions as end

    with installation() as opened:
        ended = end(opened, named(opened, whom))
    if as_json:
        print_json({"ended": ended})
    else:
        typer.echo(f"{counted(ended, 'session has', 'sessions have')} ended.")


def reset_link(whom: Whom, as_json: AsJson = False) -> None:
    """Make a link by which somebody sets a password, once, within an hour; an invitation where they accepted none yet.

    \b
    Examples:
      headwater people reset-link ann@example.org
    """
    from headwater.services.access.people import named
    from headwater.services.sign_in.links import link_for

    with installation() as opened:
        _tell(link_for(opened, named(opened, whom)), as_json=as_json)


def first_admin(as_json: AsJson = False) -> None:
    """Make a link to become the first administrator, once, within a week; refused where there is one already.

    \b
    Examples:
      headwater people first-admin
    """
    from headwater.errors import Conflict
    from headwater.services.sign_in.first_admin import invite_first_admin

    with installation() as opened:
        link = invite_first_admin(opened)
        if link is None:
            raise Conflict(
                "the organisation has an administrator",
                where="people first-admin",
                value=opened.settings.organisation,
                remedy="Ask them to invite you, or see `headwater people list`.",
            )
        _tell(link, as_json=as_json)


def welcome(opened: Installation) -> None:
    """Where nobody administrates the organisation yet, say on standard error how somebody comes to."""
    from headwater.services.sign_in.first_admin import invite_first_admin

    link = invite_first_admin(opened)
    if link is not None:
        typer.echo(
            f"Nobody administrates the organisation {opened.settings.organisation} yet. Whoever opens this link first, "
            f"until {link.expires_at:%Y-%m-%d %H:%M} UTC, does:\n{link.url}",
            err=True,
        )


def _tell(link: Link, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "person_id": link.person_id,
                "purpose": link.purpose,
                "link": link.url,
                "expires_at": link.expires_at,
            }
        )
    else:
        facts = [("person", link.person_id), ("for", link.purpose), ("link", link.url), ("until", link.expires_at)]
        print_facts(facts)
