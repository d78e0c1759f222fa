"""Tests of the benchmark: a measurement that cannot fail is not one."""
