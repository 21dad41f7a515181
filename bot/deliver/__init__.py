"""What goes out: the worker, and one module per destination."""
