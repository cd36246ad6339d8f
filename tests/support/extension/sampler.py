def restart(
    predict: Predictor, x: Values, schedule: Schedule, times: list[int], rng: torch.Generator
) -> Trajectory:
    """Return to each time by fresh noise alone: nothing of the old noise is left."""
    for t, s in pairwise(times):
        x0_hat = predict(x, t, s)
        yield Frame(t, x, x0_hat)
        x = stepped(schedule, x0_hat, torch.randn(x.shape, generator=rng, device=x.device), s)
    yield Frame(0, x, x)
