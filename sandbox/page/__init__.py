"""The sandbox's page: both servers and the bridge between them, to try by hand in a browser."""
