"""Tests of the registry channel."""
