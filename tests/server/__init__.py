"""Tests of the server: what stands before the routes, the routes, and what they keep."""
