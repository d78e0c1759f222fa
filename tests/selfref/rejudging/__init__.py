"""Mirrors `selfref.rejudging`."""
