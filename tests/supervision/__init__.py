"""Tests of supervision 监管."""
