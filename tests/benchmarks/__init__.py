"""Measurements that print figures; not collected by the test run."""
