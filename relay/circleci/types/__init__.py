"""What CircleCI answers, typed. `raw` keeps the answer as it came; it may hold secrets and never prints."""
