"""What models of noise share: schedules, samplers, parameterizations, and the family's base."""
