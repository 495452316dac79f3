"""Where reports are printed."""

import sys

from rich.console import Console

FILE_COLUMNS = 160


def report_console() -> Console:
    """As wide as the terminal; wide where the output is a file or a pipe, so that no figure is cut off."""
    return Console(width=None if sys.stdout.isatty() else FILE_COLUMNS)
