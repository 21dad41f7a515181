"""The stream of the page."""

import json

from sandbox.page.feed import Feed


async def test_one_look_that_fails_does_not_end_the_stream():
    """Browsers keep what they have, a new one gets that too, and the next look is told."""
    looks = iter([{"a/1": {"text": "one"}}, None, {"a/1": {"text": "two"}}])

    def look():
        found = next(looks)
        if found is None:
            raise KeyError("something that the page cannot show")
        return found

    feed = Feed(look)
    with feed.subscribed() as first, feed.subscribed() as second:
        feed.refresh()
        told = [json.loads(queue.get_nowait()) for queue in (first, second, first, second)]
    assert told[:2] == [{"all": {"a/1": {"text": "one"}}}] * 2
    assert told[2:] == [{"set": {"a/1": {"text": "two"}}}] * 2
