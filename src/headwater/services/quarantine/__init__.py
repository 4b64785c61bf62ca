"""What was refused: listed, exported, mended, sent again, fixed everywhere, dismissed, kept outside as dead letters."""
