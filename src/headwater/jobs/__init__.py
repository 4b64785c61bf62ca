"""Workers: they take jobs from the queue, of all organisations, and carry each out in a process of its own."""
