"""Kommo's APIs as this bridge needs them: identifiers, payloads, signatures, events, calls."""
