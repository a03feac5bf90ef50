"""A live progress bar for people, and lines of text where nobody sees a bar."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task, TaskID
from rich.text import Text


class LineProgress(Progress):
    """Rich's progress display, which in a log file or a pipe says how far it is in lines of text."""

    LINE_EVERY_S = 5.0

    def __init__(self, *columns: ProgressColumn | str, console: Console) -> None:
        super().__init__(*columns, console=console, disable=not console.is_terminal)
        self._said_at = time.monotonic()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._say(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        if not self.disable or time.monotonic() - self._said_at < self.LINE_EVERY_S:
            return
        self._said_at = time.monotonic()
        task = next(task for task in self.tasks if task.id == task_id)
        self.console.print(self._line(task), markup=False, highlight=False, emoji=False, soft_wrap=True)

    def _line(self, task: Task) -> str:
        """What the bar would show, without the bar."""
        parts = (column if isinstance(column, str) else _plain(column(task)) for column in self.columns)
        return " ".join(part for part in parts if part)


class PlainColumn(ProgressColumn):
    """A field of the task as it is: names of files hold brackets and colons, which rich takes for markup.

    Args:
        field: ``description``, or a field that was given to ``add_task``.
        form: how a number is shown, in the words of :func:`format`.
    """

    def __init__(self, field: str = "description", form: str = "", unit: str = "") -> None:
        super().__init__()
        self._field, self._form, self._unit = field, form, unit

    def render(self, task: Task) -> Text:
        value = task.description if self._field == "description" else task.fields[self._field]
        shown = format(value, self._form) + (f" {self._unit}" if self._unit else "")
        return Text("".join(letter if letter.isprintable() else "?" for letter in shown))


def _plain(part: object) -> str:
    return part.plain.strip() if isinstance(part, Text) else ""
