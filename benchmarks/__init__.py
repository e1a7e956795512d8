"""Measurements that a person starts by hand: `python -m benchmarks.accept`."""
