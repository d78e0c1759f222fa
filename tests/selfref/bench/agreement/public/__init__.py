"""Tests of the agreement benchmark: every figure against one worked out by hand."""
