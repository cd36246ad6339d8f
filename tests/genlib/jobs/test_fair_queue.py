"""The order of the fair queue, over generated classes of students, without any database."""

from collections import Counter, defaultdict, deque
from itertools import pairwise
from math import inf

from dbos import WorkflowStatus
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from genlib.jobs.fair_queue import QUEUE, ROOM, FairQueue, length

STUDENTS = some.sampled_from("ABCDE")
SECONDS = some.integers(1, 9).map(float)


class Served:
    """Workers that serve jobs as DBOS does: each takes one, that of the lowest priority."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.jobs: list[WorkflowStatus] = []
        self.presses = 0
        self.begun: list[WorkflowStatus] = []

    def press(self, student: str, seconds: float) -> WorkflowStatus:
        """Ask for one more job, as a client does."""
        self.presses += 1
        job = WorkflowStatus()
        job.workflow_id = f"{student}{self.presses}"
        job.status, job.queue_name, job.queue_partition_key = "ENQUEUED", ROOM, student
        job.priority, job.created_at, job.dequeued_at = 0, 0, None
        job.attributes = {"asked": self.presses, "seconds": seconds}
        self.jobs.append(job)
        self.settle()
        return job

    def leave(self, job: WorkflowStatus) -> None:
        """End a job, or stop it."""
        self.jobs.remove(job)
        self.settle()

    def settle(self) -> None:
        """Let who may join the line; then each free worker takes the next job of the line."""
        for place, job in FairQueue.of(self.jobs).joining():
            job.queue_name, job.priority = QUEUE, place
        while len(self.training()) < self.workers and (line := self.line()):
            job = min(line, key=lambda job: job.priority)
            job.status, job.dequeued_at = "PENDING", len(self.begun) + 1
            self.begun.append(job)

    def training(self) -> list[WorkflowStatus]:
        return [job for job in self.begun if job in self.jobs]

    def line(self) -> list[WorkflowStatus]:
        queued = (job for job in self.jobs if job.status == "ENQUEUED")
        return [job for job in queued if job.queue_name == QUEUE]


class Class(RuleBasedStateMachine):
    """A class that presses Train and Stop while workers serve it."""

    @initialize(workers=some.integers(1, 3))
    def begin(self, workers: int) -> None:
        self.served = Served(workers)
        self.overtaken: dict[str, Counter[str]] = {}  # by whom, since a job joined the line
        self.counted = 0  # of those that have begun

    @rule(student=STUDENTS, seconds=SECONDS)
    def press(self, student: str, seconds: float) -> None:
        self.served.press(student, seconds)

    @precondition(lambda self: self.served.jobs)
    @rule(choice=some.randoms())
    def leave(self, choice) -> None:
        self.served.leave(choice.choice(self.served.jobs))

    @invariant()
    def nobody_trains_two_at_once(self) -> None:
        inside = [*self.served.training(), *self.served.line()]
        students = Counter(job.queue_partition_key for job in inside)
        assert all(count == 1 for count in students.values())

    @invariant()
    def no_worker_is_idle_while_somebody_could_train(self) -> None:
        waiting = {job.queue_partition_key for job in self.served.jobs}
        training = self.served.training()
        assert len(training) == min(self.served.workers, len(waiting))

    @invariant()
    def nobody_is_overtaken_twice_by_the_same_student(self) -> None:
        line = {job.workflow_id for job in self.served.line()}
        for job in self.served.begun[self.counted :]:
            for others in self.overtaken.values():
                others[job.queue_partition_key] += 1
        self.counted = len(self.served.begun)
        self.overtaken = {name: self.overtaken.get(name, Counter()) for name in line}
        assert all(count <= 1 for others in self.overtaken.values() for count in others.values())

    @invariant()
    def every_job_is_told_its_turn_once(self) -> None:
        queue = FairQueue.of(self.served.jobs)
        messages = [name for name, _, _ in queue.play([0.0] * len(self.served.training()))]
        assert sorted(messages) == sorted(job.workflow_id for job in self.served.jobs)


TestClass = Class.TestCase


def round_robin(names: list[str]) -> list[str]:
    """Return the order of a round robin: who was served goes to the end of the circle."""
    own = defaultdict(deque)
    for name in names:
        own[name[0]].append(name)
    circle, order = deque(own), []
    while circle:
        student = circle.popleft()
        order.append(own[student].popleft())
        if own[student]:
            circle.append(student)
    return order


@given(students=some.lists(STUDENTS, max_size=16))
def test_with_one_worker_the_order_is_a_round_robin(students: list[str]) -> None:
    served = Served(workers=1)
    names = [served.press(student, 1.0).workflow_id for student in students]
    left = [1.0] * len(served.training())
    messages = [name for name, _, _ in FairQueue.of(served.jobs).play(left)]
    assert messages == round_robin(names)


@given(
    workers=some.integers(1, 3),
    presses=some.lists(some.tuples(STUDENTS, SECONDS), min_size=1, max_size=16),
)
def test_what_is_told_is_what_is_served(workers: int, presses: list[tuple[str, float]]) -> None:
    """Nobody presses any more: each job begins and ends at the second that was told."""
    served = Served(workers)
    for student, seconds in presses:
        served.press(student, seconds)
    served.workers = len(served.training())  # those that the queue sees at work
    left = [length(job) for job in served.training()]
    messages = list(FairQueue.of(served.jobs).play(left))
    now, ends, begins = 0.0, dict[str, float](), dict[str, float]()
    while served.jobs:
        for job in served.training():
            begins.setdefault(job.workflow_id, now)
            ends.setdefault(job.workflow_id, now + length(job))
        first = min(served.training(), key=lambda job: ends[job.workflow_id])
        now = ends[first.workflow_id]
        served.leave(first)
    assert messages == [(name, begin, ends[name]) for name, begin in begins.items()]


@given(lengths=some.lists(some.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=8))
def test_after_a_job_of_unknown_length_no_time_is_told(lengths: list[float]) -> None:
    served = Served(workers=1)
    for student, seconds in zip("ABCDEFGH", lengths, strict=False):
        served.press(student, seconds)
    messages = list(FairQueue.of(served.jobs).play([length(job) for job in served.training()]))
    for (_, _, end), (_, begins, _) in pairwise(messages):
        assert begins == end
    finite = [end < inf for _, _, end in messages]
    expected = [seconds > 0 for seconds in lengths]
    assert finite == [all(expected[: place + 1]) for place in range(len(expected))]
