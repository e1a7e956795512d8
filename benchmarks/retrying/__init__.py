"""A CI that never was: projects drawn at random, and the relay with a clock that is moved by hand."""
