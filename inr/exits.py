"""Exit codes of exceptions."""


class ExitCode:
    """Mixin of exceptions that end the program with an exit code of their own.

    Attributes:
        exit_code: the code, see the table in docs/configuration.md.
    """

    exit_code: int
