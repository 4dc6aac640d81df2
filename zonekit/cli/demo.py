"""The main job, start to finish, on the zones in ``fixtures/``: ``python -m zonekit.cli.demo build/demo``.

A domain moves from one DNS operator to another. The files of every stage go into a directory of their own; what was
done, what is waited for and why is printed, and kept beside them.
"""

from __future__ import annotations

from zonekit.cli import run_guarded


def main() -> None:
    """Run the demo as ``sys.argv`` says, and leave with its exit code."""
    run_guarded(_run)


def _run() -> None:
    from zonekit.cli.telling import demo

    demo(prog_name="zonekit.cli.demo")


if __name__ == "__main__":
    main()
