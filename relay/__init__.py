"""CircleCI webhooks in; the few messages people are glad to get, out."""

__version__ = "0.1.0"
