"""A folder to put on PYTHONPATH, so that a bot in another process finds the fake Discord."""
