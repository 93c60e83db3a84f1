"""Tests of the enrichers, one module for each."""
