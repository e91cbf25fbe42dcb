"""A Discord on loopback for the tests: REST and gateway on one port."""
