"""What is measured, not tested; run by hand, never collected."""
