"""Numbers with their words, for what people read."""


def counted(number: int, thing: str) -> str:
    """Return a number of things, such as `1 item` or `2 items`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
