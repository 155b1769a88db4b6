"""Clean stop on a signal: it is recorded, and the training loop stops where it can be resumed."""

import signal
from types import FrameType

from inr.exits import ExitCode


class Interrupted(ExitCode, BaseException):
    """Stop by a signal, after a checkpoint was written.

    Like KeyboardInterrupt it does not derive from Exception, so that it also ends a sweep.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 130 if number == signal.SIGINT else 75


class Interrupt:
    """Context that records SIGINT and SIGTERM; a second SIGINT raises KeyboardInterrupt at once."""

    def __init__(self) -> None:
        self.number = 0
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "Interrupt":
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        except ValueError:  # not in the main thread, where the caller handles signals
            pass
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number == signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number
