"""The documentation, and in `drawing` what makes its pictures."""
