"""Trusted certificates for TLS, read once, as they take 50 ms and a megabyte."""

import functools
import ssl

import httpx


@functools.cache
def certificates() -> ssl.SSLContext:
    """Return what every connection is checked with; `SSL_CERT_FILE` names other authorities."""
    return httpx.create_ssl_context()
