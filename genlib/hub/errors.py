"""The one error that everything of the Hub ends in."""

from genlib.errors import TaskError


class HubError(TaskError):
    """The Hub cannot give or take it; the message is for the student."""
