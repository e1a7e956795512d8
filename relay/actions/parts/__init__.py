"""What actions are made of: kinds of options, what an event names at CircleCI, files and reports."""
