"""A client of CircleCI's REST API v1, v1.1 and v2. Start at `facade.CircleCI`."""
