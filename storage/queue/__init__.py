"""The durable queues."""
