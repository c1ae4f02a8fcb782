"""Commands on a run, as sentences, pages and tables print them: to copy."""

from __future__ import annotations

from pathlib import Path

from zerosum.util.text import from_encodable, shell_word


def command(name: str, run: Path, recipe: str = "", flags: str = "") -> str:
    """`zerosum NAME RUN FLAGS`, with --recipe where the recipe is not built in.

    Args:
        recipe: as run.json names it; "" where nobody knows.
        flags: as they are to be printed.
    """
    own = f"--recipe {shell_word(from_encodable(recipe))}" if ":" in recipe else ""
    return " ".join(part for part in ("zerosum", name, shell_word(_no_flag(shown(run))), flags, own) if part)


def shown(run: Path) -> str:
    """The path of a run, relative to the current folder where it lies below."""
    resolved = run.resolve()
    below = resolved != Path.cwd() and resolved.is_relative_to(Path.cwd())
    return str(resolved.relative_to(Path.cwd()) if below else resolved)


def _no_flag(path: str) -> str:
    """A path that no command takes for a flag."""
    return f"./{path}" if path.startswith("-") else path
