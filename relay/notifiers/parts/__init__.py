"""What several notifiers share."""
