"""The Kommo account: its APIs, its channel, access to it, its sources."""
