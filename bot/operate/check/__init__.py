"""`check`: the machine, the servers, the public address."""
