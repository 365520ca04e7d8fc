"""`acsbench`: the commands, and how an error reaches the user."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from acsbench import __version__
from acsbench.cli import (
    demo,
    describe,
    evaluate,
    explain,
    leaderboard,
    models,
    predict,
    prepare,
    pretrain,
    reproduce,
    simulate,
    train,
    view,
)
from acsbench.cli.console import err
from acsbench.errors import AcsBenchError

PACKAGE = Path(__file__).parents[1]
EXIT_ERROR = 2
EXIT_BUG = 1
EXIT_STOPPED = 130  # what shells and Typer make of Ctrl-C
EXTRAS = {
    **dict.fromkeys(("dask", "distributed"), "dask"),
    **dict.fromkeys(
        ("alembic", "argon2", "fastapi", "httpx", "itsdangerous", "multipart", "prometheus_client",
         "psycopg", "sqlalchemy", "uvicorn"),
        "leaderboard",
    ),
    "captum": "explain",
    "h5py": "hdf5",
}  # fmt: skip
"""What to install for a package that is missing; whatever is not named comes with `train`."""
ANYWHERE = ("--debug", "--show-ids", "--verbose", "-v")
"""Options of every command, which may stand before or after the command's name."""

app = typer.Typer(
    name="acsbench",
    help="Acute coronary syndrome in the ECG: from files on disk to trained models and a report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    # Rich's panels cut the names of long options on a terminal of 80 columns.
    rich_markup_mode=None,
    context_settings={"max_content_width": 100},
)
app.command("demo")(demo.command)
app.command("simulate")(simulate.command)
app.command("prepare")(prepare.command)
app.command("describe")(describe.command)
app.add_typer(pretrain.app, name="pretrain")
app.command("train")(train.command)
app.command("predict")(predict.command)
app.command("evaluate")(evaluate.command)
app.command("explain")(explain.command)
app.command("reproduce")(reproduce.command)
app.add_typer(models.app, name="models")
app.command("view")(view.command)
app.add_typer(leaderboard.app, name="leaderboard")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    show_ids: Annotated[
        bool,
        typer.Option("--show-ids", help="Let errors name ids, values and records of patients."),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Options of every command; they may also stand after the command's name."""
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING)
    warnings.formatwarning = _format_warning
    for noisy in ("matplotlib", "fontTools", "PIL", "fsspec"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _format_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """Remarks on the user's files in one line; other warnings with the place in the source."""
    if category is UserWarning and Path(filename).is_relative_to(PACKAGE):
        return f"Warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    everywhere = [word for word in words if word in ANYWHERE]
    words = everywhere + [word for word in words if word not in ANYWHERE]
    sys.exit(_run(words, debug="--debug" in words, show_ids="--show-ids" in words))


def _run(words: list[str], debug: bool, show_ids: bool) -> int:
    try:
        # Wrong use is Typer's to tell; it leaves with an exit code of its own.
        app(words, prog_name="acsbench")
    except SystemExit as stop:
        if stop.code == EXIT_STOPPED:
            err.print("stopped; repeat the command to go on")
        raise
    except AcsBenchError as error:
        _complain(error.message(show_ids), debug)
        return EXIT_ERROR
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0], "train")
        _complain(f"{error.name} is not installed. Run: pip install 'acsbench[{extra}]'", debug)
        return EXIT_ERROR
    except OSError as error:
        # The name of a file may be that of a record, which is an id.
        place = f"{error.filename}: " if error.filename and show_ids else ""
        hint = "" if show_ids or not error.filename else " [repeat with --show-ids to see where]"
        _complain(f"{place}{error.strerror or 'a file cannot be read or written'}{hint}.", debug)
        return EXIT_ERROR
    except Exception as error:  # a bug: its text may hold patients' values, so it is not shown
        _complain(
            f"acsbench failed ({type(error).__name__}). This is a bug: please report it with what "
            "--debug shows, after removing patients' data",
            debug,
        )
        return EXIT_BUG
    return 0


def _complain(text: str, debug: bool) -> None:
    if debug:
        err.print_exception()
    err.print(f"[bold red]Error:[/] {escape(text)}")
