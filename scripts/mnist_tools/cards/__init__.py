"""Dataset cards: facts, measurements, tables, text, pictures and Croissant."""
