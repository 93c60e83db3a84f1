"""Measuring libyaevents on the user's own machine, beside what people run today."""
