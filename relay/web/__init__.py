"""The web side: webhooks come in here, people look in here."""
