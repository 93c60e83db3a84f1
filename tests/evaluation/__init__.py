"""Tests of scores and their calibration."""
