"""Draws messages from what notifiers really send, and fills in the tables of docs/notifiers.md."""
