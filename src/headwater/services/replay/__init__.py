"""The audit chain walked again, and what it tells of done again beside what is stored.

chain           entry by entry, chunk by chunk
runs            a run as far as it was done again
sweeps          what full loads deleted
deletions       what people deleted, restored and destroyed by hand
pinned_records  records that were pinned for another recipe, held against the rows they are of
"""
