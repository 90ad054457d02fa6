"""Benchmarks: `python -m benchmarks` prints every figure beside its target as JSON."""
