"""What callers hear: one flow a file."""
