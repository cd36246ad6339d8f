"""The error that a task ends with on purpose."""


class TaskError(Exception):
    """A task cannot go on; the message is one sentence for the student, with what to change."""
