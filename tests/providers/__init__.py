"""The game providers: the API, the file of the older program, the sheet, the first account."""
