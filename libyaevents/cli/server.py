"""The command that serves the studio and the API."""

import os
from pathlib import Path
from typing import Annotated

from typer import Option

from libyaevents.cli.app import Text, Verbose, app
from libyaevents.errors import MissingExtraError

__all__ = ["serve"]


@app.command(epilog="Example: libyaevents serve --data my-articles")
def serve(
    data: Annotated[
        Path,
        Option(metavar="FOLDER", help="Keeps the articles, their history and models."),
    ] = Path("libyaevents-data"),
    model: Annotated[
        Text, Option(metavar="MODEL", help="A model's name or folder (last used here, else compact).")
    ] = None,
    host: Annotated[
        str, Option(help="Address to listen on; all but loopback need a password.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    allow_host: Annotated[
        list[str] | None,
        Option(metavar="NAME", help="Name by which browsers reach --host; may be repeated."),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Open the studio: read, correct and retrain in the browser; and the API at the same address.

    On any other address than this machine's own, every request needs the
    password of LIBYAEVENTS_PASSWORD, or the one printed at the start.
    """
    try:
        from libyaevents.server.run import serve as run
        from libyaevents.server.settings import ServerSettings
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error}, which serve needs: pip install 'libyaevents[serve]'") from error

    run(
        ServerSettings(
            data=data,
            model=model,
            host=host,
            port=port,
            allowed_hosts=tuple(allow_host or ()),
            password=os.environ.get("LIBYAEVENTS_PASSWORD"),
        )
    )
