"""The fake second device notices what CUDA refuses: else its silence would prove nothing."""

import pytest
import torch

from genlib.rng import generator
from tests.support.fakegpu import DEVICE, SECOND, NotCapturableError, fake_gpu


@pytest.mark.parametrize(
    "mistake",
    [
        lambda t: t.sum().item(),
        lambda t: t[t > 0],
        lambda t: t[torch.arange(2)],
        lambda t: t * torch.tensor(2.0, device=t.device),
        lambda t: t.cpu(),
        lambda t: torch.rand(2, device=t.device, generator=generator(0, t.device)),
        lambda t: t.nonzero(),
    ],
    ids=["item", "mask", "CPU index", "host constant", "to the CPU", "generator", "nonzero"],
)
def test_it_refuses_in_a_graph_what_no_graph_can_hold(mistake):
    with fake_gpu():
        t = torch.ones(3, device=DEVICE)
        mistake(t)
        with pytest.raises(NotCapturableError), torch.cuda.graph(torch.cuda.CUDAGraph()):
            mistake(t)


def test_it_refuses_operands_and_generators_of_another_device():
    with fake_gpu() as gpu:
        t = torch.ones(3, device=DEVICE)
        for other in (torch.ones(3), torch.ones(3, device=SECOND)):
            with pytest.raises(RuntimeError, match="same device"):
                t + other
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(3, device=DEVICE, generator=generator(0))
        assert (2 * t).cpu().tolist() == [2.0, 2.0, 2.0]
        assert not gpu.hidden
        torch.rand(3, device=DEVICE)
        assert gpu.hidden


def test_a_number_of_the_host_stays_in_a_graph_as_it_was():
    """What was read on the host is baked in, so that a replay gives other numbers."""
    with fake_gpu():
        total, step = torch.zeros((), device=DEVICE), 1
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            total += step
        assert float(total) == 0
        step = 10
        for _ in range(3):
            graph.replay()
        assert float(total) == 3
