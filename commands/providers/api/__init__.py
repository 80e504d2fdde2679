"""The API of the game providers: asking it, judging its answers, and making rows of them."""
