"""`DurableQueue`: all that can be done with a queue inside a transaction, by three roles.

Whoever needs one role only says so by its type: receivers a `Producer`, the worker a `Consumer`,
operators' commands and jobs an `Upkeep`.
"""

from storage.queue.consumer import Consumer
from storage.queue.producer import Producer
from storage.queue.upkeep import Upkeep


class DurableQueue(Producer, Consumer, Upkeep):
    """The queue of one direction."""
