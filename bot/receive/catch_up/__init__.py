"""Recovery of missed answers from the chats' history."""
