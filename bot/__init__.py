"""What people touch: Discord and the command line."""
