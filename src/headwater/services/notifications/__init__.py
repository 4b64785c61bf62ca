"""Who is told what happened: written down with what it tells of, grouped, held in quiet hours, sent by workers."""
