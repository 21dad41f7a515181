"""Deliver: the worker, and one package per destination."""
