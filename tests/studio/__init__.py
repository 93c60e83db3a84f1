"""Tests of the studio's page, in a real browser on a real server."""
