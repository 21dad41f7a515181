"""What comes in, until it is stored."""
